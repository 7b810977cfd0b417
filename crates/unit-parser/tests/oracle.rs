//! The same output as Debian's binaries on generated input: systemd-analyze calendar and timespan,
//! systemd-escape. Without these binaries the tests say so and pass.
//!
//! `ORACLE_CASES` sets how many inputs each test generates (2,000 without it).

#[path = "oracle/compare.rs"]
mod compare;
#[path = "oracle/generate.rs"]
mod generate;

use compare::{Pair, Said, agree};
use generate::{calendar_event, escaped, name, path, sample, text, time_span};

const BASE_TIMES: [&str; 5] = [
    "2026-01-05 12:00:00 UTC",
    "2024-02-28 23:59:59 UTC",
    "2026-03-28 20:59:30 UTC",
    "2026-10-24 19:30:00 UTC",
    "2197-12-31 23:59:59 UTC",
];

/// What was said without what tells two equal times of a clock apart.
fn wall_clock(said: &Said) -> Vec<&str> {
    let lines = said.out.lines().filter(|line| !line.starts_with("       (in UTC):"));
    lines.map(|line| line.rsplit_once(' ').map_or(line, |(before, _)| before)).collect()
}

fn calendar(zone: &str, part: usize) {
    for base in BASE_TIMES {
        let base = format!("--base-time={base}");
        let options = ["calendar", "--iterations=4", &base];
        let pair = Pair {
            theirs: ("systemd-analyze", &options),
            ours: &options,
            zone,
            // It depends on when each of the two was started.
            ignored: "       From now:",
        };
        // Where systemd gives up its search, there is nothing to agree with. And of a time that a clock
        // shows twice, it takes the one that the C library happens to come upon.
        agree(&pair, &sample(calendar_event(), part / BASE_TIMES.len()), |theirs, ours| {
            theirs.err.contains("deadlock") || wall_clock(theirs) == wall_clock(ours)
        });
    }
}

#[test]
fn calendar_in_utc() {
    calendar("UTC", 2000);
}

#[test]
fn calendar_where_clocks_change() {
    calendar("Europe/Berlin", 1000);
    calendar("America/New_York", 500);
    calendar("Australia/Lord_Howe", 500);
}

#[test]
fn timespan() {
    let options = ["timespan"];
    let pair = Pair { theirs: ("systemd-analyze", &options), ours: &options, zone: "UTC", ignored: "\0" };
    agree(&pair, &sample(time_span(), 2000), |_, _| false);
}

fn escaping(theirs: &[&str], ours: &[&str], inputs: &[String]) {
    let pair = Pair { theirs: ("systemd-escape", theirs), ours, zone: "UTC", ignored: "\0" };
    agree(&pair, inputs, |_, _| false);
}

#[test]
fn escape() {
    escaping(&[], &["escape"], &sample(text(), 1000));
    escaping(&["--path"], &["escape", "--path"], &sample(path(), 500));
    escaping(&["--mangle"], &["escape", "--mangle"], &sample(name(), 500));
    escaping(&["--suffix=mount", "--path"], &["escape", "--suffix=mount", "--path"], &sample(path(), 300));
    escaping(&["--template=a-b@.service"], &["escape", "--template=a-b@.service"], &sample(text(), 300));
}

#[test]
fn unescape() {
    escaping(&["--unescape"], &["unescape"], &sample(escaped(), 500));
    escaping(&["--unescape", "--path"], &["unescape", "--path"], &sample(escaped(), 500));
    escaping(&["--unescape", "--instance"], &["unescape", "--instance"], &sample(name(), 300));
}
