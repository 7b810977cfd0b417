//! socket-activator: see `socket-activator --help` and the crate's documentation.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use daemon_runtime::args::CommonArgs;
use daemon_runtime::config::{self, LogConfig};
use daemon_runtime::logging;
use exec_job::output::OutputConfig;
use serde::Deserialize;
use socket_activator::cli::{Cli, RunArgs, Verb};
use socket_activator::daemon::serve::{self, Standalone};
use socket_activator::ownership;
use socket_activator::standalone::{activate, run};

// Each event makes and drops hundreds of small things.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `/etc/quintet/socket-activator.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// `[log]`
    log: LogConfig,
    /// `[output]`: of the commands of socket units.
    output: OutputConfig,
}

fn main() -> ExitCode {
    let cli = daemon_runtime::command_line::parse::<Cli>();
    match cli.verb {
        Some(Verb::Chown { owner, owning_group, paths }) => ownership::chown(&owner, &owning_group, &paths),
        Some(Verb::Run(args)) => daemon(&cli.common, Some(&args)),
        None if cli.activate.is_wanted() => activate::activate(&cli.activate),
        None => daemon(&cli.common, None),
    }
}

fn daemon(common: &CommonArgs, units: Option<&RunArgs>) -> ExitCode {
    let config: Config = match config::load(serve::NAME, common) {
        Ok(config) => config,
        Err(error) => return fail(&error.to_string()),
    };
    logging::init(serve::NAME, common, &config.log);
    let standalone = match units.map(|args| run::load(&args.units, common)).transpose() {
        Ok(loaded) => loaded.map(|(services, units)| Standalone { services, units }),
        Err(text) => return fail(&text),
    };
    match daemon_runtime::run(serve::serve(common, &config.output, standalone)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) | Err(error) => fail(&error.to_string()),
    }
}

fn fail(text: &str) -> ExitCode {
    eprintln!("socket-activator: {text}");
    ExitCode::FAILURE
}
