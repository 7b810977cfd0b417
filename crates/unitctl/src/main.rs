//! `unitctl`: systemctl's verbs spoken natively to the broker, and what systemctl cannot ask: `why`.
#![forbid(unsafe_code)]

mod cli;
mod manager;
mod output;
mod value;
mod verbs;

use std::process::ExitCode;

use clap::Parser;

use cli::Cli;
use manager::Manager;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match daemon_runtime::run(run(cli)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("unitctl: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> ExitCode {
    let path = cli.common.runtime().bus("unit-broker");
    let mut manager = match Manager::connect(&path).await {
        Ok(manager) => manager,
        Err(error) => {
            eprintln!("unitctl: cannot reach the broker at {}: {error}", path.display());
            eprintln!("Is Quintet running? `quintet run` starts it; --runtime-dir says where it runs.");
            return ExitCode::FAILURE;
        }
    };
    match verbs::run(&mut manager, &cli).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.exit_code())
        }
    }
}
