//! `org.quintet.Worker1`: the units of a worker, and what it is told to do with them.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use zbus::{OwnedVariant, Type};

/// systemd's `UNIT_NOTIFY_*`: what a state change means for the unit's job beyond the states themselves.
pub mod flags {
    /// A reload failed, though the unit stays active.
    pub const RELOAD_FAILURE: u32 = 1;
    /// The unit went down and will be started again by its own `Restart=`.
    pub const WILL_AUTO_RESTART: u32 = 2;
    /// `ExecCondition=` ended the start without failure.
    pub const SKIP_CONDITION: u32 = 4;
}

/// State of one unit as its worker sees it; sent once per transition, intermediate ones included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
pub struct UnitStatus {
    /// Full unit name.
    pub unit: String,
    /// ActiveState: active, reloading, inactive, failed, activating, deactivating, maintenance.
    pub active: String,
    /// SubState in the terms of the unit type.
    pub sub: String,
    /// Result in the terms of the unit type (`success`, `exit-code`, ...).
    pub result: String,
    /// [`flags`].
    pub flags: u32,
    /// Why the unit changed, for `unitctl why` ("main process exited, code=exited, status=1").
    pub cause: String,
    /// Runtime properties under their public D-Bus names and with their exact types.
    pub properties: HashMap<String, OwnedVariant>,
}

/// What a start carries besides the definition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Type)]
pub struct StartOptions {
    /// 16 random bytes; the same id sent twice starts once.
    pub invocation_id: Vec<u8>,
    /// Job id at the broker, 0 for none.
    pub job: u32,
    /// Variables that only this start sees (`TRIGGER_UNIT=`, `MONITOR_SERVICE_RESULT=`, ...).
    pub environment: Vec<String>,
    /// The manager's own environment block for services (`systemctl set-environment`), without the unit's.
    pub manager_environment: Vec<String>,
    /// Why it starts, for logs and `why`.
    pub cause: String,
}

/// What a stop carries.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Type)]
pub struct StopOptions {
    /// Job id at the broker, 0 for none.
    pub job: u32,
    /// The stop half of a restart job: `RestartKillSignal=` counts, and the fd store is kept.
    pub restart: bool,
    /// Why it stops.
    pub cause: String,
}

/// A process of a unit: control group (relative to the manager's root, or empty), PID, command line.
pub type UnitProcess = (String, u32, String);
