//! `install` against what Debian's systemctl did: see `install/record`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use unit_parser::install::{
    Dependency, Flags, InstallError, InstallFailure, InstallPaths, Installer, Outcome, PresetMode, Presets,
};
use unit_parser::{Host, LoadPath, Mode, UnitName};

/// Files below a root directory of its own.
struct Tree(PathBuf);

impl Tree {
    fn plant(name: &str, text: &str) -> Tree {
        let root = std::env::temp_dir().join(format!("install-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        let below = |path: &str| root.join(path.trim_start_matches('/'));
        let mut file: Option<(PathBuf, String)> = None;
        let write = |file: Option<(PathBuf, String)>| {
            if let Some((path, content)) = file {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, content).unwrap();
            }
        };
        for line in text.lines() {
            if let Some(path) = line.strip_prefix("== ") {
                write(file.replace((below(path), String::new())));
            } else if let Some(link) = line.strip_prefix("-> ") {
                let (path, target) = link.split_once(' ').unwrap();
                std::fs::create_dir_all(below(path).parent().unwrap()).unwrap();
                std::os::unix::fs::symlink(target, below(path)).unwrap();
            } else if let Some((_, content)) = &mut file {
                writeln!(content, "{line}").unwrap();
            }
        }
        write(file);
        Tree(root)
    }

    fn links(&self) -> Vec<String> {
        fn walk(directory: &Path, root: &Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
                let path = entry.path();
                if entry.file_type().unwrap().is_symlink() {
                    let shown = path.strip_prefix(root).unwrap().display().to_string();
                    found.push(format!("{shown} -> {}", std::fs::read_link(&path).unwrap().display()));
                } else if entry.file_type().unwrap().is_dir() {
                    walk(&path, root, found);
                }
            }
        }
        let mut found = Vec::new();
        for top in ["etc", "run"] {
            walk(&self.0.join(top), &self.0, &mut found);
        }
        found.sort();
        found
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a command prints, and its exit status.
type Printed = (Vec<String>, i32);

fn changes(result: Result<Outcome, InstallFailure>) -> Printed {
    match result {
        Ok(outcome) => (outcome.changes.iter().map(|change| change.message()).collect(), 0),
        Err(failure) => (failure.changes.iter().map(|change| change.message()).collect(), 1),
    }
}

fn word(result: Result<String, InstallError>) -> Printed {
    match result {
        Ok(word) => (vec![word], 0),
        Err(_) => (vec![], 1),
    }
}

fn run(installer: &Installer, verb: &str, arguments: &[&str]) -> Printed {
    let (options, files): (Vec<&str>, Vec<&str>) = arguments.iter().partition(|argument| argument.starts_with("--"));
    let files: Vec<String> = files.into_iter().map(str::to_owned).collect();
    let flags = Flags { runtime: options.contains(&"--runtime"), force: options.contains(&"--force") };
    let mode = options.iter().find_map(|option| option.strip_prefix("--preset-mode=")).unwrap_or_default();
    let mode = PresetMode::from_word(mode).unwrap();
    let first = files.first().cloned().unwrap_or_default();
    let rest = files.get(1..).unwrap_or_default();
    match verb {
        "enable" => changes(installer.enable(&files, flags)),
        "disable" => match changes(installer.disable(&files, flags)) {
            // Without a manager in between systemctl complains about missing units, and is content.
            (lines, _)
                if installer.disable(&files, flags).is_err_and(|f| matches!(f.error, InstallError::NotFound(_))) =>
            {
                (lines, 0)
            }
            printed => printed,
        },
        "reenable" => changes(installer.reenable(&files, flags)),
        "mask" => changes(installer.mask(&files, flags)),
        "unmask" => changes(installer.unmask(&files, flags)),
        "link" => changes(installer.link(&files, flags)),
        "revert" => changes(installer.revert(&files)),
        "preset" => changes(installer.preset(&files, mode, flags)),
        "preset-all" => changes(installer.preset_all(mode, flags)),
        "add-wants" => changes(installer.add_dependency(rest, &first, Dependency::Wants, flags)),
        "add-requires" => changes(installer.add_dependency(rest, &first, Dependency::Requires, flags)),
        "set-default" => {
            // systemctl completes the name and always forces.
            let name = if first.contains('.') { first } else { format!("{first}.target") };
            changes(installer.set_default_target(&name, true))
        }
        "get-default" => word(installer.default_target()),
        "is-enabled" => match installer.state(&first) {
            Ok(state) => {
                use unit_parser::install::FileState as S;
                let yes =
                    matches!(state, S::Enabled | S::EnabledRuntime | S::Static | S::Alias | S::Indirect | S::Generated);
                (vec![state.as_str().to_owned()], i32::from(!yes))
            }
            Err(_) => (vec![], 1),
        },
        "list-unit-files" => {
            let presets = Presets::read(installer.paths());
            let lines = installer.list().into_iter().map(|file| {
                use unit_parser::install::FileState as S;
                let name = file.path.rsplit('/').next().unwrap().to_owned();
                // systemctl's choice of when to show it.
                let preset = match file.state {
                    S::Alias | S::Static | S::Generated | S::Transient => "-",
                    _ => presets.state(&UnitName::parse(&name).unwrap()).as_str(),
                };
                format!("{name} {} {preset}", file.state.as_str())
            });
            (lines.collect(), 0)
        }
        other => panic!("no such verb: {other}"),
    }
}

fn play(case: &Path) -> String {
    let read = |file: &str| std::fs::read_to_string(case.join(file)).unwrap();
    let tree = Tree::plant(&case.file_name().unwrap().to_string_lossy(), &read("files"));
    let paths = InstallPaths::new(Mode::System, &LoadPath::system(), Some(&tree.0), &|_| None);
    let installer = Installer::new(paths, Host::default());
    let root = tree.0.display().to_string();
    let mut shown = String::new();
    for line in read("script").lines() {
        let mut words = line.split(' ');
        let verb = words.next().unwrap();
        let arguments: Vec<&str> = words.collect();
        writeln!(shown, "$ {verb} {}", arguments.join(" ")).unwrap();
        if verb == "tree" {
            for link in tree.links() {
                writeln!(shown, "{link}").unwrap();
            }
            continue;
        }
        let (mut lines, status) = run(&installer, verb, &arguments);
        lines.iter_mut().for_each(|line| *line = line.replace(&root, ""));
        lines.sort();
        for line in lines {
            writeln!(shown, "{line}").unwrap();
        }
        writeln!(shown, "-> {status}").unwrap();
    }
    shown
}

#[test]
fn as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/install");
    let mut wrong = String::new();
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let case = entry.path();
        if !case.join("script").exists() {
            continue;
        }
        count += 1;
        let expected = std::fs::read_to_string(case.join("expected")).unwrap();
        let shown = play(&case);
        if shown != expected {
            writeln!(wrong, "== {}", case.display()).unwrap();
            let blocks = |text: &str| text.split("$ ").map(str::to_owned).collect::<Vec<_>>();
            for (want, have) in blocks(&expected).iter().zip(blocks(&shown)) {
                if *want != have {
                    writeln!(wrong, "expected: {want}\nhave:     {have}").unwrap();
                }
            }
        }
    }
    assert!(count >= 10, "the cases are gone");
    assert!(wrong.is_empty(), "{wrong}");
}

