//! Garbage collection: units that nobody holds and that are inactive are unloaded; so are jobs that only wait for
//! something outside while nobody waits for them.

use std::collections::BTreeSet;

use crate::core::api::action::Action;
use crate::core::api::types::{ActiveState, JobResult};
use crate::core::engine::{Cx, Engine};
use crate::core::graph::UnitId;
use crate::core::jobs::{Job, JobId};

impl Engine {
    /// Whether the unit itself has no reason to stay; what mentions it may have.
    fn is_idle(&self, id: UnitId) -> bool {
        let record = &self.graph[id];
        let ended = match record.active {
            ActiveState::Inactive => true,
            ActiveState::Failed => record.settings.collect_failed,
            ActiveState::Active
            | ActiveState::Reloading
            | ActiveState::Activating
            | ActiveState::Deactivating
            | ActiveState::Maintenance => false,
        };
        ended && !record.perpetual && record.job.is_none() && record.nop_job.is_none() && record.clients.is_empty()
    }

    /// Unloads what nobody holds.
    pub(in crate::core) fn collect_units(&mut self, _cx: &mut Cx) {
        while let Some(id) = self.gc.pop_first() {
            if !self.graph.contains(id) {
                continue;
            }
            if let Some(group) = self.unheld(id) {
                for id in group {
                    self.unload(id);
                }
            }
        }
    }

    /// The unit with all that mention it, if none of these has a reason to stay.
    fn unheld(&self, id: UnitId) -> Option<BTreeSet<UnitId>> {
        let mut seen = BTreeSet::from([id]);
        let mut todo = vec![id];
        while let Some(id) = todo.pop() {
            if !self.is_idle(id) {
                return None;
            }
            todo.extend(self.graph.mentioned_by(id).filter(|other| seen.insert(*other)));
        }
        Some(seen)
    }

    fn unload(&mut self, id: UnitId) {
        let mentioned: Vec<UnitId> = self.graph.mentions(id).collect();
        self.forget_at_worker(id);
        self.forget_place(id);
        let name = self.graph[id].name.clone();
        let mut record = self.graph.remove(id);
        let chain = record.as_mut().map(|record| std::mem::take(&mut record.why)).unwrap_or_default();
        if let Some(forgotten) = self.trail.keep(name.clone(), chain) {
            self.unsave(forgotten);
        }
        if let Some(head) = record.and_then(|record| record.device).and_then(|device| device.following)
            && let Some(others) = self.followers.get_mut(&head)
        {
            others.remove(&name);
        }
        self.followers.remove(&name);
        self.actions.push(Action::UnitRemoved(name));
        let left: Vec<UnitId> = mentioned.into_iter().filter(|other| self.graph.contains(*other)).collect();
        self.gc.extend(left);
    }

    /// Start jobs of devices that no client and no other job waits for.
    pub(in crate::core) fn collect_jobs(&mut self, cx: &mut Cx) {
        let ended: Vec<JobId> = self
            .jobs
            .of_devices()
            .filter(|job| job.clients.is_empty() && !self.blocks_any(job))
            .map(|job| job.id)
            .collect();
        for id in ended {
            // As in systemd: what required the device is not ordered after it, and goes on.
            self.finish(cx, id, JobResult::Collected, false);
        }
    }

    /// Whether another job has to wait for this one.
    fn blocks_any(&self, job: &Job) -> bool {
        use unit_parser::DependencyKind::{After, Before};
        let waits = |other: UnitId, kind| {
            let other = self.graph[other].job.and_then(|job| self.jobs.get(job));
            other.is_some_and(|other| match kind {
                // We are before it: it waits unless it stops.
                Before => !other.stops(),
                // We are after it: it waits for our stop only.
                _ => job.stops(),
            })
        };
        [Before, After].into_iter().any(|kind| self.graph.of_kind(job.unit, kind).any(|other| waits(other, kind)))
    }
}
