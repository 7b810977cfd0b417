//! What happens to a service.

use serde::{Deserialize, Serialize};

use super::Pid;
use super::exit::Exit;
use super::notification::Notification;

/// What a start carries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartOrder {
    /// 32 hexadecimal digits, `$INVOCATION_ID`.
    pub invocation: String,
    /// Why, for `unitctl why`.
    pub cause: String,
    /// Chance for `RuntimeRandomizedExtraSec=`.
    pub random: u64,
}

/// Events. Those that name a process are ignored when it is none of the service's.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Start it.
    Start(StartOrder),
    /// Start a new instance beside the one that runs, which ends when the new one is up (`X-RestartOverlap=`).
    Overlap(StartOrder),
    /// Stop it.
    Stop {
        /// The stop half of a restart.
        restart: bool,
        /// Why.
        cause: String,
    },
    /// Reload it.
    Reload {
        /// Why.
        cause: String,
    },
    /// Forget that it failed.
    ResetFailed,
    /// Whoever coordinates refuses the start (`start-limit-hit`, `resources`, ...).
    Refused {
        /// The result that remains.
        result: super::exit::ServiceResult,
        /// Why.
        cause: String,
    },
    /// `systemctl clean`: only a service that is down can be cleaned.
    Clean {
        /// Which of its directories, and `fdstore`.
        what: Vec<String>,
        /// Why.
        cause: String,
    },
    /// The answer to [`super::action::Action::Clean`].
    Cleaned {
        /// What could not be removed.
        error: Option<String>,
    },
    /// The process that [`super::action::Action::Spawn`] asked for runs.
    Spawned {
        /// Its id.
        pid: Pid,
    },
    /// It could not be made (fork failed, an `EnvironmentFile=` is missing, ...).
    SpawnFailed {
        /// Why.
        error: String,
    },
    /// A process ended.
    ProcessExited {
        /// Its id.
        pid: Pid,
        /// How.
        exit: Exit,
    },
    /// A process has executed its program (`Type=exec`).
    ExecSucceeded {
        /// Its id.
        pid: Pid,
    },
    /// sd_notify(3).
    Notify {
        /// Who sent it.
        sender: Pid,
        /// The sender's user.
        uid: u32,
        /// What it says.
        message: Notification,
    },
    /// Something happened where the PID file should be.
    PidFileChanged,
    /// `BusName=` has an owner, whose process this is (0 if unknown), or none any more.
    BusNameChanged {
        /// It has an owner.
        owned: bool,
        /// The owner.
        pid: Pid,
    },
    /// The last process of the unit is gone.
    Empty,
    /// The kernel's out-of-memory killer took a process.
    OutOfMemory,
    /// A deadline passed: see [`super::machine::Machine::deadline`].
    Tick,
}
