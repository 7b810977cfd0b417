//! The verbs through the library, said as systemctl says it.

use std::path::Path;

use unit_parser::install::{
    Dependency, FileState, Flags, InstallError, InstallFailure, InstallPaths, Installer, Outcome, PresetMode,
};
use unit_parser::{Host, LoadPath, Mode};

use super::Said;

/// How the client, which does the work itself here, says what the manager's error says on the bus.
fn client_text(verb: &str, error: &InstallError) -> String {
    let verb = match verb {
        "add-wants" | "add-requires" => "add dependency on",
        "preset-all" => "preset",
        verb => verb,
    };
    let refused = |why: String| format!("Failed to {verb} unit, {why}.");
    match error {
        InstallError::Exists { path } => refused(format!("file \"{path}\" already exists")),
        InstallError::ExistsAsLink { path, target } => {
            refused(format!("file \"{path}\" already exists and is a symlink to \"{target}\""))
        }
        InstallError::Masked(path) => refused(format!("unit {path} is masked")),
        InstallError::Generated(path) => refused(format!("unit {path} is transient or generated")),
        InstallError::Linked(path) => refused(format!("refusing to operate on linked unit file {path}")),
        InstallError::NonTemplate(unit) => format!("destination unit {unit} is a non-template unit."),
        InstallError::InvalidName(name) => refused(format!("\"{name}\" is not a valid unit name")),
        InstallError::BadAlias { target, alias } => refused(format!("cannot alias {target} as {alias}")),
        InstallError::BadReference(alias) => refused(format!("invalid unit reference \"{alias}\"")),
        InstallError::NotFound(unit) => refused(format!("unit {unit} does not exist")),
        InstallError::BadSpecifier(text) => refused(format!("cannot resolve specifiers in \"{text}\"")),
        InstallError::Errno { path, .. } => {
            let text = error.to_string();
            format!("Failed to {verb} unit, file \"{path}\": {}", text.rsplit(": ").next().unwrap_or_default())
        }
        InstallError::Plain(_) => format!("Failed to {verb} unit: {error}"),
    }
}

fn said(verb: &str, root: &Path, result: Result<Outcome, InstallFailure>) -> Said {
    let root = root.display().to_string();
    let (changes, failures, good) = match &result {
        Ok(outcome) => (&outcome.changes, Vec::new(), true),
        Err(failure) => (&failure.changes, vec![client_text(verb, &failure.error).replace(&root, "")], false),
    };
    let mut changes: Vec<String> = changes.iter().map(|change| change.message().replace(&root, "")).collect();
    if matches!(verb, "enable" | "reenable") && result.as_ref().is_ok_and(|outcome| !outcome.carries_install_info) {
        changes.push("no installation config".into());
    }
    // Below a root systemctl does not look for masks of generators.
    changes.retain(|line| !line.contains("masked via a generator"));
    changes.sort();
    Said { changes, failures, good }
}

/// Does what `systemctl --root=ROOT WORDS...` does.
pub fn run(root: &Path, words: &[String]) -> Said {
    let paths = InstallPaths::new(Mode::System, &LoadPath::system(), Some(root), &|_| None);
    let installer = Installer::new(paths, Host::default());
    let (verb, rest) = words.split_first().unwrap();
    let (options, files): (Vec<String>, Vec<String>) = rest.iter().cloned().partition(|word| word.starts_with("--"));
    let has = |option: &str| options.iter().any(|word| word == option);
    let flags = Flags { runtime: has("--runtime"), force: has("--force") };
    let mode = options.iter().find_map(|option| option.strip_prefix("--preset-mode=")).unwrap_or_default();
    let mode = PresetMode::from_word(mode).unwrap();
    let first = files.first().cloned().unwrap_or_default();
    let others = files.get(1..).unwrap_or_default();
    let result = match verb.as_str() {
        "enable" => installer.enable(&files, flags),
        "disable" => installer.disable(&files, flags),
        "reenable" => installer.reenable(&files, flags),
        "link" => installer.link(&files, flags),
        "mask" => installer.mask(&files, flags),
        "unmask" => installer.unmask(&files, flags),
        "revert" => installer.revert(&files),
        "preset" => installer.preset(&files, mode, flags),
        "preset-all" => installer.preset_all(mode, flags),
        "add-wants" => installer.add_dependency(others, &first, Dependency::Wants, flags),
        "add-requires" => installer.add_dependency(others, &first, Dependency::Requires, flags),
        "is-enabled" => return is_enabled(&installer, &first),
        other => panic!("no such verb: {other}"),
    };
    said(verb, root, result)
}

fn is_enabled(installer: &Installer, name: &str) -> Said {
    use FileState as S;
    match installer.state(name) {
        Ok(state) => Said {
            good: matches!(state, S::Enabled | S::EnabledRuntime | S::Static | S::Alias | S::Indirect | S::Generated),
            changes: vec![state.as_str().to_owned()],
            failures: Vec::new(),
        },
        Err(error) => {
            Said { failures: vec![format!("Failed to get unit file state for {name}: {error}")], ..Said::default() }
        }
    }
}

/// Whether the two say the same. Where a verb did nothing but complain, the manager answers with an error, while the client
/// alone prints the complaint and is content.
pub fn same(theirs: &Said, ours: &Said) -> bool {
    let complained = theirs.good && !ours.good && theirs.changes.is_empty() && !theirs.failures.is_empty();
    // The manager's error is the first complaint.
    let told = match ours.failures.first() {
        Some(first) => theirs.failures.iter().take(1).any(|line| line.ends_with(first)),
        None => theirs.failures.is_empty(),
    };
    let dropped = theirs.good && ours.good && ours.failures.is_empty();
    theirs.changes == ours.changes && (theirs.good == ours.good || complained) && (dropped || told)
}
