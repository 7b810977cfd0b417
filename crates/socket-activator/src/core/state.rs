//! States, results and command phases of a socket unit, in systemd's words.
//!
//! ```text
//! dead -> start-pre -> (opening) -> start-chown -> start-post -> listening <-> running
//!                                                                    |           |
//!            dead | failed <- final-sig* <- stop-post <- stop-pre-sig* <- stop-pre
//! ```
//!
//! Phases without commands are passed through within one event. The descriptors exist from `opening` to `stop-post`; they
//! are polled in `listening` alone. `running` means that the service has been asked for and looks at the sockets itself.

use serde::{Deserialize, Serialize};

/// State of a socket unit. Data is what the state needs to go on after a restart of the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Not started.
    Dead,
    /// `ExecStartPre=` runs.
    StartPre(Control),
    /// Sockets are being opened. Lasts for one action of the driver; seen only after a crash in its middle.
    Opening,
    /// Ownership of the file nodes is being set (`SocketUser=`).
    StartChown(Control),
    /// `ExecStartPost=` runs.
    StartPost(Control),
    /// Waiting for traffic.
    Listening,
    /// The service has been triggered; its business now.
    Running,
    /// `ExecStopPre=` runs.
    StopPre(Control),
    /// A control command of the start was told to end.
    StopPreSigterm(Control),
    /// It was killed.
    StopPreSigkill(Control),
    /// `ExecStopPost=` runs; the sockets are closed.
    StopPost(Control),
    /// The last control command was told to end.
    FinalSigterm(Control),
    /// It was killed.
    FinalSigkill(Control),
    /// Ended with a [`SocketResult`] other than success.
    Failed,
}

/// A control command in a state that runs one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// Which command of the phase, from 0.
    pub index: usize,
    /// Its process; `None` until the driver has told.
    pub pid: Option<u32>,
    /// Of a command that was told to end: its failure is ignored (`-`).
    #[serde(default)]
    pub ignored: bool,
    /// When it has taken too long, in microseconds of the machine's clock; `u64::MAX`: never.
    pub deadline: u64,
}

impl State {
    /// SubState on D-Bus.
    pub const fn sub(&self) -> &'static str {
        match self {
            State::Dead => "dead",
            State::StartPre(_) => "start-pre",
            State::Opening | State::StartChown(_) => "start-chown",
            State::StartPost(_) => "start-post",
            State::Listening => "listening",
            State::Running => "running",
            State::StopPre(_) => "stop-pre",
            State::StopPreSigterm(_) => "stop-pre-sigterm",
            State::StopPreSigkill(_) => "stop-pre-sigkill",
            State::StopPost(_) => "stop-post",
            State::FinalSigterm(_) => "final-sigterm",
            State::FinalSigkill(_) => "final-sigkill",
            State::Failed => "failed",
        }
    }

    /// ActiveState on D-Bus.
    pub const fn active(&self) -> &'static str {
        match self {
            State::Dead => "inactive",
            State::StartPre(_) | State::Opening | State::StartChown(_) | State::StartPost(_) => "activating",
            State::Listening | State::Running => "active",
            State::StopPre(_)
            | State::StopPreSigterm(_)
            | State::StopPreSigkill(_)
            | State::StopPost(_)
            | State::FinalSigterm(_)
            | State::FinalSigkill(_) => "deactivating",
            State::Failed => "failed",
        }
    }

    /// Whether the sockets are open in this state.
    pub const fn holds_sockets(&self) -> bool {
        match self {
            State::Opening
            | State::StartChown(_)
            | State::StartPost(_)
            | State::Listening
            | State::Running
            | State::StopPre(_)
            | State::StopPreSigterm(_)
            | State::StopPreSigkill(_) => true,
            State::Dead
            | State::StartPre(_)
            | State::StopPost(_)
            | State::FinalSigterm(_)
            | State::FinalSigkill(_)
            | State::Failed => false,
        }
    }

    /// The control command, in states that have one.
    pub const fn control(&self) -> Option<&Control> {
        match self {
            State::StartPre(c)
            | State::StartChown(c)
            | State::StartPost(c)
            | State::StopPre(c)
            | State::StopPreSigterm(c)
            | State::StopPreSigkill(c)
            | State::StopPost(c)
            | State::FinalSigterm(c)
            | State::FinalSigkill(c) => Some(c),
            State::Dead | State::Opening | State::Listening | State::Running | State::Failed => None,
        }
    }

    /// As [`State::control`], to be changed.
    pub const fn control_mut(&mut self) -> Option<&mut Control> {
        match self {
            State::StartPre(c)
            | State::StartChown(c)
            | State::StartPost(c)
            | State::StopPre(c)
            | State::StopPreSigterm(c)
            | State::StopPreSigkill(c)
            | State::StopPost(c)
            | State::FinalSigterm(c)
            | State::FinalSigkill(c) => Some(c),
            State::Dead | State::Opening | State::Listening | State::Running | State::Failed => None,
        }
    }
}

