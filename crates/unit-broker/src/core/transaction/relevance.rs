//! What of a plan matters, and what can go.

use super::{Dropped, Transaction};
use crate::core::api::types::{JobMode, JobType};
use crate::core::engine::Engine;
use crate::core::graph::UnitId;
use crate::core::jobs::kind::{conflicts, is_redundant};

impl Transaction {
    /// Marks what the anchor can't do without: everything reachable by links that matter.
    pub fn mark_what_matters(&mut self) {
        self.jobs.iter_mut().for_each(|job| job.matters = false);
        let mut todo = vec![self.anchor];
        while let Some(place) = todo.pop() {
            let Some(job) = self.jobs.get_mut(place).filter(|job| !job.matters) else { continue };
            job.matters = true;
            let Some(job) = self.jobs.get(place) else { continue };
            todo.extend(self.needs(job).filter(|(_, link)| link.matters && !link.gone).map(|(_, link)| link.object));
        }
    }

    /// Drops what nobody needs any more; not in mode `isolate`, where stops are wanted for themselves.
    pub fn drop_orphans(&mut self) {
        if self.mode == JobMode::Isolate {
            return;
        }
        while let Some(place) = self.left.pop() {
            if self.is_orphan(place) {
                self.drop_job(place, true, Dropped::Orphan);
            }
        }
    }

    /// Drops all jobs of a unit with what can't do without them.
    pub fn drop_unit(&mut self, unit: UnitId, reason: Dropped) {
        while let Some(place) = self.of_unit(unit).last().copied() {
            self.drop_job(place, true, reason);
        }
    }
}

impl Engine {
    fn contradicts_installed(&self, unit: UnitId, job_type: JobType) -> bool {
        let installed = self.graph[unit].job.and_then(|id| self.jobs.get(id));
        installed.is_some_and(|job| conflicts(job.job_type, job_type))
    }

    /// Mode `fail`: drops what doesn't matter and would stop something that runs or reverse a queued job.
    pub(in crate::core) fn minimize_impact(&self, plan: &mut Transaction) {
        for place in 0..plan.jobs.len() {
            let Some(job) = plan.jobs.get(place).filter(|job| job.dropped.is_none() && !job.matters) else { continue };
            let stops_something = job.job_type == JobType::Stop && self.graph[job.unit].active.is_up_or_coming();
            if stops_something || self.contradicts_installed(job.unit, job.job_type) {
                plan.drop_job(place, true, Dropped::Impact);
            }
        }
    }

    /// Drops the jobs of units that are where all their jobs would bring them.
    pub(in crate::core) fn drop_redundant(&self, plan: &mut Transaction) {
        let all_redundant = |unit: &UnitId| {
            let active = self.graph[*unit].active;
            plan.of_unit(*unit).iter().all(|place| {
                *place != plan.anchor
                    && plan.jobs.get(*place).is_some_and(|job| {
                        is_redundant(job.job_type, active) && !self.contradicts_installed(*unit, job.job_type)
                    })
            })
        };
        for unit in plan.units().filter(all_redundant).collect::<Vec<_>>() {
            for place in plan.of_unit(unit).to_vec() {
                plan.drop_job(place, false, Dropped::Redundant);
            }
        }
    }
}
