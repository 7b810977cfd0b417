//! The command line.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use daemon_runtime::args::CommonArgs;

use crate::command::{info, list, monitor, record, replay, run};
use crate::driver::database::{Filter, Source};
use crate::serve;
use crate::serve::public::MessageBus;

const EXAMPLES: &str = "\
Examples:
  device-watcher                                   serve the device table on D-Bus (what the launcher runs)
  device-watcher monitor                           print units as they come and go
  device-watcher monitor --json --subsystem net    the same as JSON, one line per event, of network devices
  device-watcher info eth0                         which units a device is, and what it wants
  device-watcher run --on-plug link.service        start a service with its device, without a manager
  device-watcher record plug.jsonl                 write an event stream ...
  device-watcher replay plug.jsonl                 ... and feed it to a daemon started with --allow-replay";

/// Kernel devices as systemd's .device units
#[derive(Debug, Parser)]
#[command(name = "device-watcher", version, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the device table on D-Bus (the default)
    Serve(ServeArgs),
    /// Print what happens to device units
    Monitor(MonitorArgs),
    /// Print all device units: the running daemon's, else those of udev's database
    List {
        /// One JSON object per unit
        #[arg(long)]
        json: bool,
    },
    /// Print which units a device is, what they want, and what udev says about it
    Info {
        /// Path below /sys or /dev, name of a network interface or of a node below /dev, or a .device unit
        device: String,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Write all events of devices with units to a file, with the pauses between them, until interrupted
    Record {
        /// One JSON object per line; `-` is standard output
        file: PathBuf,
        /// End after that many events
        #[arg(long, value_name = "N")]
        count: Option<usize>,
    },
    /// Feed a recorded event stream to the running daemon (which must have been started with --allow-replay)
    Replay {
        /// What `record` wrote; `-` is standard input
        file: PathBuf,
        /// Don't wait as long between events as it took when they were recorded
        #[arg(long)]
        no_wait: bool,
    },
    /// Start services as their devices are plugged in, through a process-supervisor; without a manager
    Run {
        /// Services (names or files, templates too) that a device wants, or that say WantedBy= a device
        #[arg(long, value_name = "UNIT", required = true, num_args = 1..)]
        on_plug: Vec<String>,
    },
}

/// Flags of the daemon.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// Let clients inject recorded events (`device-watcher replay`): for tests and demos
    #[arg(long)]
    pub allow_replay: bool,
    /// Feed this recorded event stream (a file or a FIFO) to the table; implies --allow-replay
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,
    /// Serve on this message bus as well, as org.quintet.Devices1 [default: none]
    #[arg(long, value_name = "BUS")]
    pub message_bus: Option<MessageBus>,
}

#[derive(Debug, Args)]
struct MonitorArgs {
    /// One JSON object per event
    #[arg(long)]
    json: bool,
    /// Only devices with this udev tag; `*` for all, tagged or not
    #[arg(long, default_value = "systemd")]
    tag: String,
    /// Only devices of this kernel subsystem (net, block, tty, ...)
    #[arg(long)]
    subsystem: Option<String>,
}

/// Parses the command line and runs it.
pub fn main() -> ExitCode {
    let cli = daemon_runtime::command_line::parse::<Cli>();
    let result = match cli.command {
        None => serve::main(&cli.common, &cli.serve),
        Some(Command::Serve(args)) => serve::main(&cli.common, &args),
        Some(Command::Monitor(args)) => {
            let tag = Some(args.tag).filter(|tag| tag != "*");
            monitor::main(&Filter { tag, subsystem: args.subsystem, source: Source::Udev }, args.json)
        }
        Some(Command::List { json }) => list::main(&cli.common, json),
        Some(Command::Info { device, json }) => info::main(&device, json),
        Some(Command::Record { file, count }) => record::main(&file, count),
        Some(Command::Run { on_plug }) => run::main(&cli.common, &on_plug),
        Some(Command::Replay { file, no_wait }) => replay::main(&cli.common, &file, no_wait),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough.
        Err(Failure::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("device-watcher: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something with a file, a socket or udev.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The configuration file.
    #[error(transparent)]
    Config(#[from] daemon_runtime::config::ConfigError),
    /// With what it was about.
    #[error("{0}: {1}")]
    About(String, String),
}

impl Failure {
    /// An error with what it was about.
    pub fn about(what: impl std::fmt::Display, error: impl std::fmt::Display) -> Failure {
        Failure::About(what.to_string(), error.to_string())
    }
}
