//! A short run of what the fuzz targets do: arbitrary input never panics and never takes much memory.

#[path = "../../../fuzz/entries.rs"]
mod entries;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// The same inputs in every run; fuzzing looks for new ones.
const SEED: RngSeed = RngSeed::Fixed(3);
const CASES: u32 = 2000;

/// Lines that look like unit files, with words that lead deep into the readers.
fn unit_lines() -> impl Strategy<Value = Vec<u8>> {
    let rows: Vec<(&str, &str)> = ["Unit", "Service", "Socket", "Timer", "Path", "Mount", "Slice", "Install"]
        .into_iter()
        .flat_map(|section| unit_parser::table::section_rows(section).map(move |(_, row)| (section, row.name)))
        .collect();
    let words = prop::sample::select(vec![
        "yes",
        "-1",
        "5min",
        "infinity",
        "50%",
        "1G",
        "~",
        "!",
        "|",
        "@",
        ":",
        "/a/b",
        "%i",
        "%%",
        "\\x41",
        "\"",
        "'",
        "{}",
        ";",
        "a.service",
        "b@.socket",
        "SIGTERM",
        "CAP_CHOWN",
        "AF_UNIX",
        "*:0/5",
        "0-3",
        "[::1]:80",
        "\\\n",
        "$A",
        "${B}",
        "é",
        "",
    ]);
    let value = prop_oneof![
        4 => prop::collection::vec(words, 0..6).prop_map(|words| words.join(" ")),
        1 => "\\PC{0,40}",
    ];
    let line = (prop::sample::select(rows), value)
        .prop_map(|((section, name), value)| format!("[{section}]\n{name}={value}\n"));
    (any::<u8>(), prop::collection::vec(line, 0..12))
        .prop_map(|(first, lines)| [vec![first], lines.concat().into_bytes()].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, rng_seed: SEED, ..ProptestConfig::default() })]

    #[test]
    fn unit_file_of_bytes(data in prop::collection::vec(any::<u8>(), 0..400)) {
        entries::unit_file(&data);
    }

    #[test]
    fn unit_file_of_directives(data in unit_lines()) {
        entries::unit_file(&data);
    }

    #[test]
    fn command_line(data in "([-@:+!|]{0,3}/[a-z]{1,4}|[ \\t;'\"\\\\$%{}]|\\\\x?[0-9a-f]{0,3}|\\PC){0,12}") {
        entries::command_line(data.as_bytes());
    }

    #[test]
    fn calendar_event(data in "([*0-9:/., ~@+-]|[.]{2}|Mon|Sun| UTC|min|y|infinity| ago|\\PC){0,16}") {
        entries::calendar_event(data.as_bytes());
    }

    #[test]
    fn unit_name(data in "([a-z@./:_-]|\\\\x[0-9a-f]{0,2}|\\.service|\\PC){0,16}") {
        entries::unit_name(data.as_bytes());
    }
}

#[test]
fn long_input() {
    for piece in ["a", "[", "A=b\\\n", "\"", "%", "*,", "1/1,", "-", "\\x", "@", "[Service]\nExecStart=/a ; ", " "] {
        let text = piece.repeat(100_000 / piece.len());
        let file = format!("\0[Unit]\nDescription={text}\n[Service]\nExecStart=/a {text}\nEnvironment={text}\n");
        entries::unit_file(file.as_bytes());
        entries::unit_file(text.as_bytes());
        entries::command_line(text.as_bytes());
        entries::calendar_event(text.as_bytes());
        entries::unit_name(text.as_bytes());
    }
}
