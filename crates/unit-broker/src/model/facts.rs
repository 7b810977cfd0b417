//! The manager's own facts: when it came up, its environment, what clients set.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Environment;
use crate::core::Time;
use crate::virtualization::Virtualization;

/// `Version`: clients take the number in front for what the interface can do (252), so that comes first.
pub const VERSION: &str = concat!("252 (quintet ", env!("CARGO_PKG_VERSION"), ")");

/// What the manager knows of itself.
#[derive(Debug)]
pub struct Facts {
    /// A user's manager.
    pub user: bool,
    /// What services start with.
    pub environment: Environment,
    /// Where we run.
    pub virtualization: Virtualization,
    /// Root of the control groups, as a directory (`QUINTET_CGROUP_ROOT`).
    pub cgroup_root: Option<PathBuf>,
    /// That root as processes see it, in /proc/PID/cgroup's terms; what `ControlGroup` properties begin with.
    pub cgroup_prefix: String,
    /// `DefaultDeviceTimeoutSec=`, µs.
    pub device_timeout: u64,
    /// `LogLevel`.
    pub log_level: String,
    /// `LogTarget`.
    pub log_target: String,
    /// What is kept over restarts.
    pub saved: SavedFacts,
}

/// What is kept over restarts of the broker.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SavedFacts {
    /// `UserspaceTimestamp`: when this boot began.
    pub userspace: Time,
    /// `FinishTimestamp`: when its jobs were done.
    pub finish: Time,
    /// The first units of this boot were not yet asked for: generators run.
    pub unbooted: bool,
    /// `GeneratorsStartTimestamp`.
    pub generators_start: Time,
    /// `GeneratorsFinishTimestamp`.
    pub generators_finish: Time,
    /// `UnitsLoadStartTimestamp`.
    pub load_start: Time,
    /// `UnitsLoadFinishTimestamp`.
    pub load_finish: Time,
    /// `UnitsLoadTimestamp`: the latest daemon-reload.
    pub reload: Time,
    /// `SetEnvironment`, `UnsetEnvironment`.
    pub environment: BTreeMap<String, String>,
    /// `SetExitCode`.
    pub exit_code: u8,
    /// Properties of the manager that clients set and nothing else keeps, as JSON.
    pub properties: BTreeMap<String, serde_json::Value>,
    /// A shutdown is under way: which (`poweroff`, `reboot`, ...).
    pub shutdown: Option<String>,
}
