//! What survives a restart of the broker: jobs, timestamps, results that no worker knows.

use serde::{Deserialize, Serialize};
use unit_parser::UnitName;

use super::api::event::Invocation;
use super::api::types::{JobState, JobType};
use super::api::view::{ConditionView, Stamps};
use super::why::WhyEntry;

/// One unit's record: one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedUnit {
    /// Which.
    pub unit: UnitName,
    /// When it changed.
    pub stamps: Stamps,
    /// Conditions.
    pub conditions: ConditionView,
    /// Asserts.
    pub asserts: ConditionView,
    /// Of the last start.
    pub invocation: Invocation,
    /// For kinds that the engine itself owns (targets, slices): whether it is active.
    pub active: bool,
    /// A failure that only the engine knows (`start-limit-hit`), or empty.
    pub failure: String,
    /// Its job.
    pub job: Option<SavedJob>,
    /// Recent starts, for `StartLimitBurst=`: begin of the interval (monotonic, µs) and count.
    pub starts: (u64, u32),
    /// The last links of its causal chain.
    pub why: Vec<WhyEntry>,
}

/// An installed job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedJob {
    /// Its id.
    pub id: u32,
    /// What it does.
    pub job_type: JobType,
    /// Whether it had begun.
    pub state: JobState,
    /// It can't be canceled by another transaction.
    pub irreversible: bool,
    /// It heeds no ordering.
    pub ignore_order: bool,
    /// When it was installed (monotonic, µs).
    pub begin: u64,
    /// When it began to run (monotonic, µs), or 0.
    pub running: u64,
    /// The invocation id that its start command carried, so that it isn't started twice.
    pub invocation: Option<Invocation>,
    /// Why it exists.
    pub cause: String,
}

/// The manager's own record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SavedManager {
    /// The id that the next job gets.
    pub next_job: u32,
    /// The number of the next entry of the causal chain.
    pub next_why: u64,
    /// The boot's jobs are done.
    pub startup_finished: bool,
}
