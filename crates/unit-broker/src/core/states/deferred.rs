//! Rules about continuous conditions of several units, looked at when a change has settled: StopWhenUnneeded=,
//! BindsTo=, Upholds= and X-RetryAfterDependency= (systemd.unit(5)). An upheld unit that was started too often is tried again later, as in
//! systemd.

use std::collections::BTreeSet;

use unit_parser::{DependencyKind, UnitType};

use crate::core::api::action::{Action, LogLevel};
use crate::core::api::types::{ActiveState, JobMode, JobType};
use crate::core::engine::{Cx, Engine};
use crate::core::graph::{Atom, UnitId};

/// A unit that is started or stopped by rule this often within the interval is left alone: rules may contradict.
const LOOP_BURST: u32 = 16;
const LOOP_INTERVAL: u64 = 10_000_000;

/// Units to look at.
#[derive(Debug, Clone, Default)]
pub(in crate::core) struct Deferred {
    upheld: BTreeSet<UnitId>,
    bound: BTreeSet<UnitId>,
    unneeded: BTreeSet<UnitId>,
    /// Units that have become active.
    recovered: BTreeSet<UnitId>,
    /// Units that a device wanted when it was plugged, while they were still stopping.
    wanted_again: BTreeSet<UnitId>,
    /// Upheld units that were started too often lately, and when to look at them again (monotonic, µs).
    later: BTreeSet<(u64, UnitId)>,
}

impl Deferred {
    /// The unit's place is given up.
    pub fn forget(&mut self, id: UnitId) {
        self.upheld.remove(&id);
        self.bound.remove(&id);
        self.unneeded.remove(&id);
        self.recovered.remove(&id);
        self.wanted_again.remove(&id);
        self.later.retain(|(_, other)| *other != id);
    }

    /// Whether a device waits for the unit's end, to start it again.
    pub fn is_wanted_again(&self, id: UnitId) -> bool {
        self.wanted_again.contains(&id)
    }

    /// A device waits for the unit's end.
    pub fn want_again(&mut self, id: UnitId) {
        self.wanted_again.insert(id);
    }

    /// When units are to be looked at again.
    pub fn next_deadline(&self) -> Option<u64> {
        self.later.first().map(|(at, _)| *at)
    }

    /// Queues the units whose time has come.
    pub fn expire(&mut self, now_usec: u64) {
        while self.next_deadline().is_some_and(|at| at <= now_usec)
            && let Some((_, id)) = self.later.pop_first()
        {
            self.upheld.insert(id);
        }
    }
}

impl Engine {
    /// Queues what a unit's new state may have consequences for.
    pub(in crate::core) fn defer(&mut self, id: UnitId, now: ActiveState) {
        if now.is_down() {
            self.defer_unneeded(id);
            self.deferred.bound.extend(self.graph.with_atom(id, Atom::Binds).map(|(_, other)| other));
            self.deferred.upheld.insert(id);
            self.gc.insert(id);
        }
        if now.is_up() {
            self.deferred.upheld.extend(self.graph.with_atom(id, Atom::Upholds).map(|(_, other)| other));
            self.deferred.unneeded.insert(id);
            self.deferred.bound.insert(id);
            if self.graph.with_atom(id, Atom::PropagateStartFailure).any(|(_, other)| self.graph[other].retries) {
                self.deferred.recovered.insert(id);
            }
        }
    }

    /// A unit's job ended. Whatever came of it, `Upholds=` tries again as long as the unit is down (seen in the box; it
    /// ends with [`LOOP_BURST`]).
    pub(in crate::core) fn defer_upheld(&mut self, id: UnitId) {
        if self.graph[id].active.is_down() {
            self.deferred.upheld.insert(id);
        }
    }

    /// The units that this one may have needed.
    fn defer_unneeded(&mut self, id: UnitId) {
        for (_, other) in self.graph.with_atom(id, Atom::MayBeUnneeded) {
            if self.graph[other].settings.stop_when_unneeded {
                self.deferred.unneeded.insert(other);
            }
        }
    }

