//! The conformance cases that are expected to pass (`conformance-expected.txt`, growing only), where the suite is at hand:
//! `QUINTET_CONFORMANCE`, else `../shared/conformance` beside the repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use integration_tests::{needs, programs, repository};

fn suite() -> Option<PathBuf> {
    let suite = match std::env::var_os("QUINTET_CONFORMANCE") {
        Some(suite) => PathBuf::from(suite),
        None => repository().join("../shared/conformance"),
    };
    suite.join("conform").exists().then_some(suite)
}

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
    let run = |cases: &[String]| {
        let output = Command::new(&conform).args(["run", "-q", "--init", &init]).args(cases).output().expect("conform");
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
