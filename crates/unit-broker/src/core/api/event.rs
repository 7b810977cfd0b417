//! What happens to the engine.

use serde::{Deserialize, Serialize};
use unit_parser::{Unit, UnitName};

use super::cause::Cause;
use super::types::{ActiveState, JobMode, JobType, Markers, Time};

/// A daemon that owns the truth about some units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Worker {
    /// process-supervisor: services.
    Supervisor,
    /// socket-activator: sockets.
    Activator,
    /// device-watcher: devices.
    Watcher,
}

/// The 16 random bytes of one run of a unit.
pub type Invocation = [u8; 16];

/// One request, event of a worker, or passing of time.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Start of the manager: `target` is isolated (systemd's boot job). Replies [`super::reply::Reply::Queued`].
    Boot {
        /// `default.target` or what `--unit=` says.
        target: UnitName,
    },
    /// A job is wanted. Replies `Queued`.
    Enqueue(JobRequest),
    /// `CancelJob`. Replies `Done`.
    CancelJob(u32),
    /// `ClearJobs`. Replies `Done`.
    ClearJobs,
    /// `LoadUnit`, `GetUnit` with load, a property of an object path: the unit exists afterwards. Replies `Unit`
    /// with its primary name. The unit may be collected again at the next [`Event::Idle`].
    Load(UnitName),
    /// `ResetFailed` / `ResetFailedUnit`. Replies `Done`.
    ResetFailed(Option<UnitName>),
    /// daemon-reload. Replies `Done`. Refreshes the load path, loads every unit anew, keeps states and jobs.
    Reload,
    /// Loads one unit anew. Replies `Done`.
    ReloadUnit(UnitName),
    /// A definition that came over D-Bus (transient unit, `SetUnitProperties`), to be used instead of files.
    /// Replies `Unit`.
    Define(Box<Unit>),
    /// `RefUnit`: the unit stays loaded. Replies `Done`.
    Ref {
        /// Which.
        unit: UnitName,
        /// By whom.
        client: u64,
    },
    /// `Markers` of `SetUnitProperties`. Replies `Done`.
    Mark(UnitName, Markers),
    /// `UnrefUnit`. Replies `Done`.
    Unref {
        /// Which.
        unit: UnitName,
        /// By whom.
        client: u64,
    },
    /// A client went away: its references and its interest in jobs end.
    ClientGone(u64),
    /// `KillUnit`; `whom` is systemd's word. Replies `Done`.
    Kill {
        /// Which.
        unit: UnitName,
        /// `main`, `control`, `all`, ...
        whom: String,
        /// The signal's number.
        signal: i32,
    },

    /// A worker's `Changed` signal.
    Status(Status),
    /// A worker's complete `List`: sent after each (re)connection, before [`Event::WorkerBack`].
    List {
        /// Whose.
        worker: Worker,
        /// All its units.
        units: Vec<Status>,
    },
    /// A worker can be talked to. Before the first one, its jobs wait.
    WorkerBack(Worker),
    /// A worker's connection is lost; it will be back.
    WorkerAway(Worker),
    /// The supervisor's `RestartDue`.
    RestartDue(UnitName),
    /// The activator's `Triggered`.
    Trigger {
        /// Acknowledged by [`super::action::Action::TriggerAck`] or failed by `SocketFail`.
        id: u64,
        /// The socket unit.
        socket: UnitName,
        /// The service to start.
        service: UnitName,
        /// Variables for that start.
        environment: Vec<String>,
        /// Whether it brings an accepted connection (`Accept=yes`); the driver keeps the descriptor under `id`.
        connection: bool,
        /// For `why`.
        cause: String,
    },
    /// The watcher's `Changed` signal.
    Devices {
        /// What happened.
        action: DeviceAction,
        /// All units that it concerns.
        units: Vec<Device>,
    },
    /// The watcher's complete `List` after each (re)connection: what isn't in it is gone.
    DeviceList(Vec<Device>),
    /// The units of all mounted file systems: the others aren't mounted (any more).
    Mounts(Vec<UnitName>),
    /// The watcher's `Status`: whether there is udev, and the reason if not.
    DevicesAvailable {
        /// Device events can come.
        available: bool,
        /// Why not.
        reason: String,
    },

    /// [`super::super::Engine::next_deadline`] has come.
    Time,
    /// Nothing else to do: collect garbage.
    Idle,
}

