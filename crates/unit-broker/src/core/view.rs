//! Reading the engine: what the D-Bus face shows.

use unit_parser::{DependencyKind, LoadState, UnitName, UnitType};

use super::api::error::EngineError;
use super::api::types::JobState;
use super::api::view::{JobView, UnitView};
use super::engine::Engine;
use super::graph::UnitId;
use super::jobs::{Job, JobId};

impl Engine {
    /// A loaded unit, by any of its names.
    pub fn unit(&self, name: &UnitName) -> Option<UnitView<'_>> {
        self.graph.find(name).map(|id| self.view(id))
    }

    fn view(&self, id: UnitId) -> UnitView<'_> {
        let record = &self.graph[id];
        let device = record.device.as_deref();
        let configured = record.definition.str(unit_parser::rows::unit::DESCRIPTION);
        let description = match device {
            _ if !configured.is_empty() => configured,
            Some(device) if !device.description.is_empty() => &device.description,
            Some(_) | None => record.name.as_str(),
        };
        let settings = &record.settings;
        let can_start = self.can_start(id) && !settings.refuse_manual_start;
        UnitView {
            name: &record.name,
            names: std::iter::once(&record.name).chain(&record.aliases).collect(),
            definition: &record.definition,
            load_state: record.load_state,
            active: record.active,
            sub: &record.sub,
            result: &record.result,
            following: device.and_then(|device| device.following.as_ref()),
            sysfs_path: device.map_or("", |device| &device.sysfs_path),
            description,
            stamps: &record.stamps,
            conditions: &record.conditions,
            asserts: &record.asserts,
            invocation: record.invocation,
            job: record.job.map(|job| job.0),
            markers: record.markers,
            can_start,
            can_stop: self.can_stop(id) && !settings.refuse_manual_stop,
            can_reload: self.can_reload(id),
            can_isolate: can_start && settings.allow_isolate,
            perpetual: record.perpetual,
            transient: record.transient,
            slice: self.graph.of_kind(id, DependencyKind::InSlice).next().map(|slice| &self.graph[slice].name),
        }
    }

    /// Whether the unit's files allow to do anything with it.
    ///
    /// # Errors
    /// Why not.
    pub fn usable(&self, unit: &UnitName) -> Result<(), EngineError> {
        let id = self.graph.find(unit).ok_or_else(|| EngineError::NotLoaded(unit.to_string()))?;
        match self.graph[id].load_state {
            LoadState::Merged | LoadState::Stub => Ok(()),
            LoadState::Loaded | LoadState::NotFound | LoadState::Masked | LoadState::BadSetting | LoadState::Error => {
                self.check_loaded(id)
            }
        }
    }

    /// All loaded units' primary names.
    pub fn units(&self) -> Vec<&UnitName> {
        self.graph.iter().map(|record| &record.name).collect()
    }

    /// All installed jobs, by id.
    pub fn jobs(&self) -> Vec<JobView<'_>> {
        self.jobs.iter().map(|job| self.job_view(job)).collect()
    }

    /// `NJobs`: how many jobs are installed.
    pub fn job_count(&self) -> usize {
        self.jobs.len()
    }

    /// An installed job.
    pub fn job(&self, id: u32) -> Option<JobView<'_>> {
        self.jobs.get(JobId(id)).map(|job| self.job_view(job))
    }

    fn job_view(&self, job: &Job) -> JobView<'_> {
        let mut waits_for = Vec::new();
        if job.state == JobState::Waiting && !job.ignore_order {
            let jobs = |kind| self.graph.of_kind(job.unit, kind).filter_map(|other| self.graph[other].job);
            let stops = |id: &JobId| self.jobs.get(*id).is_some_and(Job::stops);
            waits_for.extend(jobs(DependencyKind::Before).filter(stops).map(|id| id.0));
            if !job.stops() {
                waits_for.extend(jobs(DependencyKind::After).map(|id| id.0));
            }
        }
        JobView {
            id: job.id.0,
            unit: &self.graph[job.unit].name,
            job_type: job.job_type,
            state: job.state,
            waits_for,
            cause: job.cause.to_string(),
        }
    }

    /// A unit's dependencies of one kind, inverse kinds included; in order of loading.
    pub fn dependencies(&self, unit: &UnitName, kind: DependencyKind) -> Vec<&UnitName> {
        let Some(id) = self.graph.find(unit) else { return Vec::new() };
        self.graph.of_kind(id, kind).map(|other| &self.graph[other].name).collect()
    }

    /// Why one unit depends on the other in that way: every place that says so.
    pub fn sources(&self, unit: &UnitName, kind: DependencyKind, other: &UnitName) -> Vec<String> {
        match (self.graph.find(unit), self.graph.find(other)) {
            (Some(unit), Some(other)) => self.graph.sources(unit, kind, other).collect(),
            (Some(_), None) | (None, Some(_)) | (None, None) => Vec::new(),
        }
    }

    /// `NFailedUnits`.
    pub fn failed_units(&self) -> usize {
        self.failed.len()
    }

    /// `NInstalledJobs` and `NFailedJobs`: since the start.
    pub fn job_counts(&self) -> (u32, u32) {
        (self.jobs.installed, self.jobs.failed)
    }

    /// Whether a worker that takes commands owns units of this type.
    pub fn is_worker_owned(unit_type: UnitType) -> bool {
        super::kinds::worker(unit_type).is_some()
    }
}
