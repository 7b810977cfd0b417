//! What a package ships: man pages that say what `--help` says, and configuration files whose every key is understood.

use std::fs;
use std::process::Command;

use integration_tests::{Place, programs, repository};

const DAEMONS: [&str; 4] = ["device-watcher", "process-supervisor", "socket-activator", "unit-broker"];

/// `BLESS=1` writes the pages anew.
#[test]
fn man_pages_are_up_to_date() {
    let folder = repository().join("dist/usr/share/man/man8");
    for program in DAEMONS.into_iter().chain(["quintet", "unitctl", "unit-parser"]) {
        let output = Command::new(programs().join(program)).arg("--man-page").output().expect("the program");
        assert!(output.status.success(), "{program} --man-page");
        let file = folder.join(format!("{program}.8"));
        if std::env::var_os("BLESS").is_some() {
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(&file, &output.stdout).expect("the page");
        }
        let committed = fs::read(&file).unwrap_or_default();
        assert!(committed == output.stdout, "{} is not what {program} says: run `just docs`", file.display());
    }
}

/// The files show defaults in comments; with all of them set (but the path of the executor, which depends on the place),
/// every daemon must still start.
#[test]
fn every_key_of_the_configuration_files_is_understood() {
    let mut place = Place::user();
    for daemon in DAEMONS {
        let name = format!("{daemon}.toml");
        let text = fs::read_to_string(repository().join("dist/etc/quintet").join(&name)).expect("the file");
        let is_setting = |rest: &&str| !rest.starts_with(' ') && !rest.starts_with("executor");
        let set: Vec<&str> =
            text.lines().map(|line| line.strip_prefix('#').filter(is_setting).unwrap_or(line)).collect();
        assert!(set.contains(&"level = \"info\""), "{name} has its keys");
        place = place.config(&name, &set.join("\n"));
    }
    let place = place.boot();
    assert_eq!(place.systemctl(&["is-system-running"]).good(), "running");
}

#[test]
fn unknown_keys_are_refused_by_name() {
    let folder = std::env::temp_dir().join(format!("quintet-config-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("bad.toml");
    fs::write(&file, "[log]\nlevle = \"debug\"\n").expect("a file");
    for daemon in DAEMONS {
        let output = Command::new(programs().join(daemon))
            .args(["--user", "--runtime-dir"])
            .arg(&folder)
            .arg("--config")
            .arg(&file)
            .output()
            .expect("the daemon");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("levle") && said.contains("bad.toml"), "{daemon}: {said}");
    }
    fs::remove_dir_all(folder).expect("clean up");
}
