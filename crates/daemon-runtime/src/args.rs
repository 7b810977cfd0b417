//! Flags that all daemons take; each daemon flattens [`CommonArgs`] into its own clap structure.

use std::path::PathBuf;

use clap::Args;

use crate::logging::LogFormat;
use crate::paths::{Mode, RuntimeDir};

/// Flags of every daemon.
#[derive(Debug, Clone, Default, Args)]
pub struct CommonArgs {
    /// Manage the system (default when root)
    #[arg(long, global = true, conflicts_with = "user")]
    pub system: bool,
    /// Manage the calling user's units (default when not root)
    #[arg(long, global = true)]
    pub user: bool,
    /// Directory of sockets and state [default: /run/quintet, or $XDG_RUNTIME_DIR/quintet]
    #[arg(long, global = true, value_name = "DIR")]
    pub runtime_dir: Option<PathBuf>,
    /// Configuration file [default: /etc/quintet/DAEMON.toml, or $XDG_CONFIG_HOME/quintet/DAEMON.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Least severe messages that are logged: error, warn, info, debug, trace, or a tracing filter
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// How messages are written
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
}

impl CommonArgs {
    /// System or user: the flag, else `QUINTET_MODE`, else by effective uid.
    pub fn mode(&self) -> Mode {
        if self.system {
            return Mode::System;
        }
        if self.user {
            return Mode::User;
        }
        Mode::from_env()
    }

    /// The runtime directory: the flag, else `QUINTET_RUNTIME_DIR`, else the mode's default.
    pub fn runtime(&self) -> RuntimeDir {
        match &self.runtime_dir {
            Some(dir) => RuntimeDir::new(dir.clone()),
            None => RuntimeDir::from_env(self.mode()),
        }
    }
}