/// Names and texts of the errors, as systemd 252 sent them over D-Bus.
#[test]
fn errors_as_on_the_bus() {
    let files = "== /usr/lib/systemd/system/badalias.service\n[Install]\nAlias=x.socket\n\
        == /usr/lib/systemd/system/badref.service\n[Install]\nAlias=dir/x.service\n\
        == /usr/lib/systemd/system/badname.service\n[Install]\nWantedBy=bad/name\n\
        == /usr/lib/systemd/system/t@.service\n[Install]\nWantedBy=multi-user.target\n\
        == /usr/lib/systemd/system/l.service\n[Install]\nAlias=b.service\n\
        == /usr/lib/systemd/system/a.service\n[Install]\nWantedBy=multi-user.target\n\
        == /usr/lib/systemd/system/dir.service/file\nx\n\
        == /opt/no-unit\nx\n\
        -> /etc/systemd/system/b.service /usr/lib/systemd/system/a.service\n\
        -> /usr/lib/systemd/system/masked.service /dev/null";
    let tree = Tree::plant("errors", files);
    let paths = InstallPaths::new(Mode::System, &LoadPath::system(), Some(&tree.0), &|_| None);
    let installer = Installer::new(paths, Host::default());
    let bad = "org.freedesktop.systemd1.BadUnitSetting";
    let missing = "org.freedesktop.systemd1.NoSuchUnit";
    let invalid = "org.freedesktop.DBus.Error.InvalidArgs";
    let table = [
        ("enable badalias.service", bad, "Cannot alias badalias.service as x.socket."),
        ("enable badref.service", bad, "Invalid unit reference dir/x.service."),
        ("enable t@.service", bad, "Destination unit multi-user.target is a non-template unit."),
        ("enable badname.service", bad, "\"bad/name\" is not a valid unit name."),
        (
            "enable l.service",
            "org.freedesktop.systemd1.UnitExists",
            "File /etc/systemd/system/b.service already exists and is a symlink to /usr/lib/systemd/system/a.service.",
        ),
        (
            "enable b.service",
            "org.freedesktop.systemd1.UnitLinked",
            "Refusing to operate on alias name or linked unit file: b.service",
        ),
        (
            "enable masked.service",
            "org.freedesktop.systemd1.UnitMasked",
            "Unit file /usr/lib/systemd/system/masked.service is masked.",
        ),
        ("enable missing.service", missing, "Unit file missing.service does not exist."),
        ("enable nonsense", invalid, "File nonsense: Invalid argument"),
        ("enable dir.service", "System.Error.EISDIR", "File dir.service: Is a directory"),
        ("enable relative/x.service", invalid, "File relative/x.service: Invalid argument"),
        ("enable /opt/none.service", missing, "Unit file /opt/none.service does not exist."),
        ("disable missing.service", missing, "Unit file missing.service does not exist."),
        ("disable nonsense", bad, "\"nonsense\" is not a valid unit name."),
        ("mask nonsense", invalid, "Invalid argument"),
        ("link /opt/x.service", missing, "Unit file /opt/x.service does not exist."),
        ("link x.service", invalid, "File x.service: Invalid argument"),
        ("link /opt/no-unit", bad, "\"/opt/no-unit\" is not a valid unit name."),
        ("set-default missing.target", missing, "Unit file missing.target does not exist."),
        ("set-default a.service", invalid, "Invalid argument"),
        ("state missing.service", "org.freedesktop.DBus.Error.FileNotFound", "No such file or directory"),
        ("state nonsense", invalid, "Invalid argument"),
        ("state dir.service", "System.Error.EISDIR", "Is a directory"),
        ("wants nonsense", bad, "\"nonsense\" is not a valid unit name."),
        ("wants missing.target", missing, "Unit file missing.target does not exist."),
        ("preset missing.service", missing, "Unit file missing.service does not exist."),
        ("revert nonsense", invalid, "Invalid argument"),
    ];
    let root = tree.0.display().to_string();
    let flags = Flags::default();
    for (command, name, text) in table {
        let (verb, argument) = command.split_once(' ').unwrap();
        let files = [argument.to_owned()];
        let error = match verb {
            "enable" => installer.enable(&files, flags).unwrap_err().error,
            "disable" => installer.disable(&files, flags).unwrap_err().error,
            "mask" => installer.mask(&files, flags).unwrap_err().error,
            "link" => installer.link(&files, flags).unwrap_err().error,
            "set-default" => installer.set_default_target(argument, true).unwrap_err().error,
            "state" => installer.state(argument).unwrap_err(),
            "preset" => installer.preset(&files, PresetMode::Full, flags).unwrap_err().error,
            "revert" => installer.revert(&files).unwrap_err().error,
            "wants" => {
                let files = ["a.service".to_owned()];
                installer.add_dependency(&files, argument, Dependency::Wants, flags).unwrap_err().error
            }
            other => panic!("no such verb: {other}"),
        };
        assert_eq!((error.bus_name(), error.to_string().replace(&root, "").as_str()), (name, text), "{command}");
    }
    assert_eq!(installer.links("missing.service", false), Ok(vec![]));
}
