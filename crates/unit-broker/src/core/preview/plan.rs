//! The transaction of a request, told instead of installed.

use super::quiet::Quiet;
use crate::core::api::error::EngineError;
use crate::core::api::event::{Event, JobRequest};
use crate::core::api::types::{JobMode, JobType, Time};
use crate::core::api::world::World;
use crate::core::engine::{Cx, Engine};
use crate::core::graph::UnitId;
use crate::core::jobs::kind::{conflicts, merge_and_collapse};
use crate::core::transaction::order::Cycle;
use crate::core::transaction::{Dropped, Planned, Pull, Refused, Transaction};
use unit_parser::UnitName;

/// What would become of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It would be queued.
    New,
    /// It would become part of the unit's queued job.
    Merged,
    /// It would be queued, and the unit's queued job canceled.
    Replaces,
    /// It would have been part of the transaction, but isn't needed or wanted in the end.
    Dropped,
    /// A queued job that would be canceled.
    Canceled,
    /// It can't be done, or the whole request can't.
    Refused,
}

impl Fate {
    /// The word on D-Bus.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Fate::New => "new",
            Fate::Merged => "merged",
            Fate::Replaces => "replaces",
            Fate::Dropped => "dropped",
            Fate::Canceled => "canceled",
            Fate::Refused => "refused",
        }
    }
}

/// A job of a transaction that isn't made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedJob {
    /// Its unit.
    pub unit: UnitName,
    /// Its type.
    pub job_type: JobType,
    /// What pulled it in first.
    pub cause: String,
    /// Where that is written (`/etc/systemd/system/foo.service:7`), or empty.
    pub source: String,
    /// What would become of it.
    pub fate: Fate,
    /// Why, where there is more to say.
    pub reason: String,
    /// The D-Bus name of the error, for what is refused.
    pub error: String,
    /// The job in the list that pulled it in; `None` for the job of a request.
    pub parent: Option<usize>,
}

impl Engine {
    /// The transactions of these requests, one after the other, as they would be made now. An error of a request is an
    /// entry with [`Fate::Refused`] and no parent.
    pub fn preview_plan(&self, now: Time, requests: Vec<JobRequest>, world: &mut dyn World) -> Vec<PlannedJob> {
        let mut world = Quiet::new(world);
        let mut copy = self.clone();
        let mut told = Vec::new();
        for request in requests {
            copy.tell_plan(now, &request, &mut world, &mut told);
            // The next one meets what this one has queued.
            let _told_already = copy.handle(now, Event::Enqueue(request), &mut world);
            copy.drain();
        }
        told
    }

    fn tell_plan(&mut self, now: Time, request: &JobRequest, world: &mut dyn World, told: &mut Vec<PlannedJob>) {
        let mut cx = Cx { now, world };
        let outer = self.trail.root(&request.cause);
        let prepared = self.prepare(&mut cx, request);
        let planned = prepared.and_then(|(unit, job_type)| self.plan(unit, job_type, request.mode));
        match planned {
            Ok((plan, cycles)) => self.tell_jobs(&plan, &cycles, told),
            Err(error) => told.push(PlannedJob {
                unit: request.unit.clone(),
                job_type: request.job_type,
                cause: self.trail.cause_text().to_string(),
                source: String::new(),
                fate: Fate::Refused,
                reason: error_text(&error),
                error: error.dbus_name().to_owned(),
                parent: None,
            }),
        }
        self.trail.leave(outer);
    }

