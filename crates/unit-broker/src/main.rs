//! The unit-broker daemon; see the library for what it does.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use daemon_runtime::args::CommonArgs;
use daemon_runtime::{config, logging};
use unit_broker::driver::{self, Config};

// Each event makes and drops hundreds of small things.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EXAMPLES: &str = "Examples:
  unit-broker                                  under the launcher, or beside workers that run already
  unit-broker --user                           the calling user's units
  unit-broker --runtime-dir=/tmp/q --log-level=debug

It connects to process-supervisor, socket-activator and device-watcher in the runtime directory; those that are away are
waited for. systemctl, busctl and unitctl are its clients.";

/// Owns the graph of units and their jobs; serves org.freedesktop.systemd1.
///
/// Usually started by `quintet`. Configuration: /etc/quintet/unit-broker.toml.
#[derive(Debug, Parser)]
#[command(name = "unit-broker", version, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    common: CommonArgs,
}

fn main() -> ExitCode {
    let cli = daemon_runtime::command_line::parse::<Cli>();
    let config = match config::load::<Config>("unit-broker", &cli.common) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("unit-broker: {error}");
            return ExitCode::FAILURE;
        }
    };
    logging::init("unit-broker", &cli.common, &config.log);
    match daemon_runtime::run(driver::run(&cli.common, &config)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) | Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}
