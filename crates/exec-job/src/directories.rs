//! `RuntimeDirectory=` and its kin, `PrivateTmp=`: where they are, and what is removed when a service is down.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use daemon_runtime::paths::{Mode, user_runtime_dir};
use sys::executor::{DirectoryKind, DirectorySet, PrivateTmp};
use unit_parser::rows::exec;
use unit_parser::{RowId, Unit};

const SETS: [(DirectoryKind, RowId, Option<RowId>); 5] = [
    (DirectoryKind::Runtime, exec::RUNTIME_DIRECTORY, Some(exec::RUNTIME_DIRECTORY_MODE)),
    (DirectoryKind::State, exec::STATE_DIRECTORY, Some(exec::STATE_DIRECTORY_MODE)),
    (DirectoryKind::Cache, exec::CACHE_DIRECTORY, Some(exec::CACHE_DIRECTORY_MODE)),
    (DirectoryKind::Logs, exec::LOGS_DIRECTORY, Some(exec::LOGS_DIRECTORY_MODE)),
    (DirectoryKind::Configuration, exec::CONFIGURATION_DIRECTORY, Some(exec::CONFIGURATION_DIRECTORY_MODE)),
];

/// All five, as far as they are set.
pub(super) fn sets(unit: &Unit, mode: Mode) -> Vec<DirectorySet> {
    SETS.iter()
        .filter(|(_, row, _)| !unit.list(*row).is_empty())
        .map(|(kind, row, mode_row)| DirectorySet {
            kind: *kind,
            base: base(*kind, mode),
            names: names(unit.list(*row)),
            links: links(unit.list(*row)),
            private: is_private(unit, *kind),
            mode: mode_row.and_then(|row| u32::try_from(unit.uint(row)).ok()).unwrap_or(0o755),
        })
        .collect()
}

/// Whether others are to be kept out: the number of a dynamic user may have been, and may be, that of another one.
fn is_private(unit: &Unit, kind: DirectoryKind) -> bool {
    unit.bool(exec::DYNAMIC_USER)
        && !unit.user_manager
        && match kind {
            DirectoryKind::State | DirectoryKind::Cache | DirectoryKind::Logs => true,
            DirectoryKind::Runtime => !matches!(unit.word(exec::RUNTIME_DIRECTORY_PRESERVE), "no" | ""),
            DirectoryKind::Configuration => false,
        }
}

