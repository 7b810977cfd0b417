//! From one request to a consistent set of jobs.
//!
//! 1. `build`: the anchor job and, recursively, all that its dependencies pull in.
//! 2. `relevance`: which jobs the anchor can't do without; what is redundant; what nobody needs.
//! 3. `order`: cycles in the ordering are broken by dropping jobs that don't matter, or refused.
//! 4. `merging`: several jobs of one unit become one; contradictions are resolved or refused.
//! 5. `apply`: checked against installed jobs, then installed.
//!
//! Nothing but `apply` touches the engine, so a refused request changes nothing.

pub(in crate::core) mod apply;
pub(in crate::core) mod build;
pub(in crate::core) mod merging;
pub(in crate::core) mod order;
pub(in crate::core) mod relevance;

use std::collections::HashMap;

use unit_parser::DependencyKind;

use super::api::error::EngineError;
use super::api::types::{JobMode, JobType};
use super::graph::UnitId;
use super::jobs::kind::merge;

/// A job of a transaction, by place.
pub(in crate::core) type Place = usize;

/// A job that is part of a transaction.
#[derive(Debug, Clone)]
pub(in crate::core) struct Planned {
    pub unit: UnitId,
    pub job_type: JobType,
    /// Links in which this job is the one that needs another.
    pub needs: Vec<usize>,
    /// Links in which this job is the one that is needed.
    pub needed_by: Vec<usize>,
    pub matters: bool,
    pub ignore_order: bool,
    pub dropped: Option<Dropped>,
    /// Who pulled it in first, and how; `None` for the anchor.
    pub pulled_by: Option<(Place, Pull)>,
}

impl Planned {
    /// A job that nothing is known of yet.
    pub fn new(unit: UnitId, job_type: JobType) -> Planned {
        Planned {
            unit,
            job_type,
            needs: Vec::new(),
            needed_by: Vec::new(),
            matters: false,
            ignore_order: false,
            dropped: None,
            pulled_by: None,
        }
    }
}

/// How one job pulls another in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::core) enum Pull {
    /// A dependency of this kind, seen from the pulling unit.
    Dependency(DependencyKind),
    /// The device units of one device go together.
    Following,
    /// Mode `isolate`: everything else stops.
    Isolate,
    /// Mode `triggering`: what would start the unit again stops too.
    Triggering,
}

/// Why a job of a transaction goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::core) enum Dropped {
    /// The unit is where the job would bring it.
    Redundant,
    /// What pulled it in has gone.
    Orphan,
    /// It can't do without this one, which has gone.
    Without(Place),
    /// It would close a cycle of orderings.
    Cycle,
    /// Another job of the unit contradicts it.
    Contradicted,
    /// Another job of the unit does both.
    Merged(Place),
    /// Mode `fail`: it would stop something or reverse a queued job.
    Impact,
}

/// A job that never became part of a transaction, though the one at `by` would have pulled it in.
#[derive(Debug, Clone)]
pub(in crate::core) struct Refused {
    pub unit: UnitId,
    pub job_type: JobType,
    pub by: Place,
    pub pull: Pull,
    pub error: EngineError,
}

/// One job needs another.
#[derive(Debug, Clone)]
pub(in crate::core) struct Link {
    pub subject: Option<Place>,
    pub object: Place,
    /// The subject can't do without it.
    pub matters: bool,
    /// It is there because of `Conflicts=`.
    pub conflicts: bool,
    pub gone: bool,
}

/// A set of jobs in the making.
#[derive(Debug, Clone)]
pub(in crate::core) struct Transaction {
    pub mode: JobMode,
    pub jobs: Vec<Planned>,
    pub links: Vec<Link>,
    /// Places of a unit's jobs that aren't dropped.
    pub by_unit: HashMap<UnitId, Vec<Place>>,
    /// Units in the order in which they came in, possibly more than once.
    pub units: Vec<UnitId>,
    pub anchor: Place,
    pub refused: Vec<Refused>,
}

