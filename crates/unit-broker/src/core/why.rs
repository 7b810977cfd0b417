//! The causal chain of each unit's last changes: who asked, which event, which edge, which line of which file.
//!
//! Every entry names its parent, the entry that led to it. The *trail* is where the engine is in that tree at the
//! moment: the root cause of the event at work, or the entry whose consequences are being worked out.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use unit_parser::{DependencyKind, UnitName};

use super::api::action::Action;
use super::api::cause::Cause;
use super::api::error::EngineError;
use super::api::types::{JobState, JobType};
use super::cycles::Chain;
use super::engine::{Cx, Engine};
use super::graph::UnitId;
use super::transaction::{Planned, Pull, Transaction};

/// Unloaded units whose entries are kept: most jobs that come to nothing belong to units that are unloaded right after.
const PAST: usize = 128;
/// Entries told at most by one `why`.
const TOLD: usize = 64;

/// One link of a causal chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyEntry {
    /// Counts up over all units.
    pub sequence: u64,
    /// CLOCK_REALTIME, µs.
    pub realtime_usec: u64,
    /// The unit that changed.
    pub unit: UnitName,
    /// What happened: `inactive (dead) -> activating (start)`, `job 12 start queued`, ...
    pub change: Cow<'static, str>,
    /// What caused it.
    pub cause: Arc<str>,
    /// Where the edge is written (`/etc/systemd/system/foo.service:7`), or empty.
    pub source: String,
    /// The entry that led to this one; `None` for a root cause.
    pub parent: Option<u64>,
}

/// Where the engine is in the tree of causes.
#[derive(Debug, Clone, Default)]
pub(super) struct Trail {
    pub next: u64,
    root: Arc<str>,
    parent: Option<u64>,
    /// Entries of units that are unloaded, the longest ago first.
    past: VecDeque<(UnitName, Chain)>,
}

/// What to go back to.
pub(super) struct Outer(Option<Arc<str>>, Option<u64>);

impl Trail {
    /// Goes on below an entry; `None` stays where it is.
    pub fn enter(&mut self, entry: Option<u64>) -> Outer {
        let outer = Outer(None, self.parent);
        if entry.is_some() {
            self.parent = entry;
        }
        outer
    }

    /// Starts a new tree.
    pub fn root(&mut self, cause: &Cause) -> Outer {
        let outer = Outer(Some(std::mem::replace(&mut self.root, cause.to_string().into())), self.parent.take());
        if let Cause::Entry { sequence, .. } = cause {
            self.parent = Some(*sequence);
        }
        outer
    }

    /// Back to where it was.
    pub fn leave(&mut self, outer: Outer) {
        self.parent = outer.1;
        if let Some(root) = outer.0 {
            self.root = root;
        }
    }

    /// A unit is unloaded; the unit whose entries are given up for it.
    pub fn keep(&mut self, unit: UnitName, chain: Chain) -> Option<UnitName> {
        if chain.entries.is_empty() {
            return None;
        }
        self.past.push_back((unit, chain));
        if self.past.len() > PAST { self.past.pop_front().map(|(unit, _)| unit) } else { None }
    }

    /// A unit is loaded (again): what happened to it before.
    pub fn take(&mut self, unit: &UnitName) -> Chain {
        let at = self.past.iter().position(|(past, _)| past == unit);
        at.and_then(|at| self.past.remove(at)).map(|(_, chain)| chain).unwrap_or_default()
    }

    /// What happened to a unit that isn't loaded.
    pub fn past(&self, unit: &UnitName) -> Option<&Chain> {
        self.past.iter().find(|(past, _)| past == unit).map(|(_, chain)| chain)
    }

    /// The root cause in words.
    pub fn cause_text(&self) -> Arc<str> {
        self.root.clone()
    }
}

impl Engine {
    /// Adds an entry; returns its number.
    pub(super) fn record(
        &mut self,
        cx: &Cx,
        unit: UnitId,
        change: impl Into<Cow<'static, str>>,
        cause: impl Into<Arc<str>>,
        source: String,
    ) -> Option<u64> {
        let sequence = self.trail.next;
        self.trail.next += 1;
        let entry = Arc::new(WhyEntry {
            sequence,
            realtime_usec: cx.now.realtime_usec,
            unit: self.graph[unit].name.clone(),
            change: change.into(),
            cause: cause.into(),
            source,
            parent: self.trail.parent,
        });
        self.actions.push(Action::Why(entry.clone()));
        self.graph[unit].why.push(entry);
        Some(sequence)
    }

    /// Something happened to a unit's job, because of what is going on.
    pub(super) fn record_job(&mut self, cx: &Cx, unit: UnitId, change: impl Into<Cow<'static, str>>) -> Option<u64> {
        let cause = self.trail.cause_text();
        self.record(cx, unit, change, cause, String::new())
    }

    /// Something happened to a unit because of a dependency between two.
    pub(super) fn record_edge(
        &mut self,
        cx: &Cx,
        unit: UnitId,
        change: String,
        (from, kind, to): (UnitId, DependencyKind, UnitId),
    ) -> Option<u64> {
        let cause = format!("{} {}={}", self.graph[from].name, kind.as_str(), self.graph[to].name);
        let source = self.edge_source(from, kind, to);
        self.record(cx, unit, change, cause, source)
    }

