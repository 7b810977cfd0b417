//! The end of a job, and what it means for others.

use unit_parser::DependencyKind;

use super::JobId;
use crate::core::api::action::{Action, LogLevel};
use crate::core::api::types::{JobResult, JobState, JobType};
use crate::core::engine::{Cx, Engine};
use crate::core::graph::{Atom, UnitId};

/// One job to end. Kept in a list instead of recursion: a failed start may fail a chain of thousands.
struct Ending {
    job: JobId,
    result: JobResult,
    why: Option<u64>,
    /// For jobs that fail because of another: which, and by what kind of dependency.
    because: Option<(UnitId, DependencyKind)>,
}

impl Engine {
    /// Ends a job. With `propagate`, a failure fails the jobs that depend on it.
    pub(in crate::core) fn finish(&mut self, cx: &mut Cx, job: JobId, result: JobResult, propagate: bool) {
        let mut todo = vec![Ending { job, result, why: None, because: None }];
        let mut ended = Vec::new();
        while let Some(ending) = todo.pop() {
            let Some(job) = self.jobs.get_mut(ending.job) else { continue };
            let (unit, job_type) = (job.unit, job.job_type);
            let in_one_step = job.overlap && job.state == JobState::Running;
            if ending.result == JobResult::Done && job_type == JobType::Restart && !in_one_step {
                // The stopping half is done; the rest is an ordinary start.
                job.overlap = false;
                job.job_type = JobType::Start;
                job.state = JobState::Waiting;
                job.cursor = None;
                self.touch_job(ending.job);
                continue;
            }
            let why = self.uninstall(cx, &ending);
            if propagate {
                // Last in, first out: reversed, so that dependents end in the order of their dependencies.
                for (kind, other, atom_result) in self.failing(unit, job_type, ending.result).into_iter().rev() {
                    let Some(id) = self.graph[other].job else { continue };
                    todo.push(Ending { job: id, result: atom_result, why, because: Some((unit, kind)) });
                }
            }
            ended.push((unit, ending.result, why));
        }
        for (unit, result, why) in ended {
            if matches!(result, JobResult::Timeout | JobResult::Dependency) {
                let outer = self.trail.enter(why);
                self.trigger_on_failure(cx, unit);
                self.trail.leave(outer);
            }
            self.notify_triggers(unit);
        }
        self.check_startup(cx);
    }

    /// Takes the job out and tells everybody. Returns its link of the causal chain.
    fn uninstall(&mut self, cx: &mut Cx, ending: &Ending) -> Option<u64> {
        let job = self.jobs.remove(ending.job)?;
        if matches!(ending.result, JobResult::Failed | JobResult::Invalid) {
            self.jobs.failed += 1;
        }
        let record = &mut self.graph[job.unit];
        if record.job == Some(job.id) {
            record.job = None;
        }
        if record.nop_job == Some(job.id) {
            record.nop_job = None;
        }
        let name = record.name.clone();
        let why = match ending.because {
            Some((culprit, kind)) => {
                let outer = self.trail.enter(ending.why);
                let text = format!("job {} {} ended: {}", job.id.0, job.job_type, ending.result);
                let seen_from = kind.inverse();
                let why = self.record_edge(cx, job.unit, text, (job.unit, seen_from, culprit));
                self.trail.leave(outer);
                why
            }
            None if ending.result == JobResult::Done => job.why,
            None => {
                let outer = self.trail.enter(job.why);
                let text = format!("job {} {} ended: {}", job.id.0, job.job_type, ending.result);
                let why = self.record_job(cx, job.unit, text);
                self.trail.leave(outer);
                why
            }
        };
        let starts = matches!(job.job_type, JobType::Start | JobType::Restart);
        let record = &mut self.graph[job.unit];
        record.retries = record.settings.retry_after_dependency && starts && ending.result == JobResult::Dependency;
        if let Some(trigger) = self.graph[job.unit].trigger.take_if(|_| starts) {
            // Delivered, or never to be: of no use any more.
            self.actions.extend(trigger.connection.map(Action::TriggerDrop));
        }
        if job.overlap && ending.result == JobResult::Done {
            self.actions.push(Action::Log(Some(name.clone()), LogLevel::Info, format!("Restarted {name}.")));
        } else {
            self.log_end(&name, job.job_type, ending.result);
        }
        self.changed(job.unit);
        self.flush_changed(job.unit);
        self.save(job.unit);
        self.gc.insert(job.unit);
        self.defer_upheld(job.unit);
        self.actions.push(Action::JobRemoved(job.id.0, name, ending.result));
        self.wake(job.waiters);
        why
    }

    /// The jobs that can't succeed any more: unit, by which dependency, with what result.
    fn failing(&self, unit: UnitId, job_type: JobType, result: JobResult) -> Vec<(DependencyKind, UnitId, JobResult)> {
        let atom = match (job_type, result) {
            (JobType::Start | JobType::VerifyActive, result) if result != JobResult::Done => {
                Some(Atom::PropagateStartFailure)
            }
            (JobType::Stop, result) if result != JobResult::Done => Some(Atom::PropagateStopFailure),
            // Done, yet not active: a condition wasn't met, or it has finished already.
            (JobType::Start | JobType::Reload, JobResult::Done) if !self.graph[unit].active.is_up() => {
                Some(Atom::PropagateInactiveStart)
            }
            _ => None,
        };
        let Some(atom) = atom else { return Vec::new() };
        self.graph
            .with_atom(unit, atom)
            .filter(|(_, other)| {
                self.graph[*other]
                    .job
                    .and_then(|id| self.jobs.get(id))
                    .is_some_and(|job| job.overlap || matches!(job.job_type, JobType::Start | JobType::VerifyActive))
            })
            .map(|(kind, other)| (kind, other, JobResult::Dependency))
            .collect()
    }

    fn log_end(&mut self, name: &unit_parser::UnitName, job_type: JobType, result: JobResult) {
        let (level, text) = match (job_type, result) {
            (JobType::Start, JobResult::Done) => (LogLevel::Info, format!("Started {name}.")),
            (JobType::Stop | JobType::Restart, JobResult::Done) => (LogLevel::Info, format!("Stopped {name}.")),
            (JobType::Reload, JobResult::Done) => (LogLevel::Info, format!("Reloaded {name}.")),
            (JobType::Start, JobResult::Failed) => (LogLevel::Error, format!("Failed to start {name}.")),
            (JobType::Start, JobResult::Dependency) => (LogLevel::Error, format!("Dependency failed for {name}.")),
            (JobType::Start, JobResult::Timeout) => (LogLevel::Error, format!("Timed out starting {name}.")),
            (JobType::Start, JobResult::Assert) => (LogLevel::Error, format!("Assertion failed for {name}.")),
            (JobType::Start, JobResult::Unsupported) => {
                (LogLevel::Warning, format!("Starting of {name} is not supported here."))
            }
            (JobType::Stop, JobResult::Timeout) => (LogLevel::Error, format!("Timed out stopping {name}.")),
            (_, JobResult::Canceled | JobResult::Skipped | JobResult::Collected | JobResult::Done) => {
                (LogLevel::Debug, format!("Job {job_type} of {name} ended: {result}."))
            }
            (
                JobType::Start
                | JobType::VerifyActive
                | JobType::Stop
                | JobType::Reload
                | JobType::Restart
                | JobType::TryRestart
                | JobType::TryReload
                | JobType::ReloadOrStart
                | JobType::Nop,
                result,
            ) => (LogLevel::Warning, format!("Job {job_type} of {name} ended: {result}.")),
        };
        self.actions.push(Action::Log(Some(name.clone()), level, text));
    }
}
