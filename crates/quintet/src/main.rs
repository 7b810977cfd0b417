//! `quintet`: starts the four daemons, keeps their descriptors, restarts them, reaps orphans. It knows no unit.
//!
//! `core/` decides (events in, actions out); `driver/` does (epoll, spawning, stores, mounts).
#![forbid(unsafe_code)]

mod cli;
mod core;
mod driver;

use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = daemon_runtime::command_line::parse::<cli::Cli>();
    let cli::Command::Run(args) = cli.command;
    match driver::run(&args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            // Before logging is up, and for people: one cause a line.
            eprintln!("quintet: {error}");
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                eprintln!("  because: {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}
