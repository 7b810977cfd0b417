//! Cores take events and give actions; what touches the world is elsewhere. And `unsafe` is in crates/sys only.

use std::fs;
use std::path::{Path, PathBuf};

/// Words that have no business in a core, with what they would bring in.
const IMPURE: [(&str, &str); 14] = [
    ("tokio", "the event loop"),
    ("zbus", "D-Bus"),
    ("nix::", "system calls"),
    ("libc::", "system calls"),
    ("rustix", "system calls"),
    ("sys::", "system calls"),
    ("udev::", "udev"),
    ("std::fs", "files"),
    ("std::net", "the network"),
    ("std::process", "processes"),
    ("std::env", "the environment"),
    ("Instant::now", "the clock"),
    ("SystemTime::now", "the clock"),
    ("thread::sleep", "the clock"),
];

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    rust_files(&integration_tests::repository().join("crates"), &mut found);
    assert!(found.len() > 100, "sources are found");
    found
}

/// Code lines: without comments (which may say what the driver does), and without tests (which read scenarios).
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    code.lines().enumerate().map(|(number, line)| (number + 1, line)).filter(|(_, l)| !l.trim_start().starts_with("//"))
}

/// Whether a file is a module that its parent includes for tests only.
fn is_test_module(path: &Path) -> bool {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let parents = [path.with_file_name("mod.rs"), path.parent().unwrap_or(path).with_extension("rs")];
    parents
        .iter()
        .any(|parent| fs::read_to_string(parent).is_ok_and(|text| text.contains(&format!("#[cfg(test)]\nmod {name};"))))
}

#[test]
fn cores_are_pure() {
    let in_core = |path: &PathBuf| path.components().any(|part| part.as_os_str() == "core");
    let cores: Vec<PathBuf> = sources().into_iter().filter(in_core).filter(|path| !is_test_module(path)).collect();
    let mut daemons: Vec<_> = cores
        .iter()
        .filter_map(|path| path.strip_prefix(integration_tests::repository().join("crates")).ok()?.components().next())
        .collect();
    daemons.dedup();
    assert!(daemons.len() >= 4, "every daemon has a core: {daemons:?}");
    let mut wrong = Vec::new();
    for path in cores {
        let text = fs::read_to_string(&path).expect("a source file");
        for (number, line) in code_lines(&text) {
            for (word, what) in IMPURE {
                let bounded = line.match_indices(word).any(|(at, _)| {
                    // `unit_sys::` is not `sys::`
                    !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
                });
                if bounded {
                    wrong.push(format!("{}:{number}: {word} ({what})", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "cores must be pure:\n{}", wrong.join("\n"));
}

#[test]
fn unsafe_is_in_sys_only() {
    let crates = integration_tests::repository().join("crates");
    for entry in fs::read_dir(&crates).expect("crates").flatten() {
        if entry.file_name() == "sys" {
            continue;
        }
        let source = entry.path().join("src");
        let mut roots: Vec<PathBuf> =
            ["lib.rs", "main.rs"].iter().map(|name| source.join(name)).filter(|path| path.exists()).collect();
        if source.join("bin").is_dir() {
            rust_files(&source.join("bin"), &mut roots);
        }
        assert!(!roots.is_empty(), "{}", entry.path().display());
        for root in roots {
            let text = fs::read_to_string(&root).expect("a source file");
            assert!(text.contains("#![forbid(unsafe_code)]"), "{} does not forbid unsafe code", root.display());
        }
    }
}

#[test]
fn main_files_only_wire() {
    for path in sources().into_iter().filter(|path| path.ends_with("src/main.rs")) {
        let lines = fs::read_to_string(&path).expect("a source file").lines().count();
        assert!(lines < 80, "{} has {lines} lines", path.display());
    }
}
