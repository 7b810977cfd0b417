//! The install verbs against Debian's `systemctl --root=`, on generated trees and sequences of verbs: the same messages,
//! the same exit status, the same links. Without `systemctl` the test says so and passes.
//!
//! `INSTALL_CASES` sets how many trees (300 without it), `INSTALL_SEED` the first seed.

#[path = "install_oracle/ours.rs"]
mod ours;
#[path = "install_oracle/trees.rs"]
mod trees;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use trees::{Entry, Random};

/// What a verb says and how it ends.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    /// What was done, sorted: directories are read in no order.
    changes: Vec<String>,
    /// What went wrong, in order; of ours only the first, which is what the manager tells.
    failures: Vec<String>,
    /// Whether it is content.
    good: bool,
}

/// A directory that is gone in the end.
struct Root(PathBuf);

impl Root {
    fn plant(name: &str, entries: &[(String, Entry)]) -> Root {
        let root = std::env::temp_dir().join(format!("install-oracle-{}-{name}", std::process::id()));
        for directory in ["etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system", "opt"] {
            std::fs::create_dir_all(root.join(directory)).unwrap();
        }
        for (path, entry) in entries {
            let path = root.join(path.trim_start_matches('/'));
            // An earlier entry of this path counts.
            if path.symlink_metadata().is_ok() || std::fs::create_dir_all(path.parent().unwrap()).is_err() {
                continue;
            }
            match entry {
                Entry::File(text) => std::fs::write(path, text).unwrap(),
                Entry::Link(target) => std::os::unix::fs::symlink(target, path).unwrap(),
                Entry::Directory => std::fs::create_dir(path).unwrap(),
            }
        }
        Root(root)
    }

    /// Everything below, links with where they lead.
    fn listing(&self) -> Vec<String> {
        fn walk(directory: &Path, root: &Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(directory).unwrap().flatten() {
                let path = entry.path();
                let shown = path.strip_prefix(root).unwrap().display().to_string();
                match std::fs::read_link(&path) {
                    Ok(target) => found.push(format!("{shown} -> {}", target.display())),
                    Err(_) => found.push(shown),
                }
                if entry.file_type().unwrap().is_dir() {
                    walk(&path, root, found);
                }
            }
        }
        let mut found = Vec::new();
        walk(&self.0, &self.0, &mut found);
        found.sort();
        found
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn theirs(root: &Root, words: &[String]) -> Said {
    let output = Command::new("systemctl")
        .arg(format!("--root={}", root.0.display()))
        .args(words)
        .env("LC_ALL", "C.UTF-8")
        .env("SYSTEMCTL_SKIP_SYSV", "1")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).replace(&root.0.display().to_string(), "");
    let mut said = Said { good: output.status.success(), ..Said::default() };
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("The unit files have no installation config") {
            said.changes.push("no installation config".into());
            // The explanation goes on to the end.
            lines.by_ref().for_each(drop);
        } else if line.starts_with("Failed to ") && !line.starts_with("Failed to enable auxiliary") {
            said.failures.push(match line.strip_prefix("Failed to look up unit file state: ") {
                Some(errno) => format!("Failed to get unit file state for {}: {errno}", words.last().unwrap()),
                None => line.to_owned(),
            });
        } else if !line.starts_with('/') && !line.ends_with(", rejecting.") && !line.contains(" points to \"") {
            // Not what the parsers say along the way, which the manager logs.
            said.changes.push(line.to_owned());
        }
    }
    said.changes.sort();
    said
}

/// How a sequence went.
enum Sequence {
    Same,
    /// All units were preset and some complained: which ones, and what else is done, depends on the order in which the
    /// directories are read.
    Unsettled,
    Different(String),
}

fn play(seed: u64) -> Sequence {
    let mut random = Random::new(seed);
    let tree = trees::tree(&mut random);
    let (one, other) = (Root::plant(&format!("{seed}-theirs"), &tree), Root::plant(&format!("{seed}-ours"), &tree));
    let mut before = one.listing();
    let mut report = String::new();
    for (path, entry) in &tree {
        writeln!(report, "  {path} {entry:?}").unwrap();
    }
    for _ in 0..6 {
        let words = trees::verb(&mut random);
        let (theirs, ours) = (theirs(&one, &words), ours::run(&other.0, &words));
        let (after, other_after) = (one.listing(), other.listing());
        if !ours::same(&theirs, &ours) || after != other_after {
            if words.contains(&"preset-all".to_owned()) && !theirs.failures.is_empty() {
                return Sequence::Unsettled;
            }
            let only = |these: &[String], those: &[String]| {
                these.iter().filter(|line| !those.contains(line)).cloned().collect::<Vec<_>>()
            };
            writeln!(report, "before: {before:#?}\nverb: {}\ntheirs: {theirs:#?}\nours: {ours:#?}", words.join(" "))
                .unwrap();
            writeln!(report, "only theirs: {:#?}", only(&after, &other_after)).unwrap();
            writeln!(report, "only ours: {:#?}", only(&other_after, &after)).unwrap();
            return Sequence::Different(format!("seed {seed}\n{report}"));
        }
        before = after;
    }
    Sequence::Same
}

#[test]
fn as_systemctl_does() {
    if Command::new("systemctl").arg("--version").output().is_err() {
        println!("no systemctl here: nothing compared");
        return;
    }
    let number =
        |name: &str, default: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let first = number("INSTALL_SEED", 1);
    let cases = number("INSTALL_CASES", 300);
    let (mut different, mut unsettled) = (Vec::new(), 0);
    for seed in first..first + cases {
        match play(seed) {
            Sequence::Same => {}
            Sequence::Unsettled => unsettled += 1,
            Sequence::Different(report) => different.push(report),
        }
    }
    let shown: Vec<&str> = different.iter().take(number("INSTALL_SHOWN", 5) as usize).map(String::as_str).collect();
    assert!(different.is_empty(), "{} of {cases} sequences differ:\n{}", different.len(), shown.join("\n"));
    assert!(unsettled * 8 <= cases, "{unsettled} of {cases} sequences are not settled");
}
