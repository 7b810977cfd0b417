//! The ordering cycle for which a unit was not started: kept whole for as long as that is why it doesn't run.
//!
//! Other things happen to such a unit (it is stopped, its files are read again, it is unloaded), and would push the cycle out
//! of its few last changes. What ends it is that the unit starts, or that a start of it is queued: whatever comes of that
//! is the reason from then on.

use std::collections::VecDeque;
use std::sync::Arc;

use unit_parser::UnitName;

use super::api::action::{Action, LogLevel};
use super::api::types::JobType;
use super::engine::{Cx, Engine};
use super::graph::UnitId;
use super::transaction::order::Cycle;
use super::transaction::{Dropped, Place, Planned, Transaction};
use super::why::WhyEntry;

/// Entries kept per unit.
const KEPT: usize = 12;

/// The last links of a unit's causal chain.
#[derive(Debug, Clone, Default)]
pub(super) struct Chain {
    /// The longest ago first: their numbers ascend.
    pub entries: VecDeque<Arc<WhyEntry>>,
    /// The one that tells of a cycle for which the unit wasn't started.
    pub cycle: Option<u64>,
}

impl Chain {
    /// Adds an entry; the oldest one goes for it, but never the cycle.
    pub fn push(&mut self, entry: Arc<WhyEntry>) {
        if self.entries.len() >= KEPT {
            let goes = self.entries.iter().position(|entry| Some(entry.sequence) != self.cycle);
            goes.and_then(|at| self.entries.remove(at));
        }
        self.entries.push_back(entry);
    }

    /// The entry of this number.
    pub fn find(&self, sequence: u64) -> Option<&WhyEntry> {
        let at = self.entries.binary_search_by_key(&sequence, |entry| entry.sequence).ok()?;
        self.entries.get(at).map(|entry| &**entry)
    }

    /// What is to be on disk.
    pub fn saved(&self) -> Vec<WhyEntry> {
        self.entries.iter().map(|entry| (**entry).clone()).collect()
    }

    /// What was on disk.
    pub fn restored(entries: Vec<WhyEntry>, cycle: Option<u64>) -> Chain {
        Chain { entries: entries.into_iter().map(Arc::new).collect(), cycle }
    }
}

fn starts(job: &Planned) -> bool {
    matches!(job.job_type, JobType::Start | JobType::Restart)
}

impl Engine {
    /// The cycle because of which the unit doesn't run, and what led to it; empty if that isn't why.
    pub fn cycle(&self, unit: &UnitName) -> Vec<WhyEntry> {
        let chain = self.graph.find(unit).map(|id| &self.graph[id].why).or_else(|| self.trail.past(unit));
        let Some(chain) = chain else { return Vec::new() };
        let first = chain.cycle.and_then(|sequence| chain.find(sequence));
        std::iter::successors(first, |entry| entry.parent.and_then(|parent| self.find_entry(parent))).cloned().collect()
    }

    /// The unit stays down because of the cycle that this entry tells of.
    pub(super) fn held_by_cycle(&mut self, unit: UnitId, entry: Option<u64>) {
        let record = &mut self.graph[unit];
        if record.active.is_down() && record.job.is_none() {
            record.why.cycle = entry;
            self.save(unit);
        }
    }

    /// Tells of the cycles that were broken, and of all that isn't started for that.
    pub(super) fn report_cycles(&mut self, cx: &mut Cx, plan: &Transaction, cycles: &[Cycle]) {
        let mut told = Vec::new();
        for cycle in cycles {
            let Some(victim) = cycle.dropped else { continue };
            let name = self.graph[victim].name.clone();
            let text = format!("Ordering cycle found, jobs of {name} dropped: {}", cycle.edges.join("; "));
            self.actions.push(Action::Log(Some(name.clone()), LogLevel::Error, text.clone()));
            // It may be long: told once, and the others' entries lead to it.
            let whole = self.record_job(cx, victim, text);
            let outer = self.trail.enter(whole);
            for unit in cycle.units.iter().filter(|unit| **unit != victim) {
                self.record_job(cx, *unit, format!("part of an ordering cycle, jobs of {name} dropped"));
            }
            self.trail.leave(outer);
            told.push((victim, whole));
        }
        if told.is_empty() {
            return;
        }
        for (job, culprit) in plan.jobs.iter().zip(culprits(plan)) {
            let Some(culprit) = culprit.and_then(|place| plan.jobs.get(place)).map(|job| job.unit) else { continue };
            let Some((_, whole)) = told.iter().find(|(victim, _)| *victim == culprit) else { continue };
            if !starts(job) || !plan.of_unit(job.unit).is_empty() {
                continue;
            }
            if job.unit == culprit {
                self.held_by_cycle(job.unit, *whole);
            } else if self.graph[job.unit].active.is_down() {
                let outer = self.trail.enter(*whole);
                let text = format!("start dropped along with that of {}", self.graph[culprit].name);
                let entry = self.record_job(cx, job.unit, text);
                self.trail.leave(outer);
                self.held_by_cycle(job.unit, entry);
            }
        }
    }
}

/// For each job that went because of a cycle the one that was dropped to break it: itself, one that it couldn't do without, or
/// one that pulled it in.
fn culprits(plan: &Transaction) -> Vec<Option<Place>> {
    let mut known: Vec<Option<Option<Place>>> = vec![None; plan.jobs.len()];
    for start in 0..plan.jobs.len() {
        let mut path = Vec::new();
        let mut at = start;
        let found = loop {
            if let Some(Some(found)) = known.get(at) {
                break *found;
            }
            let Some(job) = plan.jobs.get(at).filter(|_| path.len() <= plan.jobs.len()) else { break None };
            path.push(at);
            match (job.dropped, job.pulled_by) {
                (Some(Dropped::Cycle), _) => break Some(at),
                (Some(Dropped::Without(other)), _) | (Some(Dropped::Orphan), Some((other, _))) => at = other,
                (_, _) => break None,
            }
        };
        for place in path {
            if let Some(slot) = known.get_mut(place) {
                *slot = Some(found);
            }
        }
    }
    known.into_iter().map(Option::flatten).collect()
}
