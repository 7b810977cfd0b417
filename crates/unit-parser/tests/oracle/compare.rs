//! Runs both programs on many inputs at once.

use std::process::Command;

/// How many inputs one call gets.
const BATCH: usize = 250;

/// Two command lines that should give the same.
pub struct Pair<'a> {
    /// systemd's program and its options.
    pub theirs: (&'a str, &'a [&'a str]),
    /// Options of unit-parser.
    pub ours: &'a [&'a str],
    /// The local time zone.
    pub zone: &'a str,
    /// The start of lines that need not agree.
    pub ignored: &'a str,
}

/// What a program said: exit status 0, standard output without ignored lines, standard error.
#[derive(PartialEq, Debug)]
pub struct Said {
    well: bool,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

fn run(program: &str, options: &[&str], inputs: &[String], pair: &Pair<'_>) -> Said {
    let mut command = Command::new(program);
    command.args(options).arg("--").args(inputs).env("TZ", pair.zone).env("LC_ALL", "C.UTF-8");
    let output = command.output().unwrap_or_else(|e| panic!("{program}: {e}"));
    // What is unescaped need not be UTF-8; bytes that aren't are compared too.
    let out: String = output.stdout.iter().map(|byte| char::from(*byte)).collect();
    let kept: Vec<&str> = out.lines().filter(|line| !line.starts_with(pair.ignored)).collect();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    Said { well: output.status.success(), out: kept.join("\n"), err }
}

fn both(pair: &Pair<'_>, inputs: &[String]) -> (Said, Said) {
    let theirs = run(pair.theirs.0, pair.theirs.1, inputs, pair);
    let ours = run(env!("CARGO_BIN_EXE_unit-parser"), pair.ours, inputs, pair);
    (theirs, ours)
}

fn same(theirs: &Said, ours: &Said) -> bool {
    // The words of complaints are each program's own.
    theirs.well == ours.well && theirs.out == ours.out
}

/// Panics with a list of the inputs on which the two differ. `excused` looks at what systemd and we said.
pub fn agree(pair: &Pair<'_>, inputs: &[String], excused: impl Fn(&Said, &Said) -> bool) {
    if Command::new(pair.theirs.0).arg("--version").output().is_err() {
        eprintln!("{} isn't here: nothing to compare with", pair.theirs.0);
        return;
    }
    let mut wrong = Vec::new();
    // systemd-escape stops at the first bad input, so batches where something is wrong are divided.
    let mut open: Vec<&[String]> = inputs.chunks(BATCH).collect();
    while let Some(batch) = open.pop() {
        let (theirs, ours) = both(pair, batch);
        if batch.len() > 1 && !(same(&theirs, &ours) && (theirs.well || stops_not(pair))) {
            let (left, right) = batch.split_at(batch.len() / 2);
            open.extend([left, right]);
        } else if !same(&theirs, &ours) && !excused(&theirs, &ours) {
            wrong.push(format!("{:?}\n  systemd {theirs:?}\n  ours    {ours:?}", batch.first()));
        }
    }
    let shown: Vec<&str> = wrong.iter().take(20).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), inputs.len(), shown.join("\n"));
}

/// Whether a bad input leaves the others their answers.
fn stops_not(pair: &Pair<'_>) -> bool {
    pair.theirs.0 == "systemd-analyze"
}
