//! Ordering cycles: found over the order in which the jobs would run, and broken where that does no harm.
//!
//! Stops never wait for starts, so all stops come first and a cycle is among stops only or among starts only. A
//! restart is both, one after the other, and has to be free of cycles as either. (systemd looks at restarts as stops
//! only, and such jobs wait for each other forever.)

use std::collections::HashMap;

use unit_parser::DependencyKind;

use super::{Dropped, Transaction};
use crate::core::api::error::EngineError;
use crate::core::api::types::JobType;
use crate::core::engine::Engine;
use crate::core::graph::{UnitId, source_text};
use crate::core::jobs::kind::{first_runs_first, merge};

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
struct Step {
    unit: UnitId,
    /// Units whose jobs run after this one's, still to be looked at.
    next: std::vec::IntoIter<UnitId>,
}

enum Mark {
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
    /// What a job is in this phase, if it is part of it.
    fn part(self, job_type: JobType) -> Option<JobType> {
        match (self, job_type) {
            (Phase::Stops, JobType::Stop | JobType::Restart | JobType::TryRestart) => Some(JobType::Stop),
            (Phase::Starts, JobType::Restart | JobType::TryRestart) => Some(JobType::Start),
            (Phase::Starts, JobType::Stop) | (_, JobType::Nop) => None,
            (
                Phase::Stops,
                JobType::Start | JobType::VerifyActive | JobType::Reload | JobType::TryReload | JobType::ReloadOrStart,
            ) => None,
            (Phase::Starts, other) => Some(other),
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
        let mut broken = Vec::new();
        // A unit without a way into a cycle stays so when jobs go, so what is done needn't be looked at again.
        let mut marks = HashMap::new();
        loop {
            plan.drop_orphans();
            let Some(path) = self.find_cycle(plan, phase, &mut marks) else { return Ok(broken) };
            let mut cycle = self.describe(plan, &path);
            // systemd walks back from where it noticed and takes the first job that the anchor can do without.
            let droppable = |unit: &UnitId| !plan.of_unit(*unit).is_empty() && !plan.matters(*unit);
            let victim = path.iter().rev().copied().find(droppable);
            let Some(victim) = victim else { return Err(EngineError::Cyclic(cycle.edges)) };
            cycle.dropped = Some(victim);
            broken.push(cycle);
            plan.drop_unit(victim, Dropped::Cycle);
            marks.retain(|_, mark| matches!(mark, Mark::Done));
        }
    }

    /// A cycle as the path of units from its start to where it was noticed.
    fn find_cycle(&self, plan: &Transaction, phase: Phase, marks: &mut HashMap<UnitId, Mark>) -> Option<Vec<UnitId>> {
        for start in plan.units() {
            if marks.contains_key(&start) {
                continue;
            }
            let mut path = vec![self.step(plan, phase, start)];
            marks.insert(start, Mark::OnPath);
            while let Some(step) = path.last_mut() {
                let Some(next) = step.next.next() else {
                    marks.insert(step.unit, Mark::Done);
                    path.pop();
                    continue;
                };
                match marks.get(&next) {
                    Some(Mark::Done) => {}
                    Some(Mark::OnPath) => {
                        return Some(path.into_iter().map(|step| step.unit).skip_while(|unit| *unit != next).collect());
                    }
                    None => {
                        marks.insert(next, Mark::OnPath);
                        path.push(self.step(plan, phase, next));
                    }
                }
            }
        }
        None
    }

    fn step(&self, plan: &Transaction, phase: Phase, unit: UnitId) -> Step {
        Step { unit, next: self.runs_after(plan, phase, unit).into_iter() }
    }

    /// The unit's job in the plan, the one that is installed, or what both will merge to.
    fn job_type_of(&self, plan: &Transaction, unit: UnitId) -> Option<JobType> {
        let installed = self.graph[unit].job.and_then(|id| self.jobs.get(id)).map(|job| job.job_type);
        match (plan.job_type(unit), installed) {
            (Some(planned), Some(installed)) => merge(installed, planned).or(Some(planned)),
            (planned, installed) => planned.or(installed),
        }
    }

    /// Units whose jobs run after this unit's.
    fn runs_after(&self, plan: &Transaction, phase: Phase, unit: UnitId) -> Vec<UnitId> {
        let job_of = |other| self.job_type_of(plan, other).and_then(|job_type| phase.part(job_type));
        let Some(own) = job_of(unit) else { return Vec::new() };
        let later = self
            .graph
            .of_kind(unit, DependencyKind::Before)
            .filter(|other| job_of(*other).is_some_and(|job| first_runs_first(own, job) == Some(true)));
        let earlier = self
            .graph
            .of_kind(unit, DependencyKind::After)
            .filter(|other| job_of(*other).is_some_and(|job| first_runs_first(job, own) == Some(false)));
        later.chain(earlier).collect()
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
            let sources: Vec<String> = self.graph.sources(*unit, kind, *next).into_iter().map(source_text).collect();
            let job = |unit| self.job_type_of(plan, unit).unwrap_or(JobType::Nop);
            let (name, other) = (&self.graph[*unit].name, &self.graph[*next].name);
            let (own, then) = (job(*unit), job(*next));
            edges.push(format!("{name} {own} runs before {other} {then} ({})", sources.join(", ")));
        }
        Cycle { edges, units: path.to_vec(), dropped: None }
    }
}
