//! A request from beginning to end: plan, check, install.

use std::sync::Arc;

use super::{Planned, Pull, Transaction};
use crate::core::api::action::{Action, LogLevel};
use crate::core::api::error::EngineError;
use crate::core::api::reply::{Affected, Queued};
use crate::core::api::types::{JobMode, JobResult, JobType};
use crate::core::engine::{Cx, Engine};
use crate::core::graph::UnitId;
use crate::core::jobs::install::Proposal;
use crate::core::jobs::kind::{collapse, conflicts};
use crate::core::jobs::{Job, JobId};

use super::order::Cycle;

impl Engine {
    /// Makes a consistent plan for a request; changes nothing.
    pub(in crate::core) fn plan(
        &self,
        unit: UnitId,
        job_type: JobType,
        mode: JobMode,
    ) -> Result<(Transaction, Vec<Cycle>), EngineError> {
        if mode == JobMode::Isolate && job_type != JobType::Start {
            return Err(EngineError::InvalidArgs("Isolate is only valid for start.".to_owned()));
        }
        if mode == JobMode::Isolate && !self.graph[unit].settings.allow_isolate {
            return Err(EngineError::NoIsolation);
        }
        if mode == JobMode::Triggering && job_type != JobType::Stop {
            let text = "--job-mode=triggering is only valid for stop.";
            return Err(EngineError::InvalidArgs(text.to_owned()));
        }
        if mode == JobMode::RestartDependencies && job_type != JobType::Start {
            let text = "--job-mode=restart-dependencies is only valid for start.";
            return Err(EngineError::InvalidArgs(text.to_owned()));
        }
        let job_type = collapse(job_type, self.graph[unit].active);
        let mut plan = Transaction::new(mode, self.graph.places());
        plan.anchor = self.plan_job(&mut plan, unit, job_type, None)?;
        match mode {
            JobMode::Isolate => self.plan_isolate(&mut plan),
            JobMode::Triggering => self.plan_triggering(&mut plan, unit)?,
            JobMode::Fail
            | JobMode::Replace
            | JobMode::ReplaceIrreversibly
            | JobMode::Flush
            | JobMode::IgnoreDependencies
            | JobMode::IgnoreRequirements
            | JobMode::RestartDependencies => {}
        }
        plan.mark_what_matters();
        if mode == JobMode::Fail {
            self.minimize_impact(&mut plan);
        }
        self.drop_redundant(&mut plan);
        let mut cycles = self.break_cycles(&mut plan)?;
        if self.merge_jobs(&mut plan)? {
            // A job that the anchor can't do without may have taken in one with needs of its own.
            plan.mark_what_matters();
            // Contradicting jobs hid what the order would be; now there is one job per unit.
            cycles.extend(self.break_cycles(&mut plan)?);
        }
        // What was kept for the sake of another job of the same unit, which is gone now.
        self.drop_redundant(&mut plan);
        self.check_installed(&plan)?;
        Ok((plan, cycles))
    }

    /// Whether the plan may replace what is queued.
    fn check_installed(&self, plan: &Transaction) -> Result<(), EngineError> {
        for unit in plan.units() {
            let Some(queued) = self.graph[unit].job.and_then(|id| self.jobs.get(id)) else { continue };
            let Some(wanted) = plan.job_type(unit) else { continue };
            if (plan.mode == JobMode::Fail || queued.irreversible) && conflicts(queued.job_type, wanted) {
                let anchor = plan.jobs.get(plan.anchor);
                return Err(EngineError::Destructive {
                    unit: anchor.map_or_else(String::new, |job| self.graph[job.unit].name.to_string()),
                    job_type: anchor.map_or(JobType::Nop, |job| job.job_type).to_string(),
                    other: self.graph[unit].name.to_string(),
                    queued: queued.job_type.to_string(),
                    wanted: wanted.to_string(),
                });
            }
        }
        Ok(())
    }

