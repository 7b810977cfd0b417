//! What the engine itself reads of a unit's definition, in its own types.

use unit_parser::{Unit, UnitType, rows};

use crate::core::api::types::JobMode;

/// The engine's part of a unit's settings (systemd.unit(5)), as far as it is asked for often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::core) struct Settings {
    pub stop_when_unneeded: bool,
    /// `X-RestartOverlap=`: the new instance starts before the old one ends.
    pub restart_overlap: bool,
    /// `RestartMode=direct`: a service comes back without having been down.
    pub restart_direct: bool,
    pub refuse_manual_start: bool,
    pub refuse_manual_stop: bool,
    pub allow_isolate: bool,
    pub ignore_on_isolate: bool,
    /// `X-RetryAfterDependency=`
    pub retry_after_dependency: bool,
    pub default_dependencies: bool,
    pub on_failure_mode: JobMode,
    pub on_success_mode: JobMode,
    /// µs, `u64::MAX` for none.
    pub job_timeout: u64,
    /// µs, `u64::MAX` for none.
    pub job_running_timeout: u64,
    pub start_limit: (u64, u32),
    pub failure_exit_status: Option<u8>,
    pub success_exit_status: Option<u8>,
    /// `CollectMode=inactive-or-failed`.
    pub collect_failed: bool,
    /// A socket with `Accept=yes`.
    pub accept: bool,
    /// A service with a way to reload, or a mount.
    pub has_reload: bool,
}

fn exit_status(unit: &Unit, row: unit_parser::RowId) -> Option<u8> {
    if !unit.is_set(row) {
        return None;
    }
    u8::try_from(unit.int(row)).ok()
}

impl Settings {
    /// Reads them. `start_limit` and `device_timeout` are the manager's defaults.
    pub fn of(unit: &Unit, start_limit: (u64, u32), device_timeout: u64) -> Settings {
        use rows::unit as row;
        let mode = |id, default| JobMode::parse(unit.word(id)).unwrap_or(default);
        let unit_type = unit.name.unit_type();
        let timeout = |id| if unit.is_set(id) { unit.usec(id) } else { u64::MAX };
        let job_timeout = timeout(row::JOB_TIMEOUT_SEC);
        // A bare JobTimeoutSec= covers the running time too (systemd.unit(5)); devices wait 90 s by default, for
        // nothing else would ever end their start jobs.
        let job_running_timeout = if unit.is_set(row::JOB_RUNNING_TIMEOUT_SEC) {
            unit.usec(row::JOB_RUNNING_TIMEOUT_SEC)
        } else if unit_type == UnitType::Device && job_timeout == u64::MAX {
            device_timeout
        } else {
            job_timeout
        };
        let interval = if unit.is_set(row::START_LIMIT_INTERVAL_SEC) {
            unit.usec(row::START_LIMIT_INTERVAL_SEC)
        } else {
            start_limit.0
        };
        let burst = if unit.is_set(row::START_LIMIT_BURST) {
            u32::try_from(unit.uint(row::START_LIMIT_BURST)).unwrap_or(u32::MAX)
        } else {
            start_limit.1
        };
        Settings {
            restart_overlap: unit_type == UnitType::Service && unit.bool(unit_parser::rows::service::X_RESTART_OVERLAP),
            restart_direct: unit.word(unit_parser::rows::service::RESTART_MODE) == "direct",
            stop_when_unneeded: unit.bool(row::STOP_WHEN_UNNEEDED),
            refuse_manual_start: unit.bool(row::REFUSE_MANUAL_START),
            refuse_manual_stop: unit.bool(row::REFUSE_MANUAL_STOP),
            retry_after_dependency: unit.bool(row::X_RETRY_AFTER_DEPENDENCY),
            allow_isolate: unit.bool(row::ALLOW_ISOLATE),
            ignore_on_isolate: if unit.is_set(row::IGNORE_ON_ISOLATE) {
                unit.bool(row::IGNORE_ON_ISOLATE)
            } else {
                // These live and die with something outside of the manager.
                matches!(
                    unit_type,
                    UnitType::Device
                        | UnitType::Slice
                        | UnitType::Scope
                        | UnitType::Mount
                        | UnitType::Automount
                        | UnitType::Swap
                )
            },
            default_dependencies: unit.bool(row::DEFAULT_DEPENDENCIES),
            on_failure_mode: mode(row::ON_FAILURE_JOB_MODE, JobMode::Replace),
            on_success_mode: mode(row::ON_SUCCESS_JOB_MODE, JobMode::Fail),
            job_timeout,
            job_running_timeout,
            start_limit: (interval, burst),
            failure_exit_status: exit_status(unit, row::FAILURE_ACTION_EXIT_STATUS),
            success_exit_status: exit_status(unit, row::SUCCESS_ACTION_EXIT_STATUS),
            collect_failed: unit.word(row::COLLECT_MODE) == "inactive-or-failed",
            accept: unit_type == UnitType::Socket && unit.bool(rows::socket::ACCEPT),
            has_reload: unit_type == UnitType::Mount
                || unit_type == UnitType::Service
                    && (!unit.exec(rows::service::EXEC_RELOAD).is_empty()
                        || unit.word(rows::service::TYPE) == "notify-reload"),
        }
    }
}
