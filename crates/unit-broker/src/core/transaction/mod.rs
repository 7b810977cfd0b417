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

use smallvec::SmallVec;
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
    pub needs: Links,
    /// Links in which this job is the one that is needed.
    pub needed_by: Links,
    /// How many of these aren't gone.
    pub needed: usize,
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
            needs: Links::default(),
            needed_by: Links::default(),
            needed: 0,
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
    /// The next one of the same subject.
    next_need: Option<u32>,
    /// The next one of the same object.
    next_needed: Option<u32>,
}

/// A job's links: the first and the last one; each tells the next. There are too many for a list each.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::core) struct Links(Option<(u32, u32)>);

/// One unit's jobs: nearly always one.
type Places = SmallVec<[Place; 2]>;

/// A set of jobs in the making.
#[derive(Debug, Clone)]
pub(in crate::core) struct Transaction {
    pub mode: JobMode,
    pub jobs: Vec<Planned>,
    pub links: Vec<Link>,
    pub anchor: Place,
    pub refused: Vec<Refused>,
    /// Units in the order in which they came in, each with the places of those of its jobs that aren't dropped.
    units: Vec<(UnitId, Places)>,
    /// Where a unit is among these, plus one, by the unit's place in the graph.
    index: Vec<u32>,
    /// Jobs that lost one that needs them, since orphans were dropped last.
    left: Vec<Place>,
    /// Units that lost a job, since this was last taken.
    pub thinned: Vec<UnitId>,
}

impl Transaction {
    /// An empty one, for a graph with so many places.
    pub fn new(mode: JobMode, places: usize) -> Transaction {
        Transaction {
            mode,
            jobs: Vec::new(),
            links: Vec::new(),
            anchor: 0,
            refused: Vec::new(),
            units: Vec::new(),
            index: vec![0; places],
            left: Vec::new(),
            thinned: Vec::new(),
        }
    }

    /// Where the unit is among those of this transaction.
    fn at(&self, unit: UnitId) -> Option<usize> {
        let at = self.index.get(unit.0 as usize).copied()?;
        usize::try_from(at).ok()?.checked_sub(1)
    }

    /// The places of the unit's jobs, to change.
    fn places_mut(&mut self, unit: UnitId) -> Option<&mut Places> {
        let at = match self.at(unit) {
            Some(at) => at,
            None => {
                let at = self.units.len();
                *self.index.get_mut(unit.0 as usize)? = u32::try_from(at + 1).ok()?;
                self.units.push((unit, Places::new()));
                at
            }
        };
        self.units.get_mut(at).map(|(_, places)| places)
    }

    /// The job of this type for the unit, and whether it is new.
    pub fn add_job(&mut self, unit: UnitId, job_type: JobType, pulled_by: Option<(Place, Pull)>) -> (Place, bool) {
        let is_same = |place: &&Place| self.jobs.get(**place).is_some_and(|job| job.job_type == job_type);
        if let Some(place) = self.of_unit(unit).iter().find(is_same) {
            return (*place, false);
        }
        let place = self.jobs.len();
        if let Some(places) = self.places_mut(unit) {
            places.push(place);
        }
        self.jobs.push(Planned { pulled_by, ..Planned::new(unit, job_type) });
        (place, true)
    }

    /// Notes that `subject` (or the request itself) needs `object`.
    pub fn link(&mut self, subject: Option<Place>, object: Place, matters: bool, conflicts: bool) {
        let Ok(at) = u32::try_from(self.links.len()) else { return };
        let (next_need, next_needed) = (None, None);
        self.links.push(Link { subject, object, matters, conflicts, gone: false, next_need, next_needed });
        let new = Links(Some((at, at)));
        if let Some(job) = subject.and_then(|subject| self.jobs.get(subject)) {
            let needs = job.needs;
            let all = self.append_needs(needs, new);
            if let Some(job) = subject.and_then(|subject| self.jobs.get_mut(subject)) {
                job.needs = all;
            }
        }
        if let Some(job) = self.jobs.get_mut(object) {
            job.needed += 1;
            let needed_by = job.needed_by;
            let all = self.append_needed(needed_by, new);
            if let Some(job) = self.jobs.get_mut(object) {
                job.needed_by = all;
            }
        }
    }