/// The directories of a setting, each once: `NAME` or `NAME:LINK`.
fn names(entries: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for entry in entries {
        let name = entry.split(':').next().unwrap_or_default();
        if !names.iter().any(|have| have == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// Directories and the links to them.
fn links(entries: &[String]) -> Vec<(String, String)> {
    let pair = |entry: &String| entry.split_once(':').map(|(name, link)| (name.to_owned(), link.to_owned()));
    entries.iter().filter_map(pair).filter(|(_, link)| !link.is_empty()).collect()
}

/// systemd.exec(5)'s table of roots, for the system and for users.
fn base(kind: DirectoryKind, mode: Mode) -> PathBuf {
    let xdg = |variable: &str, fallback: &str| {
        std::env::var_os(variable).filter(|dir| !dir.is_empty()).map_or_else(
            || PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/".into())).join(fallback),
            PathBuf::from,
        )
    };
    match (mode, kind) {
        (Mode::System, DirectoryKind::Runtime) => "/run".into(),
        (Mode::System, DirectoryKind::State) => "/var/lib".into(),
        (Mode::System, DirectoryKind::Cache) => "/var/cache".into(),
        (Mode::System, DirectoryKind::Logs) => "/var/log".into(),
        (Mode::System, DirectoryKind::Configuration) => "/etc".into(),
        (Mode::User, DirectoryKind::Runtime) => user_runtime_dir(),
        (Mode::User, DirectoryKind::State) => xdg("XDG_STATE_HOME", ".local/state"),
        (Mode::User, DirectoryKind::Cache) => xdg("XDG_CACHE_HOME", ".cache"),
        (Mode::User, DirectoryKind::Logs) => xdg("XDG_STATE_HOME", ".local/state").join("log"),
        (Mode::User, DirectoryKind::Configuration) => xdg("XDG_CONFIG_HOME", ".config"),
    }
}

/// The runtime directories of a unit that are removed when it is down; none with `RuntimeDirectoryPreserve=yes`, or with
/// `restart` while it comes back.
pub fn runtime_directories(unit: &Unit, mode: Mode, comes_back: bool) -> Vec<PathBuf> {
    match unit.word(exec::RUNTIME_DIRECTORY_PRESERVE) {
        "yes" => return Vec::new(),
        "restart" if comes_back => return Vec::new(),
        _ => {}
    }
    let base = base(DirectoryKind::Runtime, mode);
    paths(unit, exec::RUNTIME_DIRECTORY, &base)
}

/// Directories of one setting and the links to them, links first.
fn paths(unit: &Unit, row: RowId, base: &Path) -> Vec<PathBuf> {
    let entries = unit.list(row);
    let links = links(entries).into_iter().map(|(_, link)| link);
    links
        .chain(names(entries))
        .filter(|name| !name.is_empty() && !Path::new(name).components().any(|c| c.as_os_str() == ".."))
        .map(|name| base.join(name))
        .collect()
}

/// What `systemctl clean --what=` removes of a unit: the directories of these kinds (`runtime`, `state`, `cache`, `logs`,
/// `configuration`), where they are for dynamic users, and the links to them.
pub fn cleanable_directories(unit: &Unit, mode: Mode, what: &[String]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for (kind, row, _) in SETS {
        let word = match kind {
            DirectoryKind::Runtime => "runtime",
            DirectoryKind::State => "state",
            DirectoryKind::Cache => "cache",
            DirectoryKind::Logs => "logs",
            DirectoryKind::Configuration => "configuration",
        };
        if !what.iter().any(|asked| asked == word) {
            continue;
        }
        let base = base(kind, mode);
        found.extend(paths(unit, row, &base));
        if kind != DirectoryKind::Configuration {
            found.extend(paths(unit, row, &base.join("private")));
        }
    }
    found
}

/// Removes trees; a missing one is fine. Symbolic links are removed, not followed.
pub fn remove_runtime(directories: &[PathBuf]) {
    for directory in directories {
        if let Err(error) = remove_tree(directory) {
            tracing::warn!("cannot remove {}: {error}", directory.display());
        }
    }
}

/// The same for `systemctl clean`, which may take long: ends between two entries of a directory once `cancelled` is set.
///
/// # Errors
/// What could not be removed first; the rest is removed all the same.
pub fn clean(directories: &[PathBuf], cancelled: &AtomicBool) -> Result<(), String> {
    let mut result = Ok(());
    for directory in directories {
        let plain = fs::symlink_metadata(directory).is_ok_and(|metadata| metadata.is_dir());
        let entries =
            fs::read_dir(directory).into_iter().filter(|_| plain).flatten().flatten().map(|entry| entry.path());
        for path in entries.chain([directory.clone()]) {
            if cancelled.load(Ordering::Relaxed) {
                return Err("it took too long".into());
            }
            if let Err(error) = remove_tree(&path) {
                result = result.and_then(|()| Err(format!("cannot remove {}: {error}", path.display())));
            }
        }
    }
    result
}

/// A directory with all that is in it, or whatever else is there. Races with whoever moves things in there lead nowhere else:
/// the standard library goes down by descriptors and follows no link.
fn remove_tree(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The private /tmp and /var/tmp of one run: their names hold boot id and invocation, so that all processes of the run share
/// them and a new supervisor finds them.
pub fn private_tmp(unit: &Unit, boot_id: &str, invocation: &str) -> Option<PrivateTmp> {
    let word = unit.word(exec::PRIVATE_TMP);
    if !unit.bool(exec::PRIVATE_TMP) && !matches!(word, "yes" | "disconnected") {
        return None;
    }
    let short = invocation.get(..6).unwrap_or("000000");
    let name = format!("systemd-private-{boot_id}-{}-{short}", unit.name.as_str());
    Some(PrivateTmp { tmp: Path::new("/tmp").join(&name), var_tmp: Path::new("/var/tmp").join(&name) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use unit_parser::{Origin, UnitName, Value};

    #[test]
    fn what_clean_means() {
        let mut unit = Unit::new(UnitName::parse("a.service").unwrap());
        let list = |words: &[&str]| Value::List(words.iter().map(|word| (*word).to_owned()).collect());
        unit.set(exec::STATE_DIRECTORY, list(&["a:l", "b/c", "../x"]), Origin::default());
        unit.set(exec::CONFIGURATION_DIRECTORY, list(&["d"]), Origin::default());
        let what = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let found = cleanable_directories(&unit, Mode::System, &words);
            found.iter().map(|path| path.display().to_string()).collect::<Vec<_>>()
        };
        let state = ["/var/lib/l", "/var/lib/a", "/var/lib/b/c"];
        let private = ["/var/lib/private/l", "/var/lib/private/a", "/var/lib/private/b/c"];
        assert_eq!(what(&["state"]), [state, private].concat());
        assert_eq!(what(&["configuration", "cache"]), ["/etc/d"]);
    }

    #[test]
    fn links_are_not_followed() {
        let top = std::env::temp_dir().join(format!("quintet-clean-{}", std::process::id()));
        let (victim, target) = (top.join("victim"), top.join("target"));
        fs::create_dir_all(&victim).unwrap();
        fs::create_dir_all(&target).unwrap();
        fs::write(victim.join("file"), "").unwrap();
        std::os::unix::fs::symlink(&victim, target.join("link")).unwrap();
        let stopped = AtomicBool::new(true);
        assert!(clean(std::slice::from_ref(&target), &stopped).is_err());
        assert!(target.join("link").exists(), "cancelled before anything was removed");
        clean(&[target.clone(), top.join("missing")], &AtomicBool::new(false)).unwrap();
        assert!(!target.exists() && victim.join("file").exists());
        fs::remove_dir_all(top).unwrap();
    }
}
