//! One change of state: timestamps, the unit's job, and what it does to other units.
//!
//! A change that no job asked for is *unexpected*: a start then pulls its dependencies in after the fact, a stop takes
//! bound units along. What depends on several units at once is queued (`deferred`).

use std::borrow::Cow;

use unit_parser::{DependencyKind, UnitType};

use crate::core::api::action::Action;
use crate::core::api::event::StatusFlags;
use crate::core::api::types::{ActiveState, JobMode, JobResult, JobState, JobType, Markers};
use crate::core::engine::{Cx, Engine};
use crate::core::graph::{Atom, UnitId};

/// The state that a unit has reached.
#[derive(Debug, Clone)]
pub(in crate::core) struct Reached {
    pub active: ActiveState,
    pub sub: Cow<'static, str>,
    pub result: Cow<'static, str>,
    pub flags: StatusFlags,
    /// In the words of whoever noticed.
    pub cause: String,
}

impl Reached {
    /// A state of a unit that the engine itself owns.
    pub fn own(active: ActiveState, sub: &'static str) -> Reached {
        Reached {
            active,
            sub: Cow::Borrowed(sub),
            result: Cow::Borrowed("success"),
            flags: StatusFlags::default(),
            cause: String::new(),
        }
    }
}

impl Engine {
    /// The unit has reached a state (possibly the same high-level one as before).
    pub(in crate::core) fn reached(&mut self, cx: &mut Cx, id: UnitId, new: Reached) {
        let (old, now) = (self.graph[id].active, new.active);
        let why = self.record_change(cx, id, &new);
        let flags = new.flags;
        self.enter(cx, id, new);
        let outer = self.trail.enter(why);
        let unexpected = self.tell_job(cx, id, now, flags);
        if unexpected && old.is_down() && now.is_up_or_coming() {
            self.start_after_the_fact(cx, id);
        } else if unexpected && old.is_up_or_coming() && now.is_down_or_going() {
            self.stop_after_the_fact(cx, id);
        }
        if now != old && now == ActiveState::Failed && !flags.will_auto_restart {
            self.trigger_on_failure(cx, id);
        }
        let ended_well = now == ActiveState::Inactive
            && !matches!(old, ActiveState::Failed | ActiveState::Inactive | ActiveState::Maintenance);
        if ended_well && !flags.will_auto_restart {
            self.trigger_on_success(cx, id);
        }
        self.notify_triggers(id);
        if now == ActiveState::Failed && old != ActiveState::Failed {
            self.failure_action(cx, id);
        } else if now == ActiveState::Inactive && !old.is_down() {
            self.success_action(cx, id);
        }
        self.defer(id, now);
        self.trail.leave(outer);
    }

    fn record_change(&mut self, cx: &mut Cx, id: UnitId, new: &Reached) -> Option<u64> {
        let record = &self.graph[id];
        let mut change = format!("{} ({}) -> {} ({})", record.active, record.sub, new.active, new.sub);
        if new.active.is_down() && new.result != "success" {
            change.push_str(&format!(", result {}", new.result));
        }
        // A running job is what made it happen.
        let job = record.job.and_then(|job| self.jobs.get(job)).filter(|job| job.state == JobState::Running);
        let parent = job.and_then(|job| job.why);
        let cause = if new.cause.is_empty() {
            job.map_or_else(|| self.trail.cause_text(), |job| format!("job {} {}", job.id.0, job.job_type).into())
        } else {
            new.cause.as_str().into()
        };
        let outer = self.trail.enter(parent);
        let why = self.record(cx, id, change, cause, String::new());
        self.trail.leave(outer);
        why
    }

    fn enter(&mut self, cx: &mut Cx, id: UnitId, new: Reached) {
        let record = &mut self.graph[id];
        let (old, now) = (record.active, new.active);
        record.active = now;
        record.sub = new.sub;
        record.result = new.result;
        if now.is_down() {
            record.markers = Markers::default();
        } else {
            record.why.cycle = None;
        }
        if now == ActiveState::Reloading && old != now {
            record.markers.needs_reload = false;
        }
        let stamps = &mut record.stamps;
        stamps.state_change = cx.now;
        match (old.is_down(), now.is_down()) {
            (true, false) => stamps.inactive_exit = cx.now,
            (false, true) => stamps.inactive_enter = cx.now,
            (true, true) | (false, false) => {}
        }
        match (old.is_up(), now.is_up()) {
            (false, true) => stamps.active_enter = cx.now,
            (true, false) => stamps.active_exit = cx.now,
            (true, true) | (false, false) => {}
        }
        let counted = if now == ActiveState::Failed { self.failed.insert(id) } else { self.failed.remove(&id) };
        if counted {
            self.actions.push(Action::ManagerChanged);
        }
        self.changed(id);
        self.save(id);
    }

