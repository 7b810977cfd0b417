//! Workers: who is there, what they report, and how the engine catches up after an absence (theirs or its own).

use std::collections::BTreeMap;

use unit_parser::LoadState;

use super::change::Reached;
use crate::core::api::action::Action;
use crate::core::api::event::{Invocation, Status, StatusFlags, Worker};
use crate::core::api::types::{ActiveState, JobResult, JobState, JobType};
use crate::core::engine::{Cx, Engine};
use crate::core::graph::UnitId;
use crate::core::jobs::{Job, JobId};
use crate::core::kinds;

/// Which workers can be talked to.
#[derive(Debug, Clone)]
pub(in crate::core) struct Workers {
    present: BTreeMap<Worker, bool>,
    /// Until all have been heard of once, or until then (monotonic, µs), no job runs: the states that decide about
    /// them may be old.
    hold: Option<u64>,
    /// Why there are no device events, if there are none.
    pub no_devices: Option<String>,
}

impl Workers {
    /// Nobody is there yet.
    pub fn new(hold_until: u64) -> Workers {
        Workers { present: BTreeMap::new(), hold: Some(hold_until), no_devices: None }
    }

    /// Whether it can be talked to.
    pub fn is_present(&self, worker: Worker) -> bool {
        self.present.get(&worker) == Some(&true)
    }

    /// Whether jobs have to wait for workers to report first.
    pub fn holds(&mut self, now_usec: u64) -> bool {
        let all = [Worker::Supervisor, Worker::Activator, Worker::Watcher];
        if self.hold.is_some_and(|until| now_usec >= until || all.iter().all(|w| self.present.contains_key(w))) {
            self.hold = None;
        }
        self.hold.is_some()
    }

    /// When jobs stop to wait.
    pub fn hold_until(&self) -> Option<u64> {
        self.hold
    }
}

impl Engine {
    pub(in crate::core) fn worker_back(&mut self, worker: Worker) {
        self.workers.present.insert(worker, true);
        self.wake_all();
    }

    pub(in crate::core) fn worker_away(&mut self, worker: Worker) {
        // Not "heard of" before it was there once.
        if self.workers.present.contains_key(&worker) {
            self.workers.present.insert(worker, false);
        }
    }

    /// A worker's report of one unit.
    pub(in crate::core) fn worker_status(&mut self, cx: &mut Cx, status: Status) {
        let id = self.load(cx, &status.unit);
        self.apply_status(cx, id, status);
    }

    fn apply_status(&mut self, cx: &mut Cx, id: UnitId, status: Status) {
        let record = &mut self.graph[id];
        if let Some(exit) = status.exit {
            record.exit = exit;
        }
        // A start has the id from the beginning, whatever a late report says; an overlapping restart when it is told.
        let told = record.commanded.is_none() || record.active == ActiveState::Reloading;
        if let Some(invocation) = status.invocation.filter(|_| told) {
            record.invocation = invocation;
        }
        self.changed(id);
        self.found_running(id, status.invocation);
        let record = &mut self.graph[id];
        if record.own_failure {
            if status.active.is_down() {
                return;
            }
            record.own_failure = false;
        }
        let flagged = status.flags != StatusFlags::default();
        if let Some(old) = &mut record.commanded {
            if record.active == ActiveState::Deactivating && status.active.is_up_or_coming() {
                // Answers to what it was told before the stop.
                (old.active, old.sub) = (status.active, status.sub.into());
                return;
            }
            let late = old.active == status.active && old.sub == status.sub;
            // A start may fail so early that the unit never leaves its failed state; the id tells.
            let job = record.job.and_then(|job| self.jobs.get(job));
            let answers = status.invocation.is_some() && job.is_some_and(|job| job.invocation == status.invocation);
            if late && !answers && !flagged {
                return;
            }
        }
        record.commanded = None;
        if record.active == status.active && record.sub == status.sub && !flagged {
            record.result = status.result.into();
            return;
        }
        let at = status.changed_at;
        let reached = Reached {
            active: status.active,
            sub: status.sub.into(),
            result: status.result.into(),
            flags: status.flags,
            cause: status.cause,
        };
        self.reached(cx, id, reached);
        if let Some(at) = at {
            self.graph[id].stamps.state_change = at;
        }
    }

