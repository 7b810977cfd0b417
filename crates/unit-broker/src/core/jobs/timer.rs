//! `JobTimeoutSec=` and `JobRunningTimeoutSec=` (systemd.unit(5)).

use unit_parser::rows;

use super::JobId;
use crate::core::api::types::JobResult;
use crate::core::engine::{Cx, Engine};

impl Engine {
    /// The running time counts from now; it only ever brings the end closer.
    pub(in crate::core) fn start_running_timer(&mut self, id: JobId, now: u64) {
        let Some(job) = self.jobs.get(id) else { return };
        let timeout = self.graph[job.unit].settings.job_running_timeout;
        if timeout == u64::MAX {
            return;
        }
        let until = now.saturating_add(timeout);
        if job.deadline.is_none_or(|old| until < old) {
            self.jobs.set_deadline(id, Some(until));
        }
    }

    /// Ends the jobs whose time is up.
    pub(in crate::core) fn expire_jobs(&mut self, cx: &mut Cx) {
        while let Some(id) = self.jobs.overdue(cx.now.monotonic_usec) {
            let Some(job) = self.jobs.get(id) else { return };
            let (unit, job_type) = (job.unit, job.job_type);
            let name = self.graph[unit].name.clone();
            let missing = self.device_hint(unit);
            self.record_job(cx, unit, format!("job {} {job_type} timed out{missing}", id.0));
            self.finish(cx, id, JobResult::Timeout, true);
            self.emergency(cx, unit, rows::unit::JOB_TIMEOUT_ACTION, None, format!("job of unit {name} timed out"));
        }
    }
}
