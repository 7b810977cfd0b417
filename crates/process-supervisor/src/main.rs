//! process-supervisor: the command.
#![forbid(unsafe_code)]

use process_supervisor::cli::{Cli, Command};
use process_supervisor::{run, serve};
use std::process::ExitCode;

// Each event makes and drops hundreds of small things.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = daemon_runtime::command_line::parse::<Cli>();
    let outcome = match cli.command() {
        Command::Serve => serve::main(&cli.common).map(|()| ExitCode::SUCCESS),
        Command::Run(units) => run::main(&cli.common, &units),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("process-supervisor: {error}");
        ExitCode::FAILURE
    })
}
