//! `unitctl`: systemctl's verbs spoken natively to the broker, and what systemctl cannot ask: `why`.
#![forbid(unsafe_code)]

mod cli;
mod manager;
mod output;
mod properties;
mod show;
mod time;
mod verbs;

use std::process::ExitCode;

use cli::Cli;
use manager::Manager;

fn main() -> ExitCode {
    // `unitctl list-units | head` ends quietly, as other commands do.
    sys::signals::reset_dispositions();
    let cli = daemon_runtime::command_line::parse::<Cli>();
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
    let mode = match cli.common.mode() {
        daemon_runtime::paths::Mode::System => unit_parser::Mode::System,
        daemon_runtime::paths::Mode::User => unit_parser::Mode::User,
    };
    let mut manager = match Manager::connect(&path, mode).await {
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
