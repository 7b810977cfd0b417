//! Answers to requests.

use unit_parser::UnitName;

use super::types::JobType;

/// What [`super::super::Engine::handle`] answers; events that aren't requests get `Done`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is done.
    Done,
    /// A unit, by its primary name.
    Unit(UnitName),
    /// A job was queued, or merged into a queued one. It may even have ended by now: its `JobRemoved` is among the
    /// actions then, and is to be sent after the reply.
    Queued(Queued),
}

/// The jobs of an accepted request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// The job of the unit that was asked for.
    pub anchor: Affected,
    /// The other jobs of the transaction (`EnqueueUnitJob`).
    pub others: Vec<Affected>,
}

/// One job of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// Its id.
    pub job: u32,
    /// Its unit.
    pub unit: UnitName,
    /// Its type.
    pub job_type: JobType,
}
