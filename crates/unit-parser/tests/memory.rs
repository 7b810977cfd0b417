//! How much memory a loaded unit takes, and that the time to load is linear in the number of units.

mod tree;

use std::time::{Duration, Instant};

use tree::Tree;
use unit_parser::Unit;

/// As many as show the trend; the benchmark `load` has 20,000.
const COUNT: usize = 5_000;

/// Bytes of this process's own memory that are in use.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("RssAnon");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn load_all(count: usize) -> (Vec<Unit>, u64, Duration) {
    let tree = Tree::new(count);
    // Defaults, regular expressions and the like are made once.
    drop(tree.loader().load(&"unit-1.service".parse().unwrap()));
    let before = resident();
    let start = Instant::now();
    let loader = tree.loader();
    let units: Vec<Unit> = loader.names().iter().map(|name| loader.load(name)).collect();
    let took = start.elapsed();
    assert!(units.iter().all(Unit::is_loaded));
    (units, resident() - before, took)
}

#[test]
fn bytes_per_unit() {
    let (few, _, short) = load_all(COUNT / 10);
    assert_eq!(few.len(), COUNT / 10);
    drop(few);
    let (units, bytes, long) = load_all(COUNT);
    let each = bytes / units.len() as u64;
    println!("{each} bytes a unit with the index; {short:?} for {}, {long:?} for {COUNT}", COUNT / 10);
    assert!(each <= 3000, "{each} bytes a unit");
    // Ten times as many units; twice that for noise.
    assert!(long < short * 20 + Duration::from_secs(1), "{short:?}, then {long:?}");
}
