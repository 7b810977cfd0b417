//! The `unit-parser` command: checks and shows unit files, with nothing else installed.
#![forbid(unsafe_code)]

mod command;

use std::process::ExitCode;

fn main() -> ExitCode {
    command::parse().run()
}