    /// Every place that a dependency is written at.
    pub(super) fn edge_source(&self, from: UnitId, kind: DependencyKind, to: UnitId) -> String {
        self.graph.sources(from, kind, to).reduce(|first, second| first + ", " + &second).unwrap_or_default()
    }

    /// A job of a transaction is about to be queued.
    pub(super) fn record_pull(
        &mut self,
        cx: &Cx,
        plan: &Transaction,
        job: &Planned,
        cause: Arc<str>,
        whys: &[Option<u64>],
    ) -> Option<u64> {
        let (source, parent) = match job.pulled_by {
            None => (String::new(), None),
            Some((place, pull)) => {
                let by = plan.jobs.get(place).map(|by| by.unit);
                let source = match (by, pull) {
                    (Some(by), Pull::Dependency(kind)) => self.edge_source(by, kind, job.unit),
                    (_, Pull::Dependency(_) | Pull::Following | Pull::Isolate | Pull::Triggering) => String::new(),
                };
                (source, whys.get(place).copied().flatten())
            }
        };
        let change = match self.graph[job.unit].job.and_then(|id| self.jobs.get(id)) {
            Some(queued) if super::jobs::kind::conflicts(queued.job_type, job.job_type) => {
                format!("{} job queued, replacing {}", job.job_type, queued.job_type).into()
            }
            Some(queued) => format!("{} job merged into {}", job.job_type, queued.job_type).into(),
            // The usual ones, thousands at a time.
            None if job.job_type == JobType::Start => Cow::Borrowed("start job queued"),
            None if job.job_type == JobType::Stop => Cow::Borrowed("stop job queued"),
            None => format!("{} job queued", job.job_type).into(),
        };
        let outer = self.trail.enter(parent);
        let sequence = self.record(cx, job.unit, change, cause, source);
        self.trail.leave(outer);
        sequence
    }

    /// A request came to nothing.
    pub(super) fn record_refusal(&mut self, cx: &Cx, unit: UnitId, job_type: JobType, error: &EngineError) {
        let change = match error {
            EngineError::Cyclic(edges) => format!("{job_type} refused, its order is cyclic: {}", edges.join("; ")),
            error => format!("{job_type} refused: {error}"),
        };
        let entry = self.record_job(cx, unit, change);
        if matches!(error, EngineError::Cyclic(_)) && job_type != JobType::Stop {
            self.held_by_cycle(unit, entry);
        }
    }

    pub(super) fn find_entry(&self, sequence: u64) -> Option<&WhyEntry> {
        // Numbers ascend in every unit's list, so each is a quick look.
        let past = self.trail.past.iter().map(|(_, chain)| chain);
        self.graph.iter().map(|record| &record.why).chain(past).find_map(|chain| chain.find(sequence))
    }

    /// The causal chain of a unit's last changes, newest first; parents (of other units too) follow their children.
    /// What its job waits for right now comes first. Units that were unloaded a short while ago are still known.
    pub fn why(&self, unit: &UnitName) -> Vec<WhyEntry> {
        let id = self.graph.find(unit);
        let kept = match id {
            Some(id) => &self.graph[id].why,
            None => match self.trail.past(unit) {
                Some(past) => past,
                None => return Vec::new(),
            },
        };
        let waits = id.and_then(|id| self.waits(id));
        let mut told: Vec<WhyEntry> = Vec::new();
        for own in waits.iter().chain(kept.entries.iter().rev().map(|entry| &**entry)) {
            let mut next = Some(own);
            while let Some(entry) = next {
                if told.len() >= TOLD || told.iter().any(|known| known.sequence == entry.sequence) {
                    break;
                }
                told.push(entry.clone());
                next = entry.parent.and_then(|parent| self.find_entry(parent));
            }
        }
        told
    }

    /// What a unit's job waits for, made up now: it may change any time, and nothing happened.
    fn waits(&self, id: UnitId) -> Option<WhyEntry> {
        let job = self.jobs.get(self.graph[id].job?).filter(|job| job.state == JobState::Waiting)?;
        let (kind, blocker) = self.blocked_by(job.id)?;
        let blocker = self.jobs.get(blocker)?;
        let other = &self.graph[blocker.unit].name;
        let parent = job.why.and_then(|why| self.find_entry(why));
        Some(WhyEntry {
            sequence: u64::MAX,
            realtime_usec: parent.map_or(0, |entry| entry.realtime_usec),
            unit: self.graph[id].name.clone(),
            change: format!(
                "job {} {} waits for job {} {} of {other}",
                job.id.0, job.job_type, blocker.id.0, blocker.job_type
            )
            .into(),
            cause: format!("{} {}={other}", self.graph[id].name, kind.as_str()).into(),
            source: self.edge_source(id, kind, blocker.unit),
            parent: parent.map(|entry| entry.sequence),
        })
    }
}
