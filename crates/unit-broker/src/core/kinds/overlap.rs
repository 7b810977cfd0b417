//! Restarts that overlap (`X-RestartOverlap=`): the supervisor starts the new instance beside the old one, so for the graph
//! the unit never goes down, and the job is one step instead of a stop and a start.
//!
//! Only the job of a request for the unit itself is such: a restart that another unit's passes on (`Requires=`, `PartOf=`)
//! has to stop the unit before that one goes down.

use unit_parser::LoadState;

use super::{Step, worker};
use crate::core::api::action::{Action, LogLevel};
use crate::core::api::types::{ActiveState, JobResult, JobType};
use crate::core::engine::{Cx, Engine};
use crate::core::graph::UnitId;
use crate::core::jobs::JobId;
use crate::core::transaction::Planned;

impl Engine {
    /// Whether a restart of the unit would overlap, as it is now.
    fn may_overlap(&self, id: UnitId) -> bool {
        let record = &self.graph[id];
        record.settings.restart_overlap
            && match record.active {
                ActiveState::Active => record.sub == "running",
                // It is running again soon.
                ActiveState::Reloading => true,
                ActiveState::Inactive
                | ActiveState::Failed
                | ActiveState::Activating
                | ActiveState::Deactivating
                | ActiveState::Maintenance => false,
            }
    }

    /// Whether a job of a plan is a restart that overlaps.
    pub(in crate::core) fn overlaps(&self, job: &Planned) -> bool {
        job.job_type == JobType::Restart && job.pulled_by.is_none() && self.may_overlap(job.unit)
    }

    /// Runs a restart job: as one step where that was planned and can still be done, else its stopping half.
    pub(in crate::core) fn restart_unit(&mut self, cx: &mut Cx, id: UnitId, job: JobId) -> Step {
        let can = self.may_overlap(id);
        if let Some(job) = self.jobs.get_mut(job) {
            job.overlap &= can;
        }
        if self.jobs.get(job).is_some_and(|job| job.overlap) {
            self.overlap_unit(cx, id, job)
        } else {
            self.stop_unit(cx, id, job, true)
        }
    }

    /// What would keep an ordinary restart from starting again keeps the old instance here.
    fn overlap_unit(&mut self, cx: &mut Cx, id: UnitId, job: JobId) -> Step {
        let record = &self.graph[id];
        if record.load_state != LoadState::Loaded {
            return Step::End(JobResult::Failed);
        }
        let present = worker(record.name.unit_type()).is_some_and(|worker| self.workers.is_present(worker));
        if record.active == ActiveState::Reloading || !present {
            return Step::NotYet;
        }
        if !self.conditions_met(cx, id) {
            return Step::End(JobResult::Failed);
        }
        if !self.asserts_met(cx, id) {
            return Step::End(JobResult::Assert);
        }
        if !self.was_sent(job) && !self.may_start_again(cx, id) {
            return Step::End(JobResult::Failed);
        }
        self.send_overlap(cx, id, job)
    }

    /// Counts a start; false if there were too many. The service that runs is none the worse for it.
    fn may_start_again(&mut self, cx: &mut Cx, id: UnitId) -> bool {
        let record = &mut self.graph[id];
        let (interval, burst) = record.settings.start_limit;
        let allowed = record.starts.allow(cx.now.monotonic_usec, interval, burst);
        self.save(id);
        if !allowed {
            let cause = format!("more than {burst} starts within {} s (StartLimitBurst=)", interval / 1_000_000);
            self.record(cx, id, "not restarted".to_owned(), cause, String::new());
            let text = "Start request repeated too quickly, the service goes on as it is.".to_owned();
            let name = self.graph[id].name.clone();
            self.actions.push(Action::Log(Some(name), LogLevel::Warning, text));
        }
        allowed
    }
}
