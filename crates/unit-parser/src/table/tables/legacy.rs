//! Names from old files: some still mean a directive of today, others mean nothing any more.

use super::rows::{exec, service, unit};
use crate::table::RowId;

/// A name that is only kept for old files.
#[derive(Debug)]
pub struct Legacy {
    /// Where it may stand.
    pub sections: &'static [&'static str],
    /// The old name.
    pub name: &'static str,
    /// What it means today; nothing: it is ignored.
    pub now: &'static [RowId],
}

const UNIT: &[&str] = &["Unit"];
const SERVICE: &[&str] = &["Service"];
const EXEC: &[&str] = &["Service", "Socket", "Mount", "Swap"];

const fn renamed(sections: &'static [&'static str], name: &'static str, now: &'static [RowId]) -> Legacy {
    Legacy { sections, name, now }
}

const fn gone(sections: &'static [&'static str], name: &'static str) -> Legacy {
    Legacy { sections, name, now: &[] }
}

/// All such names.
pub static LEGACY: &[Legacy] = &[
    renamed(UNIT, "BindTo", &[unit::BINDS_TO]),
    renamed(UNIT, "PropagateReloadTo", &[unit::PROPAGATES_RELOAD_TO]),
    renamed(UNIT, "PropagateReloadFrom", &[unit::RELOAD_PROPAGATED_FROM]),
    renamed(UNIT, "StartLimitInterval", &[unit::START_LIMIT_INTERVAL_SEC]),
    gone(UNIT, "RequiresOverridable"),
    gone(UNIT, "RequisiteOverridable"),
    renamed(SERVICE, "StartLimitInterval", &[unit::START_LIMIT_INTERVAL_SEC]),
    renamed(SERVICE, "StartLimitBurst", &[unit::START_LIMIT_BURST]),
    renamed(SERVICE, "StartLimitAction", &[unit::START_LIMIT_ACTION]),
    renamed(SERVICE, "FailureAction", &[unit::FAILURE_ACTION]),
    renamed(SERVICE, "RebootArgument", &[unit::REBOOT_ARGUMENT]),
    renamed(SERVICE, "TimeoutSec", &[service::TIMEOUT_START_SEC, service::TIMEOUT_STOP_SEC]),
    renamed(EXEC, "ReadWriteDirectories", &[exec::READ_WRITE_PATHS]),
    renamed(EXEC, "ReadOnlyDirectories", &[exec::READ_ONLY_PATHS]),
    renamed(EXEC, "InaccessibleDirectories", &[exec::INACCESSIBLE_PATHS]),
];
