//! What units of each type do when they are started, stopped or reloaded, one file per type.
//!
//! Services and sockets belong to workers: the engine sends a command and waits for the report. Targets and slices are
//! the engine's own. Devices and mounts come and go by themselves. The other types are loaded and shown, and starting one ends
//! with `unsupported`; a type that gets an owner gets a file here.

mod device;
mod mount;
mod overlap;
mod service;
mod slice;
mod socket;
mod target;
mod unowned;

use unit_parser::{DependencyKind, LoadState, UnitName, UnitType};

use super::api::event::Worker;
use super::api::types::{ActiveState, JobResult};
use super::engine::{Cx, Engine};
use super::graph::UnitId;
use super::jobs::JobId;

/// What came of running a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::core) enum Step {
    /// It is under way (or was carried out, and the job has learned of it).
    Begun,
    /// The unit is where the job would bring it.
    Already,
    /// Not now; the job is tried again when the unit or its worker changes.
    NotYet,
    /// It ends like this. `Skipped` from a start or stop means that the type has no such operation: wait.
    End(JobResult),
}

/// Who owns the truth about units of this type, if it is a worker that takes commands.
pub(crate) const fn worker(unit_type: UnitType) -> Option<Worker> {
    match unit_type {
        UnitType::Service => Some(Worker::Supervisor),
        UnitType::Socket => Some(Worker::Activator),
        UnitType::Target
        | UnitType::Device
        | UnitType::Mount
        | UnitType::Automount
        | UnitType::Swap
        | UnitType::Timer
        | UnitType::Path
        | UnitType::Slice
        | UnitType::Scope => None,
    }
}

/// Units that exist without a file.
pub(in crate::core) fn needs_no_file(name: &UnitName) -> bool {
    matches!(name.unit_type(), UnitType::Device | UnitType::Slice) || is_perpetual(name, false)
}

/// Units that are always there and can't be stopped.
pub(in crate::core) fn is_perpetual(name: &UnitName, user: bool) -> bool {
    match name.as_str() {
        "-.slice" | "init.scope" | "-.mount" => true,
        "system.slice" => !user,
        _ => false,
    }
}

/// The names of these units.
pub(in crate::core) fn perpetual_units(user: bool) -> Vec<UnitName> {
    ["-.slice", "system.slice", "init.scope", "-.mount"]
        .into_iter()
        .filter_map(|name| UnitName::parse(name).ok())
        .filter(|name| is_perpetual(name, user))
        .collect()
}

/// SubState of an active unit of a type that the engine owns.
pub(in crate::core) const fn active_sub(unit_type: UnitType) -> &'static str {
    match unit_type {
        UnitType::Mount => "mounted",
        UnitType::Scope => "running",
        UnitType::Device => "plugged",
        UnitType::Service
        | UnitType::Socket
        | UnitType::Target
        | UnitType::Automount
        | UnitType::Swap
        | UnitType::Timer
        | UnitType::Path
        | UnitType::Slice => "active",
    }
}

/// Types to which `StartLimitBurst=` applies.
pub(in crate::core) const fn has_start_limit(unit_type: UnitType) -> bool {
    match unit_type {
        UnitType::Service
        | UnitType::Socket
        | UnitType::Mount
        | UnitType::Automount
        | UnitType::Swap
        | UnitType::Timer
        | UnitType::Path => true,
        UnitType::Target | UnitType::Device | UnitType::Slice | UnitType::Scope => false,
    }
}

impl Engine {
    /// Runs a start job.
    pub(in crate::core) fn start_unit(&mut self, cx: &mut Cx, id: UnitId, job: JobId) -> Step {
        let record = &self.graph[id];
        let unit_type = record.name.unit_type();
        let state = record.active;
        match state {
            ActiveState::Active | ActiveState::Reloading => return Step::Already,
            ActiveState::Maintenance => return Step::NotYet,
            ActiveState::Inactive | ActiveState::Failed | ActiveState::Activating | ActiveState::Deactivating => {}
        }
        if record.load_state != LoadState::Loaded {
            return Step::End(JobResult::Failed);
        }
        if unit_type == UnitType::Device {
            return self.await_device(cx, id);
        }
        if let Some(step) = self.not_startable_now(unit_type, id) {
            if step == Step::Begun && !self.was_sent(job) {
                self.count_needless_start(cx, id);
            }
            return step;
        }
        if state != ActiveState::Activating {
            if !self.conditions_met(cx, id) {
                return Step::End(JobResult::Done);
            }
            if !self.asserts_met(cx, id) {
                return Step::End(JobResult::Assert);
            }
        }
        if !self.is_supported(unit_type) {
            return self.refuse_unowned(cx, id);
        }
        if !self.bound_units_are_up(cx, id) {
            return Step::End(JobResult::Dependency);
        }
        // Only starts that could happen count: unmet conditions don't use the limit up.
        if !self.was_sent(job) && !self.within_start_limit(cx, id) {
            return Step::End(JobResult::Failed);
        }
        match unit_type {
            UnitType::Service => self.start_service(cx, id, job),
            UnitType::Socket => self.start_socket(cx, id, job),
            UnitType::Target => self.start_target(cx, id),
            UnitType::Slice => self.start_slice(cx, id),
            UnitType::Device
            | UnitType::Mount
            | UnitType::Automount
            | UnitType::Swap
            | UnitType::Timer
            | UnitType::Path
            | UnitType::Scope => Step::End(JobResult::Unsupported),
        }
    }