/// A job that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRequest {
    /// Which unit.
    pub unit: UnitName,
    /// What to do.
    pub job_type: JobType,
    /// How to treat jobs that are there.
    pub mode: JobMode,
    /// `ReloadOrRestartUnit` and `ReloadOrTryRestartUnit`: reload instead of restart where the unit can.
    pub reload_if_possible: bool,
    /// Whether a person asked (`RefuseManualStart=` and its like count). True for all D-Bus methods.
    pub manual: bool,
    /// Who.
    pub cause: Cause,
}

impl JobRequest {
    /// A request by hand in mode `replace`.
    pub fn manual(unit: UnitName, job_type: JobType, cause: Cause) -> Self {
        JobRequest { unit, job_type, mode: JobMode::Replace, reload_if_possible: false, manual: true, cause }
    }
}

/// systemd's `UNIT_NOTIFY_*`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusFlags {
    /// A reload failed, though the unit stays active.
    pub reload_failure: bool,
    /// It will be started again by its own `Restart=`.
    pub will_auto_restart: bool,
    /// `ExecCondition=` ended the start.
    pub skip_condition: bool,
}

/// How the last main process of a service ended, for `MONITOR_*` and exit statuses of the manager.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitInfo {
    /// `CLD_EXITED` 1, `CLD_KILLED` 2, `CLD_DUMPED` 3; 0 while it runs or never ran.
    pub code: i32,
    /// Exit status or signal.
    pub status: i32,
}

/// One state of a unit of a worker.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// Whose unit.
    pub worker: Worker,
    /// Which.
    pub unit: UnitName,
    /// ActiveState.
    pub active: ActiveState,
    /// SubState.
    pub sub: String,
    /// Result.
    pub result: String,
    /// What it means beyond the states.
    pub flags: StatusFlags,
    /// The worker's words.
    pub cause: String,
    /// `InvocationID`, when it is among the properties.
    pub invocation: Option<Invocation>,
    /// `ExecMainCode` and `ExecMainStatus`, when they are.
    pub exit: Option<ExitInfo>,
    /// `StateChangeTimestamp` and `…Monotonic`, when the worker knows (after an absence of the broker).
    pub changed_at: Option<Time>,
}

/// udev's action as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceAction {
    /// It was there already.
    Enumerate,
    /// add, move, bind and the others.
    Add,
    /// change, online.
    Change,
    /// remove, offline.
    Remove,
}

/// A device's state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceState {
    /// Not there.
    #[default]
    Dead,
    /// Announced by a mount table only.
    Tentative,
    /// There.
    Plugged,
}

impl DeviceState {
    /// The SubState.
    pub const fn as_str(self) -> &'static str {
        match self {
            DeviceState::Dead => "dead",
            DeviceState::Tentative => "tentative",
            DeviceState::Plugged => "plugged",
        }
    }
}

/// One device unit as the watcher sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Which.
    pub unit: UnitName,
    /// Its state.
    pub state: DeviceState,
    /// The unit of the sysfs path if this is another name of it.
    pub following: Option<UnitName>,
    /// `SysFSPath`.
    pub sysfs_path: String,
    /// Description of the device.
    pub description: String,
    /// `SYSTEMD_WANTS` (system manager) or `SYSTEMD_USER_WANTS` (user manager): the driver picks.
    pub wants: Vec<UnitName>,
    /// What happened, for `why`.
    pub cause: String,
}