    fn tell_jobs(&self, plan: &Transaction, cycles: &[Cycle], told: &mut Vec<PlannedJob>) {
        let first = told.len();
        for job in &plan.jobs {
            let (fate, job_type, reason) = match job.dropped {
                Some(dropped) => (Fate::Dropped, job.job_type, self.drop_text(plan, cycles, job, dropped)),
                None => self.fate(job),
            };
            told.push(PlannedJob {
                unit: self.graph[job.unit].name.clone(),
                job_type,
                cause: self.pull_text(plan, job).to_string(),
                source: job.pulled_by.map_or_else(String::new, |(by, pull)| self.pull_source(plan, by, pull, job.unit)),
                fate,
                reason,
                error: String::new(),
                parent: job.pulled_by.map(|(by, _)| first + by),
            });
        }
        for Refused { unit, job_type, by, pull, error } in &plan.refused {
            let mut job = Planned::new(*unit, *job_type);
            job.pulled_by = Some((*by, *pull));
            told.push(PlannedJob {
                unit: self.graph[*unit].name.clone(),
                job_type: *job_type,
                cause: self.pull_text(plan, &job).to_string(),
                source: self.pull_source(plan, *by, *pull, *unit),
                fate: Fate::Refused,
                reason: error_text(error),
                error: error.dbus_name().to_owned(),
                parent: Some(first + by),
            });
        }
        if matches!(plan.mode, JobMode::Isolate | JobMode::Flush) {
            for job in self.swept(plan) {
                told.push(PlannedJob {
                    unit: self.graph[job.unit].name.clone(),
                    job_type: job.job_type,
                    cause: format!("mode {}", plan.mode),
                    source: String::new(),
                    fate: Fate::Canceled,
                    reason: format!("job {} is not part of the transaction", job.id.0),
                    error: String::new(),
                    parent: Some(first + plan.anchor),
                });
            }
        }
    }

    /// What becomes of a job, and of which type it will be.
    fn fate(&self, job: &Planned) -> (Fate, JobType, String) {
        let record = &self.graph[job.unit];
        let queued = if job.job_type == JobType::Nop { record.nop_job } else { record.job };
        match queued.and_then(|id| self.jobs.get(id)) {
            Some(queued) if conflicts(queued.job_type, job.job_type) => {
                (Fate::Replaces, job.job_type, format!("cancels job {} {}", queued.id.0, queued.job_type))
            }
            Some(queued) => {
                let merged = merge_and_collapse(queued.job_type, job.job_type, record.active);
                (
                    Fate::Merged,
                    merged.unwrap_or(queued.job_type),
                    format!("into job {} {}", queued.id.0, queued.job_type),
                )
            }
            None if self.overlaps(job) => {
                let text = "the new instance starts before the old one ends (X-RestartOverlap=)";
                (Fate::New, job.job_type, text.to_owned())
            }
            None => (Fate::New, job.job_type, String::new()),
        }
    }

    fn drop_text(&self, plan: &Transaction, cycles: &[Cycle], job: &Planned, dropped: Dropped) -> String {
        let job_at = |place: usize| {
            plan.jobs
                .get(place)
                .map_or_else(String::new, |other| format!("{} of {}", other.job_type, self.graph[other.unit].name))
        };
        match dropped {
            Dropped::Redundant => format!("the unit is {} already", self.graph[job.unit].active),
            Dropped::Orphan => "what pulled it in was dropped".to_owned(),
            Dropped::Without(place) => format!("it needs {}, which was dropped", job_at(place)),
            Dropped::Cycle => {
                let cycle = cycles.iter().find(|cycle| cycle.dropped == Some(job.unit));
                let edges = cycle.map_or_else(String::new, |cycle| cycle.edges.join("; "));
                format!("ordering cycle: {edges}")
            }
            Dropped::Contradicted => "another job of the unit contradicts it".to_owned(),
            Dropped::Merged(place) => format!("it is part of {}", job_at(place)),
            Dropped::Impact => "mode fail: it would stop something that runs, or reverse a queued job".to_owned(),
        }
    }

    fn pull_source(&self, plan: &Transaction, by: usize, pull: Pull, unit: UnitId) -> String {
        match (plan.jobs.get(by), pull) {
            (Some(by), Pull::Dependency(kind)) => self.edge_source(by.unit, kind, unit),
            (_, Pull::Dependency(_) | Pull::Following | Pull::Isolate | Pull::Triggering) => String::new(),
        }
    }
}

fn error_text(error: &EngineError) -> String {
    match error {
        EngineError::Cyclic(edges) => format!("{error} {}", edges.join("; ")),
        error => error.to_string(),
    }
}