    /// The report is about the very run that a job asked for: it had arrived, whatever the job thought.
    fn found_running(&mut self, id: UnitId, invocation: Option<Invocation>) {
        let job = self.graph[id].job.and_then(|job| self.jobs.get_mut(job));
        let is_run = |job: &&mut Job| invocation.is_some() && job.invocation == invocation;
        if let Some(job) = job.filter(is_run).filter(|job| job.job_type == JobType::Start) {
            job.state = JobState::Running;
        }
    }

    /// A worker's whole list: catches up with what was missed.
    pub(in crate::core) fn worker_list(&mut self, cx: &mut Cx, worker: Worker, units: Vec<Status>) {
        let mut listed = BTreeMap::new();
        for status in units {
            let id = self.load(cx, &status.unit);
            self.take_back_assumption(id);
            listed.insert(id, status.invocation);
            self.apply_status(cx, id, status);
        }
        for id in self.graph.ids() {
            let record = &self.graph[id];
            if kinds::worker(record.name.unit_type()) != Some(worker) || listed.contains_key(&id) || record.own_failure
            {
                continue;
            }
            self.take_back_assumption(id);
            let record = &self.graph[id];
            // What is down stays as it was: failed, or about to be started by a command that got lost.
            if !record.active.is_down() {
                let mut gone = Reached::own(ActiveState::Inactive, "dead");
                gone.cause = "its worker doesn't know it any more".to_owned();
                self.reached(cx, id, gone);
            }
        }
        self.resume_jobs(cx, worker, &listed);
    }

    /// Whether a command arrived is for the worker to say.
    fn take_back_assumption(&mut self, id: UnitId) {
        let record = &mut self.graph[id];
        if let Some(old) = record.commanded.take() {
            record.active = old.active;
            record.sub = old.sub;
        }
    }

    /// Running jobs whose command may have been lost are tried again; commands that did arrive are harmless twice.
    fn resume_jobs(&mut self, cx: &mut Cx, worker: Worker, listed: &BTreeMap<UnitId, Option<Invocation>>) {
        for id in self.jobs.in_state(JobState::Running) {
            let Some(job) = self.jobs.get(id) else { continue };
            let record = &self.graph[job.unit];
            if kinds::worker(record.name.unit_type()) != Some(worker) {
                continue;
            }
            // The worker knows the very start that the job asked for.
            let is_its_own =
                job.invocation.is_some() && listed.get(&job.unit).is_some_and(|run| *run == job.invocation);
            let under_way = match job.job_type {
                // What was started may be on its way down already: a oneshot with an ExecStop=.
                JobType::Start if is_its_own && record.active == ActiveState::Deactivating => true,
                JobType::Start | JobType::VerifyActive => record.active == ActiveState::Activating,
                JobType::Restart if job.overlap => record.active == ActiveState::Reloading,
                JobType::Stop | JobType::Restart => record.active == ActiveState::Deactivating,
                JobType::Reload => record.active == ActiveState::Reloading,
                JobType::Nop | JobType::TryRestart | JobType::TryReload | JobType::ReloadOrStart => true,
            };
            let over = job.job_type == JobType::Start && is_its_own && record.active.is_down();
            if job.overlap && is_its_own && record.active == ActiveState::Active {
                self.finish(cx, id, JobResult::Done, true);
            } else if over {
                let result = if record.active == ActiveState::Failed { JobResult::Failed } else { JobResult::Done };
                self.finish(cx, id, result, true);
            } else if !under_way {
                self.try_again(id);
            }
        }
    }

    fn try_again(&mut self, id: JobId) {
        if let Some(job) = self.jobs.get_mut(id) {
            job.state = JobState::Waiting;
            job.cursor = None;
        }
        self.touch_job(id);
    }

    /// The worker is told to forget a unit that is removed.
    pub(in crate::core) fn forget_at_worker(&mut self, id: UnitId) {
        let record = &self.graph[id];
        let started = record.invocation != [0; 16] || record.load_state == LoadState::Loaded;
        if let Some(worker) = kinds::worker(record.name.unit_type()).filter(|_| started) {
            self.actions.push(Action::Forget(worker, record.name.clone()));
        }
    }
}