    /// Looks at all queued units. False if there were none.
    pub(in crate::core) fn run_deferred(&mut self, cx: &mut Cx) -> bool {
        let mut busy = false;
        while let Some(id) = self.deferred.upheld.pop_first() {
            busy = true;
            if let Some(culprit) = self.upheld_by(id) {
                let edge = (culprit, DependencyKind::Upholds, id);
                if !self.act(cx, id, edge, JobType::Start, JobMode::Fail, "is upheld") {
                    let again = self.graph[id].auto_limit.begin.saturating_add(LOOP_INTERVAL + 1);
                    self.deferred.later.insert((again, id));
                }
            }
        }
        while let Some(id) = self.deferred.recovered.pop_first() {
            busy = true;
            self.retry_dependents(cx, id);
        }
        while let Some(id) = self.stopped_and_wanted() {
            busy = true;
            self.deferred.wanted_again.remove(&id);
            self.save(id);
            let plugged = |other: &UnitId| {
                let record = &self.graph[*other];
                record.name.unit_type() == UnitType::Device && record.active.is_up()
            };
            let device = self.graph.of_kind(id, DependencyKind::WantedBy).find(plugged);
            if let Some(device) = device {
                let edge = (device, DependencyKind::Wants, id);
                self.act(cx, id, edge, JobType::Start, JobMode::Fail, "its device was plugged while it stopped");
            }
        }
        while let Some(id) = self.deferred.bound.pop_first() {
            busy = true;
            if let Some(culprit) = self.bound_to_inactive(id) {
                let edge = (id, DependencyKind::BindsTo, culprit);
                self.act(cx, id, edge, JobType::Stop, JobMode::Replace, "is bound to an inactive unit");
            }
        }
        while let Some(id) = self.deferred.unneeded.pop_first() {
            busy = true;
            if self.is_unneeded(id) && self.not_looping(cx, id, "is not needed any more") {
                let text = "StopWhenUnneeded=, nothing needs it any more".to_owned();
                let why = self.record(cx, id, "stop wanted".to_owned(), text, String::new());
                let outer = self.trail.enter(why);
                self.enqueue_by_rule(cx, id, JobType::Stop, JobMode::Fail);
                self.trail.leave(outer);
            }
        }
        busy
    }

    fn stopped_and_wanted(&self) -> Option<UnitId> {
        let ended = |id: &&UnitId| self.graph[**id].job.is_none();
        self.deferred.wanted_again.iter().find(ended).copied()
    }

    /// Starts the units again that failed to start because of this one, which is active now.
    fn retry_dependents(&mut self, cx: &mut Cx, id: UnitId) {
        if !self.graph[id].active.is_up() {
            return;
        }
        for (kind, other) in self.graph.with_atom(id, Atom::PropagateStartFailure).collect::<Vec<_>>() {
            let record = &self.graph[other];
            if record.retries && record.active.is_down() && record.job.is_none() {
                let edge = (other, kind.inverse(), id);
                self.act(cx, other, edge, JobType::Start, JobMode::Fail, "its dependency has recovered");
            }
        }
    }

    /// Queues a job because of a dependency; false if that was done too often lately.
    fn act(
        &mut self,
        cx: &mut Cx,
        id: UnitId,
        edge: (UnitId, DependencyKind, UnitId),
        job_type: JobType,
        mode: JobMode,
        text: &str,
    ) -> bool {
        if !self.not_looping(cx, id, text) {
            return false;
        }
        let why = self.record_edge(cx, id, format!("{job_type} wanted: {text}"), edge);
        let outer = self.trail.enter(why);
        self.enqueue_by_rule(cx, id, job_type, mode);
        self.trail.leave(outer);
        true
    }

    fn not_looping(&mut self, cx: &mut Cx, id: UnitId, text: &str) -> bool {
        let record = &mut self.graph[id];
        if record.auto_limit.allow(cx.now.monotonic_usec, LOOP_INTERVAL, LOOP_BURST) {
            return true;
        }
        let name = record.name.clone();
        let text = format!("Unit {text}, but nothing is done since this was tried too often recently.");
        self.record_job(cx, id, text.clone());
        self.actions.push(Action::Log(Some(name), LogLevel::Warning, text));
        false
    }

    fn is_unneeded(&self, id: UnitId) -> bool {
        let record = &self.graph[id];
        record.settings.stop_when_unneeded
            && record.active == ActiveState::Active
            && record.job.is_none()
            && self.graph.with_atom(id, Atom::Needed).all(|(_, other)| {
                let other = &self.graph[other];
                other.job.is_none() && other.active.is_down()
            })
    }

    fn bound_to_inactive(&self, id: UnitId) -> Option<UnitId> {
        let record = &self.graph[id];
        if record.active != ActiveState::Active || record.job.is_some() {
            return None;
        }
        let mut others = self.graph.with_atom(id, Atom::BoundTo).map(|(_, other)| other);
        others.find(|other| self.graph[*other].job.is_none() && self.graph[*other].active.is_down())
    }

    fn upheld_by(&self, id: UnitId) -> Option<UnitId> {
        let record = &self.graph[id];
        if !record.active.is_down() || record.job.is_some() {
            return None;
        }
        let mut others = self.graph.with_atom(id, Atom::Upheld).map(|(_, other)| other);
        others.find(|other| self.graph[*other].job.is_none() && self.graph[*other].active.is_up())
    }
}
