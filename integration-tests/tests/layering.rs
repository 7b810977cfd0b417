//! Dependencies point one way (docs/architecture.md): daemons -> daemon-runtime, bus-api, sys -> unit-parser; exec-job is between
//! the two daemons that run commands and daemon-runtime.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

const DAEMONS: [&str; 4] = ["device-watcher", "socket-activator", "process-supervisor", "unit-broker"];

/// Everything in the workspace that a crate may depend on; a crate that isn't here is a new one: decide where it stands.
const ALLOWED: [(&str, &[&str]); 13] = [
    ("unit-parser", &[]),
    ("sys", &["unit-parser"]),
    ("bus-api", &["unit-parser", "sys"]),
    ("daemon-runtime", &["unit-parser", "sys", "bus-api"]),
    ("exec-job", &["unit-parser", "sys", "daemon-runtime"]),
    ("device-watcher", &["unit-parser", "sys", "bus-api", "daemon-runtime"]),
    ("socket-activator", &["unit-parser", "sys", "bus-api", "daemon-runtime", "exec-job"]),
    ("process-supervisor", &["unit-parser", "sys", "bus-api", "daemon-runtime", "exec-job"]),
    ("unit-broker", &["unit-parser", "sys", "bus-api", "daemon-runtime"]),
    ("unitctl", &["unit-parser", "sys", "bus-api", "daemon-runtime"]),
    ("quintet", &["unit-parser", "sys", "bus-api", "daemon-runtime"]),
    ("my_server", &[]),
    ("integration-tests", &[]),
];

fn workspace() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--no-deps", "--locked", "--offline"])
        .current_dir(integration_tests::repository())
        .output()
        .expect("cargo metadata");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    let members: BTreeSet<String> = packages.iter().map(name).collect();
    let dependencies = |package: &Value| -> BTreeSet<String> {
        let all = package["dependencies"].as_array().expect("dependencies").iter().map(name);
        all.filter(|dependency| members.contains(dependency)).collect()
    };
    packages.iter().map(|package| (name(package), dependencies(package))).collect()
}

#[test]
fn dependencies_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.into_iter().collect();
    for (member, dependencies) in workspace() {
        let may = allowed.get(member.as_str());
        let may = may.unwrap_or_else(|| panic!("{member} has no place in the map yet"));
        for dependency in dependencies {
            assert!(may.contains(&dependency.as_str()), "{member} must not depend on {dependency}");
        }
    }
}

#[test]
fn daemons_meet_on_dbus_only() {
    let workspace = workspace();
    for daemon in DAEMONS {
        for (member, dependencies) in &workspace {
            assert!(!dependencies.contains(daemon), "{member} depends on the daemon {daemon}");
        }
    }
}
