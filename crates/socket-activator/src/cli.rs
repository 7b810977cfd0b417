//! The command line: the daemon without a verb, `--listen` as systemd-socket-activate(1), `run` for unit files.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use daemon_runtime::args::CommonArgs;

const EXAMPLES: &str = "\
Without options it is the daemon that serves the unit-broker (or anybody who may connect) on its private D-Bus socket.

Examples:
  socket-activator --listen 3233 -- /usr/local/bin/my_server
        binds port 3233, starts the server with the first connection, passes the socket in LISTEN_FDS
  socket-activator --listen 3233 --listen /run/my.sock --fdname tcp:local -E LOG=debug -- /usr/local/bin/my_server
        two sockets, named in LISTEN_FDNAMES, and a variable
  socket-activator --listen 7 --accept --inetd -- /bin/cat
        one process per connection, the connection as its standard input and output
  socket-activator run my_server.socket
        reads the unit and that of its service, and starts the service itself, without any other daemon
  socket-activator --user
        the daemon for the units of the calling user";

/// Flags of socket-activator.
#[derive(Debug, Parser)]
#[command(name = "socket-activator", version, about, after_help = EXAMPLES, subcommand_precedence_over_arg = true)]
pub struct Cli {
    /// Flags of all daemons.
    #[command(flatten)]
    pub common: CommonArgs,
    /// Flags of systemd-socket-activate(1).
    #[command(flatten)]
    pub activate: ActivateArgs,
    /// What else it can do.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// systemd-socket-activate(1).
#[derive(Debug, Clone, Default, Args)]
pub struct ActivateArgs {
    /// Listen on an address: a port, address:port, /path, @name, vsock:cid:port; may be repeated
    #[arg(short, long, value_name = "ADDRESS")]
    pub listen: Vec<String>,
    /// Sockets for datagrams instead of connections
    #[arg(short, long, conflicts_with = "seqpacket")]
    pub datagram: bool,
    /// Sockets for sequential packets instead of streams
    #[arg(long)]
    pub seqpacket: bool,
    /// Start a process per connection, and pass the connection
    #[arg(short, long)]
    pub accept: bool,
    /// Set a variable of the command, or pass ours on
    #[arg(short = 'E', long = "setenv", value_name = "NAME[=VALUE]")]
    pub environment: Vec<String>,
    /// Names of the descriptors for LISTEN_FDNAMES; one for all, or one each
    #[arg(long, value_name = "NAME[:NAME...]")]
    pub fdname: Vec<String>,
    /// Pass the socket as standard input and output (inetd(8))
    #[arg(long)]
    pub inetd: bool,
    /// The command with its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

impl ActivateArgs {
    /// Whether any of them was given: else it is the daemon that is wanted.
    pub fn is_wanted(&self) -> bool {
        !self.listen.is_empty()
            || !self.command.is_empty()
            || self.accept
            || self.datagram
            || self.seqpacket
            || self.inetd
            || !self.fdname.is_empty()
            || !self.environment.is_empty()
    }
}

/// Verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Serve socket units from their files, alone: start their services on traffic
    Run(RunArgs),
    /// Set the owner of socket files (used internally)
    #[command(hide = true)]
    Chown {
        /// User, or empty.
        owner: String,
        /// Group, or empty.
        owning_group: String,
        /// Sockets and FIFOs.
        paths: Vec<PathBuf>,
    },
}

/// Arguments of `run`.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Socket units: paths of files, or names to look up in the unit directories
    #[arg(required = true, value_name = "FILE.socket")]
    pub units: Vec<PathBuf>,
}