    fn link_mut(&mut self, at: u32) -> Option<&mut Link> {
        self.links.get_mut(usize::try_from(at).ok()?)
    }

    fn append(&mut self, one: Links, other: Links, next: fn(&mut Link) -> &mut Option<u32>) -> Links {
        let (Some((first, last)), Some((second, end))) = (one.0, other.0) else { return Links(one.0.or(other.0)) };
        if let Some(link) = self.link_mut(last) {
            *next(link) = Some(second);
        }
        Links(Some((first, end)))
    }

    /// Two jobs' needs as one job's.
    fn append_needs(&mut self, one: Links, other: Links) -> Links {
        self.append(one, other, |link| &mut link.next_need)
    }

    /// What needs one of two jobs, as one job's.
    fn append_needed(&mut self, one: Links, other: Links) -> Links {
        self.append(one, other, |link| &mut link.next_needed)
    }

    fn follow(&self, links: Links, next: fn(&Link) -> Option<u32>) -> impl Iterator<Item = (usize, &Link)> {
        let mut at = links.0.map(|(first, _)| first);
        std::iter::from_fn(move || {
            let place = usize::try_from(at?).ok()?;
            let link = self.links.get(place)?;
            at = next(link);
            Some((place, link))
        })
    }

    /// The links in which a job needs another, in the order in which they came.
    pub fn needs(&self, job: &Planned) -> impl Iterator<Item = (usize, &Link)> {
        self.follow(job.needs, |link| link.next_need)
    }

    /// The links in which a job is needed, in the order in which they came.
    pub fn needed_by(&self, job: &Planned) -> impl Iterator<Item = (usize, &Link)> {
        self.follow(job.needed_by, |link| link.next_needed)
    }

    /// The unit's jobs.
    pub fn of_unit(&self, unit: UnitId) -> &[Place] {
        self.at(unit).and_then(|at| self.units.get(at)).map_or(&[], |(_, places)| places.as_slice())
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
    pub fn units(&self) -> impl Iterator<Item = UnitId> + '_ {
        self.units.iter().filter(|(_, places)| !places.is_empty()).map(|(unit, _)| *unit)
    }

    /// Drops a job; with `dependents`, also the jobs that can't do without it.
    pub fn drop_job(&mut self, place: Place, dependents: bool, reason: Dropped) {
        let mut todo = vec![(place, reason)];
        while let Some((place, reason)) = todo.pop() {
            let Some(job) = self.jobs.get_mut(place).filter(|job| job.dropped.is_none()) else { continue };
            job.dropped = Some(reason);
            let unit = job.unit;
            self.thinned.push(unit);
            let Some(job) = self.jobs.get_mut(place) else { continue };
            let gone = Planned { needs: job.needs, needed_by: job.needed_by, ..Planned::new(unit, job.job_type) };
            (job.needs, job.needed_by) = Default::default();
            if let Some(places) = self.places_mut(unit) {
                places.retain(|other| *other != place);
            }
            let links: Vec<usize> = self.needs(&gone).chain(self.needed_by(&gone)).map(|(at, _)| at).collect();
            for at in links {
                let Some(link) = self.links.get_mut(at).filter(|link| !link.gone) else { continue };
                link.gone = true;
                let (subject, object, matters) = (link.subject, link.object, link.matters);
                if let Some(job) = self.jobs.get_mut(object) {
                    job.needed -= 1;
                }
                if object != place {
                    self.left.push(object);
                } else if let Some(subject) = subject.filter(|_| dependents && matters) {
                    todo.push((subject, Dropped::Without(place)));
                }
            }
        }
    }

    /// Whether nobody needs this job.
    fn is_orphan(&self, place: Place) -> bool {
        place != self.anchor && self.jobs.get(place).is_some_and(|job| job.dropped.is_none() && job.needed == 0)
    }
}
