//! The conformance cases that are expected to pass (`conformance-expected.txt`, growing only), where the suite is at hand:
//! `QUINTET_CONFORMANCE`, else `../shared/conformance` beside the repository.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use integration_tests::{needs, programs, repository};

fn suite() -> Option<PathBuf> {
    let suite = match std::env::var_os("QUINTET_CONFORMANCE") {
        Some(suite) => PathBuf::from(suite),
        None => repository().join("../shared/conformance"),
    };
    suite.join("conform").exists().then_some(suite)
}

/// A copy of the cases with their symbolic links. Some ways of copying a checkout leave a file with the target's name in
/// place of each (as git does with core.symlinks=false); unit directories are made of links.
struct Cases(PathBuf);

impl Cases {
    fn copy_of(suite: &Path) -> Cases {
        let copy = std::env::temp_dir().join(format!("quintet-conformance-{}", std::process::id()));
        copy_with_links(&suite.join("cases"), &copy);
        Cases(copy)
    }
}

impl Drop for Cases {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn copy_with_links(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("the cases").flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().expect("a file type");
        if kind.is_dir() {
            copy_with_links(&source, &target);
        } else if kind.is_symlink() {
            symlink(fs::read_link(&source).expect("a link"), &target).expect("a link");
        } else if let Some(link) = link_in_disguise(&source) {
            symlink(link, &target).expect("a link");
        } else {
            fs::copy(&source, &target).expect("a copy");
        }
    }
}

/// The target of a link that became a file: one word without a line's end, in a file with a unit's name or in a unit's
/// `.wants/` (or the like).
fn link_in_disguise(path: &Path) -> Option<String> {
    let is_unit = |name: &str| name.rsplit_once('.').is_some_and(|(_, suffix)| UNIT_TYPES.contains(&suffix));
    let size = path.metadata().ok()?.len();
    let folder = path.parent()?.extension().unwrap_or_default();
    let linked = ["wants", "requires", "upholds"].iter().any(|name| folder == *name);
    if size == 0 || size > 255 || !(linked || is_unit(&path.file_name()?.to_string_lossy())) {
        return None;
    }
    let text = fs::read_to_string(path).ok()?;
    (!text.contains(char::is_whitespace) && (is_unit(&text) || text == "/dev/null")).then_some(text)
}

const UNIT_TYPES: [&str; 11] =
    ["service", "socket", "target", "device", "mount", "automount", "swap", "timer", "path", "slice", "scope"];

fn expected() -> Vec<String> {
    let file = repository().join("integration-tests/conformance-expected.txt");
    let text = fs::read_to_string(file).expect("the list of expected cases");
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

#[test]
fn the_list_is_sorted_and_without_doubles() {
    let listed = expected();
    let sorted: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(listed, sorted.into_iter().collect::<Vec<_>>());
}

#[test]
fn expected_cases_pass() {
    let Some(suite) = suite() else {
        println!("SKIPPED: no conformance suite at ../shared/conformance (QUINTET_CONFORMANCE names another place)");
        return;
    };
    if !needs::root() || !needs::control_groups() {
        return;
    }
    let mut cases = expected();
    if cases.is_empty() {
        println!("no case is expected to pass yet");
        return;
    }
    let udev = needs::udev();
    let _ = fs::create_dir_all("/run/udev/rules.d");
    cases.retain(|case| udev || !case.starts_with("device/"));
    let init = format!("{}/quintet run", programs().display());
    let conform = suite.join("conform");
    let copy = Cases::copy_of(&suite);
    let run = |cases: &[String]| {
        let output = Command::new(&conform)
            .args(["run", "-q", "--init", &init, "--cases"])
            .arg(&copy.0)
            .args(cases)
            .output()
            .expect("conform");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let failed: Vec<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix("FAIL"))
            .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
            .collect();
        (text, failed, output.status.success())
    };
    let (text, failed, well) = run(&cases);
    println!("{text}");
    if well {
        return;
    }
    // On a busy machine a case can run into its own time limit: those that failed get a second, quieter chance.
    assert!(!failed.is_empty() && failed.len() <= 5, "too many cases failed");
    println!("once more: {failed:?}");
    let (text, _, well) = run(&failed);
    assert!(well, "{text}");
}