impl Transaction {
    /// An empty one.
    pub fn new(mode: JobMode) -> Transaction {
        Transaction {
            mode,
            jobs: Vec::new(),
            links: Vec::new(),
            by_unit: HashMap::new(),
            units: Vec::new(),
            anchor: 0,
            refused: Vec::new(),
        }
    }

    /// The job of this type for the unit, and whether it is new.
    pub fn add_job(&mut self, unit: UnitId, job_type: JobType, pulled_by: Option<(Place, Pull)>) -> (Place, bool) {
        let places = self.by_unit.entry(unit).or_default();
        if let Some(place) = places.iter().find(|place| self.jobs.get(**place).is_some_and(|j| j.job_type == job_type))
        {
            return (*place, false);
        }
        let place = self.jobs.len();
        if places.is_empty() {
            self.units.push(unit);
        }
        places.push(place);
        self.jobs.push(Planned { pulled_by, ..Planned::new(unit, job_type) });
        (place, true)
    }

    /// Notes that `subject` (or the request itself) needs `object`.
    pub fn link(&mut self, subject: Option<Place>, object: Place, matters: bool, conflicts: bool) {
        let at = self.links.len();
        self.links.push(Link { subject, object, matters, conflicts, gone: false });
        if let Some(job) = subject.and_then(|subject| self.jobs.get_mut(subject)) {
            job.needs.push(at);
        }
        if let Some(job) = self.jobs.get_mut(object) {
            job.needed_by.push(at);
        }
    }

    /// The unit's jobs.
    pub fn of_unit(&self, unit: UnitId) -> &[Place] {
        self.by_unit.get(&unit).map_or(&[], Vec::as_slice)
    }

    /// The type of the unit's job; of several, what they will merge to, or the last one if they contradict.
    pub fn job_type(&self, unit: UnitId) -> Option<JobType> {
        let types = self.of_unit(unit).iter().filter_map(|place| self.jobs.get(*place)).map(|job| job.job_type);
        types.reduce(|merged, other| merge(merged, other).unwrap_or(other))
    }

    /// Whether the anchor can't do without one of the unit's jobs.
    pub fn matters(&self, unit: UnitId) -> bool {
        self.of_unit(unit).iter().any(|place| self.jobs.get(*place).is_some_and(|job| job.matters))
    }

    /// Units that have a job, each once, in the order in which they came in.
    pub fn units(&self) -> Vec<UnitId> {
        let mut seen = std::collections::HashSet::new();
        self.units.iter().copied().filter(|unit| !self.of_unit(*unit).is_empty() && seen.insert(*unit)).collect()
    }

    /// Drops a job; with `dependents`, also the jobs that can't do without it. Returns the jobs that nobody needs now.
    pub fn drop_job(&mut self, place: Place, dependents: bool, reason: Dropped) -> Vec<Place> {
        let mut orphans = Vec::new();
        let mut todo = vec![(place, reason)];
        while let Some((place, reason)) = todo.pop() {
            let Some(job) = self.jobs.get_mut(place).filter(|job| job.dropped.is_none()) else { continue };
            job.dropped = Some(reason);
            let (needs, needed_by) = (std::mem::take(&mut job.needs), std::mem::take(&mut job.needed_by));
            if let Some(places) = self.by_unit.get_mut(&job.unit) {
                places.retain(|other| *other != place);
            }
            for at in needs {
                let Some(link) = self.links.get_mut(at).filter(|link| !link.gone) else { continue };
                link.gone = true;
                let object = link.object;
                if self.is_orphan(object) {
                    orphans.push(object);
                }
            }
            for at in needed_by {
                let Some(link) = self.links.get_mut(at).filter(|link| !link.gone) else { continue };
                link.gone = true;
                if let Some(subject) = link.subject.filter(|_| dependents && link.matters) {
                    todo.push((subject, Dropped::Without(place)));
                }
            }
        }
        orphans
    }

    /// Whether nobody needs this job.
    pub fn is_orphan(&self, place: Place) -> bool {
        place != self.anchor
            && self.jobs.get(place).is_some_and(|job| {
                job.dropped.is_none() && job.needed_by.iter().all(|at| self.links.get(*at).is_none_or(|link| link.gone))
            })
    }
}
