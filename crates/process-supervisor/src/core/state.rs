//! The states of a service, in systemd's own terms.

use serde::{Deserialize, Serialize};

/// Who began a reload, which decides how it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reloader {
    /// `ExecReload=`: it ends with its commands.
    Command,
    /// The service, by `RELOADING=1`: it ends with `READY=1`.
    Service,
    /// An overlapping restart: it ends when the new instance is up, or has failed.
    Overlap,
}

/// Where a service is. What outlives a state (main process, control process, deadlines) is in the machine beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Not running, and not because of a failure.
    Dead,
    /// `ExecCondition=` runs.
    Condition,
    /// `ExecStartPre=` runs.
    StartPre,
    /// `ExecStart=` runs, and what the type waits for has not come yet.
    Start,
    /// `ExecStartPost=` runs.
    StartPost,
    /// Up.
    Running,
    /// Up by `RemainAfterExit=`, without a process.
    Exited,
    /// Reloading.
    Reload(Reloader),
    /// `Type=notify-reload`: the signal is sent, `RELOADING=1` has not come yet.
    ReloadSignal,
    /// `Type=notify-reload`: `RELOADING=1` has come, `READY=1` has not.
    ReloadNotify,
    /// `ExecStop=` runs.
    Stop,
    /// `WatchdogSignal=` is sent.
    StopWatchdog,
    /// `KillSignal=` is sent.
    StopSigterm,
    /// `FinalKillSignal=` is sent.
    StopSigkill,
    /// `ExecStopPost=` runs.
    StopPost,
    /// After `ExecStopPost=`: `WatchdogSignal=` to what is left.
    FinalWatchdog,
    /// After `ExecStopPost=`: `KillSignal=` to what is left.
    FinalSigterm,
    /// After `ExecStopPost=`: `FinalKillSignal=` to what is left.
    FinalSigkill,
    /// Not running, because of a failure.
    Failed,
    /// Waits for `RestartSec=`; `due` once that is over and the restart was asked of whoever coordinates.
    AutoRestart {
        /// The time is over.
        due: bool,
    },
    /// `systemctl clean` runs.
    Cleaning,
}

impl State {
    /// Whether the last process that is passed sockets has been started. An overlapping restart starts another one.
    pub fn has_its_sockets(self) -> bool {
        match self {
            State::Dead
            | State::Condition
            | State::StartPre
            | State::Start
            | State::Reload(Reloader::Overlap)
            | State::Cleaning => false,
            State::StartPost
            | State::Running
            | State::Exited
            | State::Reload(_)
            | State::ReloadSignal
            | State::ReloadNotify
            | State::Stop
            | State::StopWatchdog
            | State::StopSigterm
            | State::StopSigkill
            | State::StopPost
            | State::FinalWatchdog
            | State::FinalSigterm
            | State::FinalSigkill
            | State::Failed
            | State::AutoRestart { .. } => true,
        }
    }

    /// The `SubState` property.
    pub fn sub(self) -> &'static str {
        match self {
            State::Dead => "dead",
            State::Condition => "condition",
            State::StartPre => "start-pre",
            State::Start => "start",
            State::StartPost => "start-post",
            State::Running => "running",
            State::Exited => "exited",
            State::Reload(_) => "reload",
            State::ReloadSignal => "reload-signal",
            State::ReloadNotify => "reload-notify",
            State::Stop => "stop",
            State::StopWatchdog => "stop-watchdog",
            State::StopSigterm => "stop-sigterm",
            State::StopSigkill => "stop-sigkill",
            State::StopPost => "stop-post",
            State::FinalWatchdog => "final-watchdog",
            State::FinalSigterm => "final-sigterm",
            State::FinalSigkill => "final-sigkill",
            State::Failed => "failed",
            State::AutoRestart { .. } => "auto-restart",
            State::Cleaning => "cleaning",
        }
    }

    /// The `ActiveState` property. A `Type=idle` service counts as active from the beginning of its start, so that no job
    /// waits for it while it waits for jobs.
    pub fn active(self, idle: bool) -> Active {
        match self {
            State::Dead => Active::Inactive,
            State::Condition | State::StartPre | State::Start | State::StartPost if idle => Active::Active,
            State::Condition | State::StartPre | State::Start | State::StartPost => Active::Activating,
            State::Running | State::Exited => Active::Active,
            State::Reload(_) | State::ReloadSignal | State::ReloadNotify => Active::Reloading,
            State::Stop
            | State::StopWatchdog
            | State::StopSigterm
            | State::StopSigkill
            | State::StopPost
            | State::FinalWatchdog
            | State::FinalSigterm
            | State::FinalSigkill => Active::Deactivating,
            State::Failed => Active::Failed,
            State::AutoRestart { .. } => Active::Activating,
            State::Cleaning => Active::Maintenance,
        }
    }

    /// Nothing runs and nothing will by itself.
    pub fn is_down(self) -> bool {
        matches!(self, State::Dead | State::Failed)
    }

    /// A watchdog counts only between the end of the start and the beginning of the stop.
    pub(crate) fn has_watchdog(self) -> bool {
        matches!(
            self,
            State::Start
                | State::StartPost
                | State::Running
                | State::Reload(_)
                | State::ReloadSignal
                | State::ReloadNotify
        )
    }

    /// A main process is followed.
    pub(crate) fn has_main(self) -> bool {
        !matches!(
            self,
            State::Dead
                | State::Failed
                | State::Condition
                | State::StartPre
                | State::Exited
                | State::AutoRestart { .. }
                | State::Cleaning
        )
    }

    /// A control process is followed.
    pub(crate) fn has_control(self) -> bool {
        !matches!(self, State::Dead | State::Failed | State::Running | State::Exited | State::AutoRestart { .. })
    }

    /// A deadline makes sense.
    pub(crate) fn has_timer(self) -> bool {
        !matches!(self, State::Dead | State::Failed | State::Exited | State::AutoRestart { due: true })
    }
}

/// The `ActiveState` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Active {
    /// Up.
    Active,
    /// Up, reading its configuration again.
    Reloading,
    /// Down.
    Inactive,
    /// Down, because of a failure.
    Failed,
    /// On the way up.
    Activating,
    /// On the way down.
    Deactivating,
    /// Being cleaned.
    Maintenance,
}

impl Active {
    /// The word on D-Bus.
    pub fn as_str(self) -> &'static str {
        match self {
            Active::Active => "active",
            Active::Reloading => "reloading",
            Active::Inactive => "inactive",
            Active::Failed => "failed",
            Active::Activating => "activating",
            Active::Deactivating => "deactivating",
            Active::Maintenance => "maintenance",
        }
    }

    /// Active or reloading.
    pub fn is_up(self) -> bool {
        matches!(self, Active::Active | Active::Reloading)
    }
}