    /// Whether the job's command went out already, so that this is the same start once more.
    pub(in crate::core) fn was_sent(&self, job: JobId) -> bool {
        self.jobs.get(job).is_some_and(|job| job.invocation.is_some())
    }

    /// What keeps a worker's unit from being started right now.
    fn not_startable_now(&self, unit_type: UnitType, id: UnitId) -> Option<Step> {
        let record = &self.graph[id];
        let worker = worker(unit_type)?;
        if !self.workers.is_present(worker) {
            return Some(Step::NotYet);
        }
        match record.active {
            // On its way. A service that waits for its automatic restart is stopped and started by that.
            ActiveState::Activating if record.sub == "auto-restart" && record.settings.restart_direct => None,
            ActiveState::Activating if record.sub == "auto-restart" => Some(Step::NotYet),
            ActiveState::Activating => Some(Step::Begun),
            ActiveState::Deactivating => Some(Step::NotYet),
            ActiveState::Active
            | ActiveState::Reloading
            | ActiveState::Inactive
            | ActiveState::Failed
            | ActiveState::Maintenance => None,
        }
    }

    /// Runs a stop job, or the stopping half of a restart job.
    pub(in crate::core) fn stop_unit(&mut self, cx: &mut Cx, id: UnitId, job: JobId, restart: bool) -> Step {
        let record = &self.graph[id];
        if record.active.is_down() {
            return Step::Already;
        }
        match record.name.unit_type() {
            UnitType::Service | UnitType::Socket => self.stop_worker_unit(cx, id, job, restart),
            UnitType::Target => self.stop_target(cx, id),
            UnitType::Slice => self.stop_slice(cx, id),
            // Its end isn't to be waited for.
            UnitType::Mount => Step::End(JobResult::Unsupported),
            UnitType::Device
            | UnitType::Automount
            | UnitType::Swap
            | UnitType::Timer
            | UnitType::Path
            | UnitType::Scope => Step::End(JobResult::Skipped),
        }
    }

    /// Runs a reload job.
    pub(in crate::core) fn reload_unit(&mut self, cx: &mut Cx, id: UnitId) -> Step {
        let record = &self.graph[id];
        if record.load_state != LoadState::Loaded {
            return Step::End(JobResult::Failed);
        }
        if !self.can_reload(id) {
            return Step::End(JobResult::Skipped);
        }
        match record.active {
            ActiveState::Reloading => return Step::NotYet,
            ActiveState::Active => {}
            ActiveState::Inactive
            | ActiveState::Failed
            | ActiveState::Activating
            | ActiveState::Deactivating
            | ActiveState::Maintenance => return Step::End(JobResult::Invalid),
        }
        if !record.settings.has_reload {
            // Nothing to do itself; what it propagates to has jobs of its own.
            return Step::Already;
        }
        match self.graph[id].name.unit_type() {
            UnitType::Mount => Step::End(JobResult::Unsupported),
            _ => self.reload_service(cx, id),
        }
    }

    fn is_supported(&self, unit_type: UnitType) -> bool {
        match unit_type {
            UnitType::Service
            | UnitType::Socket
            | UnitType::Target
            | UnitType::Device
            | UnitType::Slice
            | UnitType::Scope => true,
            UnitType::Mount | UnitType::Automount | UnitType::Swap | UnitType::Timer | UnitType::Path => false,
        }
    }

    /// Whether a start operation exists for it (`CanStart`, apart from RefuseManualStart=).
    pub(in crate::core) fn can_start(&self, id: UnitId) -> bool {
        let record = &self.graph[id];
        record.load_state == LoadState::Loaded && !matches!(record.name.unit_type(), UnitType::Device | UnitType::Scope)
    }

    /// Whether a stop operation exists for it.
    pub(in crate::core) fn can_stop(&self, id: UnitId) -> bool {
        let record = &self.graph[id];
        !record.perpetual && record.name.unit_type() != UnitType::Device
    }

    /// Whether it can reload, or passes reloads on. A service without `ExecReload=` does neither.
    pub(in crate::core) fn can_reload(&self, id: UnitId) -> bool {
        let record = &self.graph[id];
        record.settings.has_reload
            || record.name.unit_type() != UnitType::Service
                && self.graph.of_kind(id, DependencyKind::PropagatesReloadTo).next().is_some()
    }
}
