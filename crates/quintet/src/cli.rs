//! The command line.

use clap::{Args, Parser, Subcommand};
use daemon_runtime::args::CommonArgs;

const EXAMPLES: &str = "Examples:
  quintet run                          boot default.target: as PID 1, as a container's entry point, or under another init
  quintet run --unit=web.target        boot another unit
  quintet run --user                   the calling user's units (default when not root)
  quintet run --runtime-dir=/tmp/q     sockets and state elsewhere, beside another instance

Signals: SIGTERM, SIGINT and SIGRTMIN+4 stop all units in order and exit; SIGRTMIN+5 reboots and SIGRTMIN+3 halts when
quintet is PID 1 of a machine. A third SIGTERM or SIGINT ends everything at once.
The exit status is the one given with `systemctl exit N`, else 0.";

/// Runs systemd units without systemd: starts Quintet's daemons and keeps them running.
#[derive(Debug, Parser)]
#[command(name = "quintet", version, about, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the daemons, boot a unit, and stay until told to end
    Run(RunArgs),
}

/// Flags of `run`.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct RunArgs {
    /// Flags that all programs of Quintet share.
    #[command(flatten)]
    pub common: CommonArgs,
    /// The unit to boot
    #[arg(long, value_name = "UNIT", default_value = "default.target")]
    pub unit: String,
    /// Longest wait before a daemon that keeps ending right after its start is started again, in milliseconds; 0 starts it
    /// again at once, however often
    #[arg(long, value_name = "MS", default_value_t = 5_000)]
    pub restart_delay_max: u64,
}