/// `Result` of a socket unit (org.freedesktop.systemd1(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SocketResult {
    /// Nothing went wrong.
    Success,
    /// A socket could not be opened, or something could not be run.
    Resources,
    /// A control command took too long.
    Timeout,
    /// A control command failed.
    ExitCode,
    /// A control command was killed by a signal.
    Signal,
    /// A control command dumped core.
    CoreDump,
    /// The service was started too often (`StartLimitBurst=`).
    StartLimitHit,
    /// The socket was triggered too often (`TriggerLimitBurst=`).
    TriggerLimitHit,
    /// The service hit its own start limit.
    ServiceStartLimitHit,
}

impl SocketResult {
    /// The word on D-Bus.
    pub const fn as_str(self) -> &'static str {
        match self {
            SocketResult::Success => "success",
            SocketResult::Resources => "resources",
            SocketResult::Timeout => "timeout",
            SocketResult::ExitCode => "exit-code",
            SocketResult::Signal => "signal",
            SocketResult::CoreDump => "core-dump",
            SocketResult::StartLimitHit => "start-limit-hit",
            SocketResult::TriggerLimitHit => "trigger-limit-hit",
            SocketResult::ServiceStartLimitHit => "service-start-limit-hit",
        }
    }

    /// From the word of a broker. An unknown word still means failure: `resources`, as when a start can't be queued.
    pub fn from_word(word: &str) -> Self {
        match word {
            "timeout" => SocketResult::Timeout,
            "exit-code" => SocketResult::ExitCode,
            "signal" => SocketResult::Signal,
            "core-dump" => SocketResult::CoreDump,
            "start-limit-hit" => SocketResult::StartLimitHit,
            "trigger-limit-hit" => SocketResult::TriggerLimitHit,
            "service-start-limit-hit" => SocketResult::ServiceStartLimitHit,
            _ => SocketResult::Resources,
        }
    }
}

/// The lists of commands of a socket unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Phase {
    /// `ExecStartPre=`
    StartPre,
    /// No list: the one command that sets the owner of the file nodes.
    StartChown,
    /// `ExecStartPost=`
    StartPost,
    /// `ExecStopPre=`
    StopPre,
    /// `ExecStopPost=`
    StopPost,
}

impl Phase {
    /// For messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Phase::StartPre => "start-pre",
            Phase::StartChown => "start-chown",
            Phase::StartPost => "start-post",
            Phase::StopPre => "stop-pre",
            Phase::StopPost => "stop-post",
        }
    }

    /// The directive, which is a D-Bus property too; `None` for the command that no directive names.
    pub const fn directive(self) -> Option<&'static str> {
        match self {
            Phase::StartPre => Some("ExecStartPre"),
            Phase::StartChown => None,
            Phase::StartPost => Some("ExecStartPost"),
            Phase::StopPre => Some("ExecStopPre"),
            Phase::StopPost => Some("ExecStopPost"),
        }
    }
}
