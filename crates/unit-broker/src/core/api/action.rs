//! What the engine wants done. The driver carries actions out in order and answers none of them directly: results
//! come back as events.

use std::sync::Arc;

use unit_parser::UnitName;

use super::event::{Invocation, Worker};
use super::types::{ActiveState, JobResult};
use crate::core::why::WhyEntry;

/// What a start carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartCommand {
    /// The run's id; the same id sent twice starts once.
    pub invocation: Invocation,
    /// The job.
    pub job: u32,
    /// Variables for this start only (`MONITOR_*`, those of a trigger).
    pub environment: Vec<String>,
    /// Socket units whose listening descriptors the service gets, in this order (`Sockets1.Fds`).
    pub sockets: Vec<UnitName>,
    /// Units whose namespaces it may share and that the other worker may know (`Worker1.Namespaces`), in this order.
    pub joined: Vec<UnitName>,
    /// The accepted connection that came with this trigger id, to be passed on and then dropped.
    pub connection: Option<u64>,
    /// It starts beside the instance that runs, and takes over from that (`X-RestartOverlap=`).
    pub overlap: bool,
    /// For the worker's log and `why`.
    pub cause: String,
}

/// How grave a line for the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something is wrong.
    Warning,
    /// Something worth knowing.
    Notice,
    /// Normal operation.
    Info,
    /// For developers.
    Debug,
}

/// What `FailureAction=`, `SuccessAction=`, `StartLimitAction=`, `JobTimeoutAction=` lead to, and the shutdown targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PowerAction {
    /// systemd's word: `reboot`, `poweroff-force`, `exit`, ... The engine turns the plain ones into a start of the
    /// target first; what arrives here is to be done now.
    pub action: String,
    /// Why.
    pub reason: String,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// These units' saved records changed (`Engine::saved_unit`; `None` there: remove the file), and the manager's
    /// own (`Engine::saved_manager`). Comes first, so that it is on disk before anybody acts on it.
    Save(Vec<UnitName>),

    /// `Worker1.Start`.
    Start(Worker, UnitName, Box<StartCommand>),
    /// `Worker1.Stop`: unit, job, whether it is the first half of a restart, why.
    Stop(Worker, UnitName, u32, bool, String),
    /// `Worker1.Reload`.
    ReloadUnit(Worker, UnitName),
    /// `Worker1.Kill`: whom, signal.
    Kill(Worker, UnitName, String, i32),
    /// `Worker1.ResetFailed`.
    ResetFailed(Worker, UnitName),
    /// `Worker1.Update`: the definition changed (`UnitView::definition`).
    Update(Worker, UnitName),
    /// `Supervisor1.Slice`: a slice came up or went down, or its definition changed.
    Slice(UnitName),
    /// `Worker1.Forget`.
    Forget(Worker, UnitName),
    /// `Sockets1.ServiceState`: a triggered service's state, for its socket. Socket, service, state, result.
    SocketServiceState(UnitName, UnitName, ActiveState, String),
    /// `Sockets1.Fail`: the service can't be started, the socket fails with this result.
    SocketFail(UnitName, String),
    /// `Sockets1.Ack`: a trigger was taken.
    TriggerAck(u64),
    /// The trigger's connection is of no use: close it and acknowledge.
    TriggerDrop(u64),

    /// Signal `UnitNew`.
    UnitNew(UnitName),
    /// Signal `UnitRemoved`; the driver forgets what it kept for it.
    UnitRemoved(UnitName),
    /// Something about the unit changed: `PropertiesChanged`.
    UnitChanged(UnitName),
    /// Signal `JobNew`.
    JobNew(u32, UnitName),
    /// The job's state or type changed: `PropertiesChanged` of the job.
    JobChanged(u32),
    /// Signal `JobRemoved`.
    JobRemoved(u32, UnitName, JobResult),
    /// Signal `Reloading`.
    Reloading(bool),
    /// The boot's jobs are done: signal `StartupFinished`, READY=1.
    StartupFinished,
    /// The system's state may have changed (`SystemState`, `NFailedUnits`, `NJobs`, ...).
    ManagerChanged,

    /// A line for the log, about a unit or (`None`) the manager.
    Log(Option<UnitName>, LogLevel, String),
    /// A new link of a causal chain; the engine keeps the last ones itself (`Engine::why`).
    Why(Arc<WhyEntry>),
    /// Ends the manager or the machine.
    Power(PowerAction),
    /// What the manager exits with from now on, if it exits.
    ExitStatus(u8),
    /// The argument of reboot(2) from now on.
    RebootArgument(String),
}
