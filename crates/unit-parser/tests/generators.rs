//! Generators write units that are loaded then.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use unit_parser::generators::Generators;
use unit_parser::{Host, LoadPath, Loader, Mode};

fn program(dir: &Path, name: &str, script: &str) {
    fs::create_dir_all(dir).unwrap();
    let path = dir.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn generated_units_are_loaded() {
    let root: PathBuf = std::env::temp_dir().join(format!("generators-{}", std::process::id()));
    let (first, second) = (root.join("first"), root.join("second"));
    let generators = Generators {
        programs: vec![first.clone(), second.clone()],
        output: ["normal", "early", "late"].map(|name| root.join(name)),
        mode: Mode::System,
    };
    let write = r#"set -- "$1" "$#" "$SYSTEMD_SCOPE $SYSTEMD_IN_INITRD $SYSTEMD_FIRST_BOOT $OWN"
        printf '[Unit]\nDescription=%s\n[Service]\nExecStart=/bin/true\n' "$3 $2" >"$1/made.service""#;
    program(&second, "write", write);
    program(&second, "hidden", "touch \"$1/hidden\"");
    program(&second, "masked", "touch \"$1/masked\"");
    program(&first, "hidden", "exit 3");
    symlink("/dev/null", first.join("masked")).unwrap();
    fs::write(second.join("not-executable"), "").unwrap();
    fs::create_dir_all(root.join("late")).unwrap();
    fs::write(root.join("late/old.service"), "of last time").unwrap();

    assert_eq!(generators.found(), [first.join("hidden"), second.join("write")]);
    generators.prepare().unwrap();
    assert!(root.join("early").exists() && !root.join("late/old.service").exists());
    let environment = ["OWN=a=b".to_owned()];
    let statuses =
        generators.found().into_iter().map(|path| generators.command(&path, &environment).status().unwrap().code());
    assert_eq!(statuses.collect::<Vec<_>>(), [Some(3), Some(0)]);
    generators.trim();
    let left: Vec<String> =
        fs::read_dir(root.join("normal")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(left, ["made.service"]);
    // Directories that stayed empty are gone.
    assert!(!root.join("early").exists() && !root.join("late").exists());

    let loader = Loader::new(LoadPath { dirs: vec![root.join("normal")] }, Mode::System, Host::default());
    let unit = loader.load(&"made.service".parse().unwrap());
    assert!(unit.is_loaded());
    assert_eq!(unit.str(unit_parser::rows::unit::DESCRIPTION), "system 0 0 a=b 3");

    // Without programs there is nothing to be made.
    fs::remove_dir_all(&first).unwrap();
    fs::remove_dir_all(&second).unwrap();
    generators.prepare().unwrap();
    assert!(!root.join("normal").exists());
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn where_generators_are() {
    let none = |_: &str| None;
    let system = Generators::new(Mode::System, &none).unwrap();
    assert_eq!(system.programs.last(), Some(&PathBuf::from("/usr/lib/systemd/system-generators")));
    assert_eq!(system.output[1], PathBuf::from("/run/systemd/generator.early"));
    assert_eq!(Generators::new(Mode::User, &none), None);
    let set = |name: &str| (name == "SYSTEMD_GENERATOR_PATH").then(|| "/a:".to_owned());
    let more = Generators::new(Mode::System, &set).unwrap();
    assert_eq!((more.programs.len(), &more.programs[0]), (5, &PathBuf::from("/a")));
}
