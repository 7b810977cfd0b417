//! What can be read of the engine.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use unit_parser::{LoadState, Unit, UnitName};

use super::event::Invocation;
use super::types::{ActiveState, JobState, JobType, Markers, Time};

/// When a unit last changed, entered and left its states. Zero: never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamps {
    /// `StateChangeTimestamp`.
    pub state_change: Time,
    /// `InactiveExitTimestamp`.
    pub inactive_exit: Time,
    /// `ActiveEnterTimestamp`.
    pub active_enter: Time,
    /// `ActiveExitTimestamp`.
    pub active_exit: Time,
    /// `InactiveEnterTimestamp`.
    pub inactive_enter: Time,
    /// `ConditionTimestamp`.
    pub condition: Time,
    /// `AssertTimestamp`.
    pub assert: Time,
}

/// Outcome of a unit's conditions or asserts when they were last looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionView {
    /// `ConditionResult`: false before the first look.
    pub result: bool,
    /// One per condition, in order: 1 met, -1 not met, 0 not looked at.
    pub each: Vec<i32>,
}

/// A loaded unit.
#[derive(Debug, Clone)]
pub struct UnitView<'a> {
    /// `Id`.
    pub name: &'a UnitName,
    /// `Names`, the primary one first.
    pub names: Vec<&'a UnitName>,
    /// Its files' contents.
    pub definition: &'a Arc<Unit>,
    /// `LoadState`.
    pub load_state: LoadState,
    /// `ActiveState`.
    pub active: ActiveState,
    /// `SubState`.
    pub sub: &'a str,
    /// `Result` of the types that have one; `success` otherwise.
    pub result: &'a str,
    /// `Following`, for devices.
    pub following: Option<&'a UnitName>,
    /// `SysFSPath`, for devices.
    pub sysfs_path: &'a str,
    /// `Description` as it is shown: the setting, the device's, or the name.
    pub description: &'a str,
    /// Timestamps.
    pub stamps: &'a Stamps,
    /// Conditions.
    pub conditions: &'a ConditionView,
    /// Asserts.
    pub asserts: &'a ConditionView,
    /// `InvocationID`, all zero if it never ran.
    pub invocation: Invocation,
    /// `Job`.
    pub job: Option<u32>,
    /// `Markers`.
    pub markers: Markers,
    /// `CanStart`.
    pub can_start: bool,
    /// `CanStop`.
    pub can_stop: bool,
    /// `CanReload`.
    pub can_reload: bool,
    /// `CanIsolate`.
    pub can_isolate: bool,
    /// `Perpetual`.
    pub perpetual: bool,
    /// `Transient`.
    pub transient: bool,
    /// The slice, for units that have one.
    pub slice: Option<&'a UnitName>,
}

/// An installed job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobView<'a> {
    /// `Id`.
    pub id: u32,
    /// Its unit.
    pub unit: &'a UnitName,
    /// `JobType`.
    pub job_type: JobType,
    /// `State`.
    pub state: JobState,
    /// Jobs that it waits for.
    pub waits_for: Vec<u32>,
    /// Why it exists.
    pub cause: String,
}
