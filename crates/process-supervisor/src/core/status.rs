//! What everybody may know of a service at one moment.

use super::Pid;
use super::command::{CommandKind, ExecStatus};
use super::exit::ServiceResult;
use super::state::{Active, State};
use super::time::Stamp;

/// A service as of one transition.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// Where it is.
    pub state: State,
    /// `ActiveState`
    pub active: Active,
    /// `Result`
    pub result: ServiceResult,
    /// `ReloadResult`
    pub reload_result: ServiceResult,
    /// `CleanResult`
    pub clean_result: ServiceResult,
    /// A restart follows by itself (`UNIT_NOTIFY_WILL_AUTO_RESTART`).
    pub will_restart: bool,
    /// A reload failed (`UNIT_NOTIFY_RELOAD_FAILURE`).
    pub reload_failed: bool,
    /// `ExecCondition=` said no (`UNIT_NOTIFY_SKIP_CONDITION`).
    pub skipped: bool,
    /// Why it changed last.
    pub cause: String,
    /// `MainPID`
    pub main_pid: Pid,
    /// `ControlPID`
    pub control_pid: Pid,
    /// `ExecMain*`
    pub main: ExecStatus,
    /// What became of each command.
    pub commands: Vec<(CommandKind, Vec<ExecStatus>)>,
    /// `StatusText`
    pub status_text: String,
    /// `StatusErrno`
    pub status_errno: i32,
    /// `NRestarts`
    pub restarts: u32,
    /// `WatchdogTimestamp`
    pub watchdog_seen: Option<Stamp>,
    /// `WatchdogUSec`
    pub watchdog_usec: u64,
    /// `$INVOCATION_ID`, hexadecimal; empty before the first start.
    pub invocation: String,
    /// `StateChangeTimestamp`
    pub changed: Option<Stamp>,
    /// `InactiveExitTimestamp`
    pub inactive_exit: Option<Stamp>,
    /// `ActiveEnterTimestamp`
    pub active_enter: Option<Stamp>,
    /// `ActiveExitTimestamp`
    pub active_exit: Option<Stamp>,
    /// `InactiveEnterTimestamp`
    pub inactive_enter: Option<Stamp>,
    /// The outcome of `ExecCondition=`, when it ran.
    pub condition: Option<bool>,
}
