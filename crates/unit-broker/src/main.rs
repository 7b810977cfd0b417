//! The unit-broker daemon; see the library for what it does.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use daemon_runtime::args::CommonArgs;
use daemon_runtime::{config, logging};
use unit_broker::driver::{self, Config};

/// Owns the graph of units and their jobs; serves org.freedesktop.systemd1.
///
/// Usually started by `quintet`. Configuration: /etc/quintet/unit-broker.toml.
#[derive(Debug, Parser)]
#[command(name = "unit-broker", version)]
struct Cli {
    #[command(flatten)]
    common: CommonArgs,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
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
