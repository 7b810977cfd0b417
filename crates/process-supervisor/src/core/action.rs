//! What a machine wants done, in order.

use serde::{Deserialize, Serialize};

use super::Pid;
use super::command::CommandKind;
use super::instance::Instance;
use super::status::Status;

/// A process to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpawnOrder {
    /// Which directive.
    pub kind: CommandKind,
    /// Which of its commands, from 0.
    pub index: usize,
    /// It becomes the main process: it gets the service's descriptors, and `$WATCHDOG_USEC` if that is set.
    pub main: bool,
    /// It gets the service's descriptors (`$LISTEN_FDS`).
    pub pass_fds: bool,
    /// `$NOTIFY_SOCKET`.
    pub notify_socket: bool,
    /// `$WATCHDOG_USEC`, µs.
    pub watchdog: Option<u64>,
    /// `$MAINPID`.
    pub main_pid: Option<Pid>,
    /// `$SERVICE_RESULT`, and `$EXIT_CODE`, `$EXIT_STATUS` if the main process ended.
    pub result: Option<(String, Option<(String, String)>)>,
    /// It is part of a new instance beside the one that runs (`X-RestartOverlap=`).
    pub instance: Option<Instance>,
}

/// Signals to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KillOrder {
    /// To this main process.
    pub main: Option<Pid>,
    /// To this control process.
    pub control: Option<Pid>,
    /// To every other process of the unit.
    pub group: bool,
    /// Which.
    pub signal: i32,
    /// And SIGHUP after it.
    pub hangup: bool,
}

/// Signals to one of several instances, and to nobody of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceOrder {
    /// Which.
    pub instance: Instance,
    /// To all of its processes, not only to the main one.
    pub group: bool,
    /// Which.
    pub signal: i32,
    /// And SIGHUP after it.
    pub hangup: bool,
}

/// How loud a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Details.
    Debug,
    /// What happened.
    Info,
    /// What should not have happened.
    Warning,
}

impl Level {
    /// The word on D-Bus.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warning => "warning",
        }
    }
}

/// Actions. The driver does them in this order; a deadline is not one, it asks [`super::machine::Machine::deadline`].
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Make a process, and answer with `Spawned` or `SpawnFailed` before any other event. The machine's state, which
    /// holds the intent, must be on disk before.
    Spawn(SpawnOrder),
    /// Send signals (with SIGCONT, so that stopped processes hear them). The machine's state, which holds the reason, must be
    /// on disk before: else whoever finds the processes dead takes their end for their own doing.
    Kill(KillOrder),
    /// Send signals to one instance.
    KillInstance(InstanceOrder),
    /// An instance is gone: remove its control group.
    ReleaseInstance(Instance),
    /// Tell everybody.
    Changed(Box<Status>),
    /// `RestartSec=` is over: whoever coordinates should restart it.
    RestartDue,
    /// Follow this process: its end is an event.
    Follow(Pid),
    /// Watch for the PID file.
    WatchPidFile,
    /// No longer.
    UnwatchPidFile,
    /// A start begins: accept notifications, watch the bus name.
    Prepare,
    /// The service is down: remove its control group, runtime directories, private /tmp, credentials, PID file.
    Release {
        /// It comes back: what `RuntimeDirectoryPreserve=restart` keeps, stays.
        comes_back: bool,
    },
    /// The service is down for good: drop its descriptors (passed ones and the fd store).
    ReleaseFds,
    /// Remove what it left behind, and answer with `Cleaned`.
    Clean(Vec<String>),
    /// Stop that; no answer is wanted any more.
    AbortClean,
    /// Tell the log.
    Log(Level, String),
}
