//! One job per unit: merging, and contradictions.

use super::{Dropped, Place, Transaction};
use crate::core::api::error::EngineError;
use crate::core::api::types::JobType;
use crate::core::engine::Engine;
use crate::core::graph::UnitId;
use crate::core::jobs::kind::{conflicts, merge_and_collapse};

impl Engine {
    /// Leaves one job per unit, dropping contradicting ones that don't matter, or refuses. Whether anything changed.
    pub(in crate::core) fn merge_jobs(&self, plan: &mut Transaction) -> Result<bool, EngineError> {
        // Dropping one may drop others with it, so look again until nothing contradicts.
        // Units with a job that matters first: there is no choice about them, and what they lead to may settle others.
        // (systemd takes them in the order of a hash table, and sometimes drops the wrong one.)
        let several: Vec<UnitId> = plan.units().filter(|unit| plan.of_unit(*unit).len() > 1).collect();
        let mut todo = several.clone();
        todo.reverse();
        todo.sort_by_key(|unit| plan.matters(*unit));
        while let Some(unit) = todo.pop() {
            while let Some((first, second)) = self.contradiction(plan, unit) {
                let victim = plan.less_wanted(unit).ok_or_else(|| EngineError::Conflicting {
                    unit: self.graph[unit].name.to_string(),
                    first: first.to_string(),
                    second: second.to_string(),
                })?;
                plan.drop_job(victim, true, Dropped::Contradicted);
                plan.drop_orphans();
            }
        }
        for unit in &several {
            self.merge_unit(plan, *unit);
        }
        Ok(!several.is_empty())
    }

    /// Two types of the unit's jobs that can't both be done.
    fn contradiction(&self, plan: &Transaction, unit: UnitId) -> Option<(JobType, JobType)> {
        let mut types =
            plan.of_unit(unit).iter().rev().filter_map(|place| plan.jobs.get(*place)).map(|job| job.job_type);
        let mut merged = types.next()?;
        for other in types {
            match merge_and_collapse(merged, other, self.graph[unit].active) {
                Some(both) => merged = both,
                None => return Some((merged, other)),
            }
        }
        None
    }

    fn merge_unit(&self, plan: &mut Transaction, unit: UnitId) {
        if plan.of_unit(unit).len() < 2 {
            return;
        }
        let places = plan.of_unit(unit).to_vec();
        let Some(keep) = places.iter().copied().find(|place| *place == plan.anchor).or(places.first().copied()) else {
            return;
        };
        for other in places.into_iter().filter(|place| *place != keep) {
            let Some(gone) = plan.jobs.get(other).cloned() else { continue };
            let active = self.graph[unit].active;
            if let Some(job) = plan.jobs.get_mut(keep) {
                job.job_type = merge_and_collapse(job.job_type, gone.job_type, active).unwrap_or(job.job_type);
                job.matters |= gone.matters;
                job.ignore_order |= gone.ignore_order;
                job.needed += gone.needed;
                if job.pulled_by.is_none() && keep != plan.anchor {
                    job.pulled_by = gone.pulled_by;
                }
            }
            let links: Vec<usize> = plan.needs(&gone).chain(plan.needed_by(&gone)).map(|(at, _)| at).collect();
            if let Some((needs, needed_by)) = plan.jobs.get(keep).map(|job| (job.needs, job.needed_by)) {
                let needs = plan.append_needs(needs, gone.needs);
                let needed_by = plan.append_needed(needed_by, gone.needed_by);
                if let Some(job) = plan.jobs.get_mut(keep) {
                    (job.needs, job.needed_by) = (needs, needed_by);
                }
            }
            for at in links {
                if let Some(link) = plan.links.get_mut(at) {
                    if link.subject == Some(other) {
                        link.subject = Some(keep);
                    }
                    if link.object == other {
                        link.object = keep;
                    }
                }
            }
            if let Some(job) = plan.jobs.get_mut(other) {
                job.dropped = Some(Dropped::Merged(keep));
            }
            if let Some(places) = plan.places_mut(unit) {
                places.retain(|place| *place == keep);
            }
        }
    }
}

impl Transaction {
    /// Of two contradicting jobs the one to drop; `None` if both matter.
    fn less_wanted(&self, unit: UnitId) -> Option<Place> {
        let places = self.of_unit(unit);
        // Newest first, as they are looked at in systemd.
        let newest_first: Vec<Place> = places.iter().rev().copied().collect();
        for (at, one) in newest_first.iter().enumerate() {
            for other in newest_first.iter().skip(at + 1) {
                let (a, b) = (self.jobs.get(*one)?, self.jobs.get(*other)?);
                if !conflicts(a.job_type, b.job_type) {
                    continue;
                }
                return match (a.matters, b.matters) {
                    (true, true) => None,
                    (false, true) => Some(*one),
                    (true, false) => Some(*other),
                    // Rather keep starts than stops, unless the stop is there because of Conflicts=.
                    (false, false) if a.job_type == JobType::Stop => {
                        Some(if self.is_conflicted(*one) { *other } else { *one })
                    }
                    (false, false) if b.job_type == JobType::Stop => {
                        Some(if self.is_conflicted(*other) { *one } else { *other })
                    }
                    (false, false) => Some(*one),
                };
            }
        }
        None
    }

    fn is_conflicted(&self, place: Place) -> bool {
        self.jobs.get(place).is_some_and(|job| self.needed_by(job).any(|(_, link)| link.conflicts && !link.gone))
    }
}
