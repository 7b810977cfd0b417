//! Ordering cycles: found over the order in which the jobs would run, and broken where that does no harm.
//!
//! Stops never wait for starts, so all stops come first and a cycle is among stops only or among starts only. A
//! restart is both, one after the other, and has to be free of cycles as either. (systemd looks at restarts as stops
//! only, and such jobs wait for each other forever.)

use unit_parser::DependencyKind;

use super::{Dropped, Transaction};
use crate::core::api::error::EngineError;
use crate::core::api::types::JobType;
use crate::core::engine::Engine;
use crate::core::graph::UnitId;
use crate::core::graph::dependencies::Dependency;
use crate::core::jobs::kind::{merge, stops};

/// A cycle that was found, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::core) struct Cycle {
    /// One ordering edge a line: `a.service start runs before b.service start (FILE:LINE)`.
    pub edges: Vec<String>,
    /// Its units.
    pub units: Vec<UnitId>,
    /// Whose jobs were dropped to break it.
    pub dropped: Option<UnitId>,
}

/// A unit on the path of the search.
struct Step<'a> {
    unit: UnitId,
    /// Units whose jobs run after this one's, if they have any: still to be looked at.
    next: std::slice::Iter<'a, Dependency>,
}

/// What the search knows.
struct Search {
    phase: Phase,
    /// Units with jobs of this phase, by place.
    involved: Vec<bool>,
    /// By place.
    marks: Vec<Mark>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    OnPath,
    Done,
}

/// Which jobs are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Stops,
    Starts,
}

impl Phase {
    /// Whether a job is part of it.
    fn has(self, job_type: JobType) -> bool {
        match self {
            Phase::Stops => stops(job_type),
            Phase::Starts => !matches!(job_type, JobType::Stop | JobType::Nop),
        }
    }

    /// The dependencies on units whose jobs run after this one's: stops in reverse order.
    fn order(self) -> DependencyKind {
        match self {
            Phase::Stops => DependencyKind::After,
            Phase::Starts => DependencyKind::Before,
        }
    }
}

impl Engine {
    /// Breaks all cycles, or refuses.
    pub(in crate::core) fn break_cycles(&self, plan: &mut Transaction) -> Result<Vec<Cycle>, EngineError> {
        let mut broken = self.break_cycles_among(plan, Phase::Stops)?;
        broken.extend(self.break_cycles_among(plan, Phase::Starts)?);
        Ok(broken)
    }

    fn break_cycles_among(&self, plan: &mut Transaction, phase: Phase) -> Result<Vec<Cycle>, EngineError> {
        plan.drop_orphans();
        let mut broken = Vec::new();
        let places = self.graph.places();
        // A unit without a way into a cycle stays so when jobs go, so what is done needn't be looked at again.
        let mut search = Search { phase, involved: vec![false; places], marks: vec![Mark::New; places] };
        let starts: Vec<UnitId> = plan.units().filter(|unit| self.is_involved(plan, phase, *unit)).collect();
        if starts.is_empty() {
            return Ok(broken);
        }
        plan.thinned.clear();
        self.look_who_is_involved(plan, &mut search, plan.units().chain(self.jobs.units()));
        for start in starts {
            while let Some(path) = self.find_cycle(start, &mut search) {
                let mut cycle = self.describe(plan, &path);
                // systemd walks back from where it noticed and takes the first job that the anchor can do without.
                let droppable = |unit: &UnitId| !plan.of_unit(*unit).is_empty() && !plan.matters(*unit);
                let victim = path.iter().rev().copied().find(droppable);
                let Some(victim) = victim else { return Err(EngineError::Cyclic(cycle.edges)) };
                cycle.dropped = Some(victim);
                broken.push(cycle);
                plan.drop_unit(victim, Dropped::Cycle);
                plan.drop_orphans();
                let thinned = std::mem::take(&mut plan.thinned);
                self.look_who_is_involved(plan, &mut search, thinned.into_iter());
            }
        }
        Ok(broken)
    }

    fn is_involved(&self, plan: &Transaction, phase: Phase, unit: UnitId) -> bool {
        self.job_type_of(plan, unit).is_some_and(|job_type| phase.has(job_type))
    }

    fn look_who_is_involved(&self, plan: &Transaction, search: &mut Search, units: impl Iterator<Item = UnitId>) {
        for unit in units {
            if let Some(involved) = search.involved.get_mut(unit.0 as usize) {
                *involved = self.is_involved(plan, search.phase, unit);
            }
        }
    }

    /// A cycle that can be reached from here, as the path of units from its start to where it was noticed.
    fn find_cycle(&self, start: UnitId, search: &mut Search) -> Option<Vec<UnitId>> {
        let Search { phase, involved, marks } = search;
        let is_involved = |unit: UnitId| involved.get(unit.0 as usize) == Some(&true);
        let mut mark = |unit: UnitId, new: Mark| {
            marks.get_mut(unit.0 as usize).map_or(Mark::Done, |mark| std::mem::replace(mark, new))
        };
        let step = |unit| Step { unit, next: self.graph[unit].dependencies.list(phase.order()).iter() };
        let was = mark(start, Mark::OnPath);
        if was == Mark::Done || !is_involved(start) {
            mark(start, was);
            return None;
        }
        let mut path = vec![step(start)];
        while let Some(Step { unit, next }) = path.last_mut() {
            let Some(Dependency { other, .. }) = next.find(|next| next.is_said() && is_involved(next.other)) else {
                mark(*unit, Mark::Done);
                path.pop();
                continue;
            };
            match mark(*other, Mark::OnPath) {
                Mark::Done => {
                    mark(*other, Mark::Done);
                }
                Mark::OnPath => {
                    // The next search begins at the same start.
                    for step in &path {
                        mark(step.unit, Mark::New);
                    }
                    return Some(path.into_iter().map(|step| step.unit).skip_while(|unit| unit != other).collect());
                }
                Mark::New => path.push(step(*other)),
            }
        }
        None
    }

    /// The unit's job in the plan, the one that is installed, or what both will merge to.
    fn job_type_of(&self, plan: &Transaction, unit: UnitId) -> Option<JobType> {
        let installed = self.graph[unit].job.and_then(|id| self.jobs.get(id)).map(|job| job.job_type);
        match (plan.job_type(unit), installed) {
            (Some(planned), Some(installed)) => merge(installed, planned).or(Some(planned)),
            (planned, installed) => planned.or(installed),
        }
    }

    fn describe(&self, plan: &Transaction, path: &[UnitId]) -> Cycle {
        let mut edges = Vec::new();
        for (at, unit) in path.iter().enumerate() {
            let Some(next) = path.get(at + 1).or(path.first()) else { continue };
            let kind = if self.graph.has(*unit, DependencyKind::Before, *next) {
                DependencyKind::Before
            } else {
                DependencyKind::After
            };
            let job = |unit| self.job_type_of(plan, unit).unwrap_or(JobType::Nop);
            let (name, other) = (&self.graph[*unit].name, &self.graph[*next].name);
            let (own, then) = (job(*unit), job(*next));
            edges.push(format!("{name} {own} runs before {other} {then} ({})", self.edge_source(*unit, kind, *next)));
        }
        Cycle { edges, units: path.to_vec(), dropped: None }
    }
}
