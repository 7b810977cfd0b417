//! Installed jobs: at most one per unit (and one that does nothing), waiting or running.

pub(in crate::core) mod finish;
pub(in crate::core) mod install;
pub(in crate::core) mod kind;
pub(in crate::core) mod queue;
pub(in crate::core) mod run;
pub(in crate::core) mod timer;

use std::collections::BTreeSet;
use std::sync::Arc;

use unit_parser::{DependencyKind, UnitName};

use super::api::event::Invocation;
use super::api::types::{JobState, JobType};
use super::graph::UnitId;

pub(in crate::core) use queue::Jobs;

/// A job's number, as on D-Bus. Never 0, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::core) struct JobId(pub u32);

/// One installed job.
#[derive(Debug, Clone)]
pub(in crate::core) struct Job {
    pub id: JobId,
    pub unit: UnitId,
    /// The unit's name.
    pub name: UnitName,
    pub job_type: JobType,
    pub state: JobState,
    pub irreversible: bool,
    pub ignore_order: bool,
    /// Clients that asked for it and may be waiting.
    pub clients: BTreeSet<u64>,
    /// When it was installed (monotonic, µs).
    pub begin: u64,
    /// When it began to run, or 0.
    pub running: u64,
    /// When it times out (monotonic, µs).
    pub deadline: Option<u64>,
    /// The invocation id that its start command carried.
    pub invocation: Option<Invocation>,
    /// A restart in which the unit never goes down.
    pub overlap: bool,
    /// Its link of the causal chain.
    pub why: Option<u64>,
    pub cause: Arc<str>,
    /// Where the look for a job to wait for stopped: the search goes on from there, so that all searches of a job
    /// together take time linear in its dependencies.
    pub cursor: Option<(DependencyKind, UnitId)>,
    /// It is in the queue of those to be tried next.
    pub queued: bool,
    /// Jobs that look at this one again when it ends or changes.
    pub waiters: Vec<JobId>,
}

impl Job {
    /// Whether its unit goes down, which comes before what is to start.
    pub fn stops(&self) -> bool {
        kind::stops(self.job_type) && !self.overlap
    }
}
