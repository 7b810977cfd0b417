//! The command line.

use clap::{Args, Parser, Subcommand};
use daemon_runtime::args::CommonArgs;

/// Runs and supervises services from systemd unit files.
#[derive(Debug, Parser)]
#[command(
    name = "process-supervisor",
    version,
    after_help = "Examples:\n  \
        process-supervisor run ./web.service           supervise one service; exit with its status\n  \
        process-supervisor run web.service db.service  units from the load path (/etc/systemd/system, ...)\n  \
        process-supervisor serve                       wait for a broker's orders on D-Bus (what the launcher starts)"
)]
pub struct Cli {
    /// Flags of every daemon.
    #[command(flatten)]
    pub common: CommonArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

impl Cli {
    /// What to do; `serve` unless told otherwise.
    pub fn command(&self) -> Command {
        self.command.clone().unwrap_or(Command::Serve)
    }
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Serve org.quintet.Worker1 (default)
    Serve,
    /// Supervise units without any other daemon, until all of them are down
    ///
    /// SIGTERM and SIGINT stop them in reverse order; SIGHUP reloads them. The exit status is that of the first service that
    /// failed (128 + the signal if one killed it), else 0. Services write to this program's output unless their unit says
    /// otherwise. Killed and started again with the same --runtime-dir, it takes over what still runs.
    Run(RunArgs),
}

/// Arguments of `run`.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Unit names, or paths of unit files
    #[arg(required = true, value_name = "FILE|UNIT")]
    pub units: Vec<String>,
    /// Write the services' output to UNIT.log files in this directory instead of our own output
    #[arg(long, value_name = "DIR")]
    pub log_dir: Option<std::path::PathBuf>,
}