    /// Plans a request and installs its jobs.
    pub(in crate::core) fn enqueue(
        &mut self,
        cx: &mut Cx,
        unit: UnitId,
        job_type: JobType,
        mode: JobMode,
        client: Option<u64>,
    ) -> Result<Queued, EngineError> {
        let (plan, cycles) = match self.plan(unit, job_type, mode) {
            Ok(plan) => plan,
            Err(error) => {
                self.record_refusal(cx, unit, job_type, &error);
                return Err(error);
            }
        };
        self.report_cycles(cx, &plan, &cycles);
        if matches!(mode, JobMode::Isolate | JobMode::Flush) {
            let gone: Vec<JobId> = self.swept(&plan).map(|job| job.id).collect();
            for id in gone {
                self.finish(cx, id, JobResult::Canceled, false);
            }
        }
        let mut whys = vec![None; plan.jobs.len()];
        self.jobs.reserve(plan.jobs.len());
        let mut anchor = None;
        let mut others = Vec::new();
        // Jobs come after those that pulled them in, so that the causal chain can be told from its root.
        for (place, job) in plan.jobs.iter().enumerate().filter(|(_, job)| job.dropped.is_none()) {
            let cause = self.pull_text(&plan, job);
            let why = self.record_pull(cx, &plan, job, cause.clone(), &whys);
            if let Some(slot) = whys.get_mut(place) {
                *slot = why;
            }
            let is_anchor = place == plan.anchor;
            let proposal = Proposal {
                unit: job.unit,
                job_type: job.job_type,
                irreversible: mode == JobMode::ReplaceIrreversibly,
                ignore_order: job.ignore_order,
                overlap: self.overlaps(job),
                client: client.filter(|_| is_anchor),
                why,
                cause,
            };
            let unit = self.graph[job.unit].name.clone();
            let id = self.install(cx, proposal);
            // Merged into a queued job it may be of another type.
            let job_type = self.jobs.get(id).map_or(job.job_type, |installed| installed.job_type);
            let affected = Affected { job: id.0, unit, job_type };
            if is_anchor {
                anchor = Some(affected);
            } else {
                others.push(affected);
            }
        }
        anchor.map(|anchor| Queued { anchor, others }).ok_or(EngineError::NoSuchJob(0))
    }

    /// A job that follows from a state change instead of a request: refusals are logged. False if it was refused.
    pub(in crate::core) fn enqueue_by_rule(
        &mut self,
        cx: &mut Cx,
        unit: UnitId,
        job_type: JobType,
        mode: JobMode,
    ) -> bool {
        let Err(error) = self.enqueue(cx, unit, job_type, mode, None) else { return true };
        let name = self.graph[unit].name.clone();
        let text = format!("Failed to enqueue {job_type} job, ignoring: {error}");
        self.actions.push(Action::Log(Some(name), LogLevel::Warning, text));
        false
    }

    /// The queued jobs that end for a transaction of mode `isolate` or `flush`.
    pub(in crate::core) fn swept(&self, plan: &Transaction) -> impl Iterator<Item = &Job> {
        let stays = |job: &Job| self.graph[job.unit].settings.ignore_on_isolate || !plan.of_unit(job.unit).is_empty();
        self.jobs.iter().filter(move |job| !stays(job))
    }

    /// Why a job of a plan is there.
    pub(in crate::core) fn pull_text(&self, plan: &Transaction, job: &Planned) -> Arc<str> {
        let by = |place: usize| plan.jobs.get(place).map_or("", |by| self.graph[by.unit].name.as_str());
        match job.pulled_by {
            None => self.trail.cause_text(),
            Some((place, Pull::Dependency(kind))) => [kind.as_str(), "= of ", by(place)].concat().into(),
            Some((place, Pull::Following)) => format!("the same device as {}", by(place)).into(),
            Some((place, Pull::Isolate)) => format!("{} is isolated", by(place)).into(),
            Some((place, Pull::Triggering)) => format!("it would start {} again", by(place)).into(),
        }
    }
}
