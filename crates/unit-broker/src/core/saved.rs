//! What survives a restart of the broker: jobs, timestamps, last known states.
//!
//! The workers' lists are compared with the states that are restored here, so that what happened in between
//! (a service died, a device went) has all its consequences.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use unit_parser::UnitName;

use super::api::event::{DeviceState, ExitInfo, Invocation};
use super::api::types::{ActiveState, JobState, JobType, Markers, Time};
use super::api::view::{ConditionView, Stamps};
use super::api::world::World;
use super::cycles::Chain;
use super::engine::{Cx, Engine, Options};
use super::graph::record::PendingTrigger;
use super::jobs::{Job, JobId};
use super::ratelimit::RateLimit;
use super::states::startup::Phase;
use super::why::WhyEntry;

/// One unit's record: one line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedUnit {
    /// Which.
    pub unit: UnitName,
    /// Its last known state.
    pub active: ActiveState,
    /// SubState.
    pub sub: String,
    /// Result.
    pub result: String,
    /// Of a device.
    pub device: DeviceState,
    /// It failed for a reason that only the engine knows (start limit).
    pub own_failure: bool,
    /// When it changed.
    pub stamps: Stamps,
    /// Conditions.
    pub conditions: ConditionView,
    /// Asserts.
    pub asserts: ConditionView,
    /// Of the last start.
    pub invocation: Invocation,
    /// How the last main process ended.
    pub exit: ExitInfo,
    /// Its job.
    pub job: Option<SavedJob>,
    /// What a trigger brought for its start.
    #[serde(default)]
    pub trigger: Option<PendingTrigger>,
    /// The socket whose connection it was started for.
    #[serde(default)]
    pub accepted_by: Option<UnitName>,
    /// Its start is to be tried again when its dependency has recovered.
    #[serde(default)]
    pub retries: bool,
    /// A device was plugged while it stopped, and wants it started.
    #[serde(default)]
    pub wanted_again: bool,
    /// What package managers noted.
    #[serde(default)]
    pub markers: Markers,
    /// Recent starts, for `StartLimitBurst=`: begin of the interval (monotonic, µs) and count.
    pub starts: (u64, u32),
    /// The last links of its causal chain.
    pub why: Vec<WhyEntry>,
    /// The one that tells of an ordering cycle for which it wasn't started.
    #[serde(default)]
    pub cycle: Option<u64>,
    /// It isn't loaded any more: only its causal chain counts.
    #[serde(default)]
    pub unloaded: bool,
}

/// An installed job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedJob {
    /// Its id.
    pub id: u32,
    /// What it does.
    pub job_type: JobType,
    /// Whether it had begun.
    pub state: JobState,
    /// It can't be canceled by another transaction.
    pub irreversible: bool,
    /// It heeds no ordering.
    pub ignore_order: bool,
    /// A client asked for it.
    pub by_client: bool,
    /// When it was installed (monotonic, µs).
    pub begin: u64,
    /// When it began to run (monotonic, µs), or 0.
    pub running: u64,
    /// When it times out (monotonic, µs).
    pub deadline: Option<u64>,
    /// The invocation id that its start command carried, so that it isn't started twice.
    pub invocation: Option<Invocation>,
    /// A restart in which the unit never goes down.
    #[serde(default)]
    pub overlap: bool,
    /// Why it exists.
    pub cause: String,
    /// Its link of the causal chain.
    pub why: Option<u64>,
}

/// The manager's own record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SavedManager {
    /// The last job id that was given away.
    pub last_job: u32,
    /// The number of the next entry of the causal chain.
    pub next_why: u64,
    /// The boot's job was queued.
    pub booted: bool,
    /// The boot's jobs are done.
    pub startup_finished: bool,
}

/// Stands for clients of before the restart: they may have reconnected under another number.
const EARLIER_CLIENT: u64 = u64::MAX;

impl Engine {
    /// What is to be on disk for a unit; `None`: nothing.
    pub fn saved_unit(&self, unit: &UnitName) -> Option<SavedUnit> {
        let Some(id) = self.graph.find(unit) else { return self.saved_past(unit) };
        let record = &self.graph[id];
        let job = record.job.or(record.nop_job).and_then(|id| self.jobs.get(id));
        // Only what was seen counts: whether a command arrived will be asked.
        let (active, sub) = match &record.commanded {
            Some(old) => (old.active, old.sub.to_string()),
            None => (record.active, record.sub.to_string()),
        };
        Some(SavedUnit {
            unit: record.name.clone(),
            active,
            sub,
            result: record.result.to_string(),
            device: record.device.as_ref().map(|device| device.state).unwrap_or_default(),
            own_failure: record.own_failure,
            stamps: record.stamps,
            conditions: record.conditions.clone(),
            asserts: record.asserts.clone(),
            invocation: record.invocation,
            exit: record.exit,
            job: job.map(|job| SavedJob {
                id: job.id.0,
                job_type: job.job_type,
                state: job.state,
                irreversible: job.irreversible,
                ignore_order: job.ignore_order,
                by_client: !job.clients.is_empty(),
                begin: job.begin,
                running: job.running,
                deadline: job.deadline,
                invocation: job.invocation,
                overlap: job.overlap,
                cause: job.cause.to_string(),
                why: job.why,
            }),
            trigger: record.trigger.as_deref().cloned(),
            accepted_by: record.accepted_by.clone(),
            wanted_again: self.deferred.is_wanted_again(id),
            retries: record.retries,
            markers: record.markers,
            starts: (record.starts.begin, record.starts.count),
            why: record.why.saved(),
            cycle: record.why.cycle,
            unloaded: false,
        })
    }