    /// What the state means for the unit's job. True if no job asked for it.
    fn tell_job(&mut self, cx: &mut Cx, id: UnitId, now: ActiveState, flags: StatusFlags) -> bool {
        let Some(job) = self.graph[id].job.and_then(|job| self.jobs.get(job)) else { return true };
        let (job_id, running) = (job.id, job.state == JobState::Running);
        let job_type = job.job_type;
        let overlap = job.overlap && job_type == JobType::Restart;
        // The id tells whether the new instance has taken over.
        let taken_over = job.invocation == Some(self.graph[id].invocation);
        if !running {
            // It may have waited for just this.
            self.wake([job_id]);
        }
        let (unexpected, result) = match job_type {
            JobType::Start | JobType::VerifyActive => match now {
                ActiveState::Active | ActiveState::Reloading => (false, Some(JobResult::Done)),
                ActiveState::Activating => (false, None),
                _ if !running => (false, None),
                ActiveState::Failed => (true, Some(JobResult::Failed)),
                ActiveState::Inactive => (true, Some(JobResult::Done)),
                ActiveState::Deactivating | ActiveState::Maintenance => (true, None),
            },
            JobType::Restart if overlap && running => match now {
                ActiveState::Active if flags.reload_failure || !taken_over => (false, Some(JobResult::Failed)),
                ActiveState::Active => (false, Some(JobResult::Done)),
                ActiveState::Activating | ActiveState::Reloading => (false, None),
                ActiveState::Failed | ActiveState::Inactive => (true, Some(JobResult::Failed)),
                ActiveState::Deactivating | ActiveState::Maintenance => (true, None),
            },
            JobType::Reload if !running => (false, None),
            JobType::Reload => match now {
                ActiveState::Active if flags.reload_failure => (false, Some(JobResult::Failed)),
                ActiveState::Active => (false, Some(JobResult::Done)),
                ActiveState::Activating | ActiveState::Reloading => (false, None),
                ActiveState::Failed => (true, Some(JobResult::Failed)),
                ActiveState::Inactive => (true, Some(JobResult::Done)),
                ActiveState::Deactivating | ActiveState::Maintenance => (true, None),
            },
            JobType::Stop | JobType::Restart => match now {
                ActiveState::Inactive | ActiveState::Failed => (false, Some(JobResult::Done)),
                ActiveState::Deactivating => (false, None),
                _ if !running => (false, None),
                ActiveState::Active | ActiveState::Reloading | ActiveState::Activating | ActiveState::Maintenance => {
                    (true, Some(JobResult::Failed))
                }
            },
            JobType::TryRestart | JobType::TryReload | JobType::ReloadOrStart | JobType::Nop => (false, None),
        };
        if result == Some(JobResult::Done) && flags.skip_condition {
            self.record_job(cx, id, format!("job {} {job_type} skipped by ExecCondition=", job_id.0));
        }
        if let Some(result) = result {
            self.finish(cx, job_id, result, true);
        }
        unexpected
    }

    /// It started without being asked: what it depends on is started, what it conflicts with is stopped.
    fn start_after_the_fact(&mut self, cx: &mut Cx, id: UnitId) {
        for (atom, mode) in
            [(Atom::RetroactiveStartReplace, JobMode::Replace), (Atom::RetroactiveStartFail, JobMode::Fail)]
        {
            for (kind, other) in self.graph.with_atom(id, atom).collect::<Vec<_>>() {
                let ordered = self.graph.has(id, DependencyKind::After, other);
                if ordered || self.graph[other].active.is_up_or_coming() {
                    continue;
                }
                if mode == JobMode::Fail && self.is_device(id) {
                    self.start_for_device(cx, (id, kind, other));
                } else {
                    self.enqueue_for_edge(cx, (id, kind, other), JobType::Start, mode);
                }
            }
        }
        for (kind, other) in self.graph.with_atom(id, Atom::RetroactiveStopOnStart).collect::<Vec<_>>() {
            if !self.graph[other].active.is_down_or_going() {
                self.enqueue_for_edge(cx, (id, kind, other), JobType::Stop, JobMode::Replace);
            }
        }
    }

    /// A device wants a unit started. While that still stops, systemd refuses the start as destructive, and the service
    /// stays down though its device is there; here it is started when it has stopped.
    pub(in crate::core) fn start_for_device(&mut self, cx: &mut Cx, edge: (UnitId, DependencyKind, UnitId)) {
        let (_, _, wanted) = edge;
        let job = self.graph[wanted].job.and_then(|job| self.jobs.get(job));
        if job.is_some_and(|job| job.job_type == JobType::Stop && !job.irreversible) {
            self.record_edge(cx, wanted, "start wanted, once it has stopped".to_owned(), edge);
            self.deferred.want_again(wanted);
            self.save(wanted);
        } else {
            self.enqueue_for_edge(cx, edge, JobType::Start, JobMode::Fail);
        }
    }

    fn is_device(&self, id: UnitId) -> bool {
        self.graph[id].name.unit_type() == UnitType::Device
    }

    /// It stopped without being asked: what is bound to it is stopped.
    fn stop_after_the_fact(&mut self, cx: &mut Cx, id: UnitId) {
        for (kind, other) in self.graph.with_atom(id, Atom::RetroactiveStopOnStop).collect::<Vec<_>>() {
            if !self.graph[other].active.is_down_or_going() {
                self.enqueue_for_edge(cx, (id, kind, other), JobType::Stop, JobMode::Replace);
            }
        }
    }

    /// A job of the other end of a dependency.
    pub(in crate::core) fn enqueue_for_edge(
        &mut self,
        cx: &mut Cx,
        (from, kind, to): (UnitId, DependencyKind, UnitId),
        job_type: JobType,
        mode: JobMode,
    ) {
        let why = self.record_edge(cx, to, format!("{job_type} wanted"), (from, kind, to));
        let outer = self.trail.enter(why);
        self.enqueue_by_rule(cx, to, job_type, mode);
        self.trail.leave(outer);
    }

    /// `reset-failed`.
    pub(in crate::core) fn reset_unit(&mut self, cx: &mut Cx, id: UnitId) {
        let record = &mut self.graph[id];
        record.starts.reset();
        record.start_limit_hit = false;
        if record.active != ActiveState::Failed {
            self.save(id);
            return;
        }
        // Also after a failure that the worker doesn't know of: it counts the restarts.
        record.own_failure = false;
        let name = record.name.clone();
        if let Some(worker) = crate::core::kinds::worker(name.unit_type()) {
            self.actions.push(crate::core::api::action::Action::ResetFailed(worker, name));
        }
        self.reached(cx, id, Reached::own(ActiveState::Inactive, "dead"));
    }
}