    fn saved_past(&self, unit: &UnitName) -> Option<SavedUnit> {
        let chain = self.trail.past(unit)?;
        Some(SavedUnit {
            unit: unit.clone(),
            active: ActiveState::Inactive,
            sub: "dead".to_owned(),
            result: "success".to_owned(),
            device: DeviceState::Dead,
            own_failure: false,
            stamps: Stamps::default(),
            conditions: ConditionView::default(),
            asserts: ConditionView::default(),
            invocation: Invocation::default(),
            exit: ExitInfo::default(),
            job: None,
            trigger: None,
            accepted_by: None,
            wanted_again: false,
            retries: false,
            markers: Markers::default(),
            starts: (0, 0),
            why: chain.saved(),
            cycle: chain.cycle,
            unloaded: true,
        })
    }

    /// What is to be on disk for the manager.
    pub fn saved_manager(&self) -> SavedManager {
        SavedManager {
            last_job: self.jobs.last_id,
            next_why: self.trail.next,
            booted: self.startup.phase != Phase::Idle,
            startup_finished: self.startup.phase == Phase::Finished,
        }
    }

    /// A manager after a restart: loads the saved units, installs their jobs. The workers' lists are to follow.
    pub fn restore(
        options: Options,
        saved: SavedManager,
        units: Vec<SavedUnit>,
        now: Time,
        world: &mut dyn World,
    ) -> Engine {
        let mut engine = Engine::new(options, now, world);
        engine.jobs.last_id = saved.last_job;
        engine.trail.next = saved.next_why;
        engine.startup.phase = match (saved.booted, saved.startup_finished) {
            (false, _) => Phase::Idle,
            (true, false) => Phase::Booting,
            (true, true) => Phase::Finished,
        };
        let mut cx = Cx { now, world };
        let (mut past, loaded): (Vec<_>, Vec<_>) = units.into_iter().partition(|unit| unit.unloaded);
        past.sort_by_key(|unit| unit.why.last().map(|entry| entry.sequence));
        for unit in past {
            if let Some(forgotten) = engine.trail.keep(unit.unit, Chain::restored(unit.why, unit.cycle)) {
                engine.unsave(forgotten);
            }
        }
        for unit in loaded {
            engine.restore_unit(&mut cx, unit);
        }
        engine
    }

    fn restore_unit(&mut self, cx: &mut Cx, saved: SavedUnit) {
        let id = self.load(cx, &saved.unit);
        let record = &mut self.graph[id];
        if !record.perpetual {
            record.active = saved.active;
            record.sub = saved.sub.into();
        }
        record.result = saved.result.into();
        if saved.device != DeviceState::Dead {
            record.device.get_or_insert_default().state = saved.device;
        }
        record.own_failure = saved.own_failure;
        record.start_limit_hit = saved.own_failure;
        record.stamps = saved.stamps;
        record.conditions = saved.conditions;
        record.asserts = saved.asserts;
        record.invocation = saved.invocation;
        record.exit = saved.exit;
        record.starts = RateLimit { begin: saved.starts.0, count: saved.starts.1 };
        record.retries = saved.retries;
        record.markers = saved.markers;
        record.why = Chain::restored(saved.why, saved.cycle);
        if record.active == ActiveState::Failed {
            self.failed.insert(id);
        }
        if saved.wanted_again {
            self.deferred.want_again(id);
        }
        if let Some(socket) = saved.accepted_by {
            self.accepted_by(cx, id, socket);
        }
        let Some(job) = saved.job else { return };
        self.graph[id].trigger = saved.trigger.map(Box::new);
        let job_id = JobId(job.id);
        self.jobs.last_id = self.jobs.last_id.max(job.id);
        let unit_type = self.graph[id].name.unit_type();
        let clients: BTreeSet<u64> = job.by_client.then_some(EARLIER_CLIENT).into_iter().collect();
        // A running job of the engine's own types is simply run again; a worker's is settled by its list.
        let state = match super::kinds::worker(unit_type) {
            Some(_) => job.state,
            None => JobState::Waiting,
        };
        self.jobs.insert(Job {
            id: job_id,
            unit: id,
            name: self.graph[id].name.clone(),
            job_type: job.job_type,
            state,
            irreversible: job.irreversible,
            ignore_order: job.ignore_order,
            clients,
            begin: job.begin,
            running: job.running,
            deadline: job.deadline,
            invocation: job.invocation,
            overlap: job.overlap,
            why: job.why,
            cause: job.cause.into(),
            cursor: None,
            queued: false,
            waiters: Vec::new(),
        });
        let record = &mut self.graph[id];
        if job.job_type == JobType::Nop {
            record.nop_job = Some(job_id);
        } else {
            record.job = Some(job_id);
        }
        if state == JobState::Waiting {
            self.wake([job_id]);
        }
    }
}
