//! Running jobs: which may run now, and what running one means.
//!
//! Ordering: a job that makes its unit active (or reloads it) waits for every job of the units that its unit is
//! `After=`; any job waits for stops (and the stopping half of restarts) of the units that its unit is `Before=`. So
//! stops come first, in reverse order; "ordered after a unit that is being stopped" waits for the stop. A job of mode
//! `ignore-dependencies` neither waits nor is waited for.

use unit_parser::DependencyKind;

use super::JobId;
use crate::core::api::types::{ActiveState, JobResult, JobState, JobType};
use crate::core::engine::{Cx, Engine};
use crate::core::graph::UnitId;
use crate::core::kinds::Step;

impl Engine {
    /// Tries all jobs in the queue. False if there were none.
    pub(in crate::core) fn run_queue(&mut self, cx: &mut Cx) -> bool {
        let mut busy = false;
        while let Some(id) = self.jobs.pop() {
            self.try_job(cx, id);
            busy = true;
        }
        busy
    }

    fn try_job(&mut self, cx: &mut Cx, id: JobId) {
        let Some(job) = self.jobs.get(id) else { return };
        if job.state != JobState::Waiting {
            return;
        }
        if let Some(blocker) = self.blocker(id) {
            if let Some(blocking) = self.jobs.get_mut(blocker) {
                blocking.waiters.push(id);
            }
            return;
        }
        self.begin(cx, id);
        let Some(job) = self.jobs.get(id) else { return };
        let (unit, job_type, why) = (job.unit, job.job_type, job.why);
        let active = self.graph[unit].active;
        let outer = self.trail.enter(why);
        let step = match job_type {
            JobType::VerifyActive if active.is_up() => Step::Already,
            JobType::VerifyActive if active == ActiveState::Activating => Step::NotYet,
            JobType::VerifyActive => Step::End(JobResult::Skipped),
            JobType::Start => self.start_unit(cx, unit, id),
            JobType::Stop => self.stop_unit(cx, unit, id, false),
            JobType::Restart => self.restart_unit(cx, unit, id),
            JobType::Reload => self.reload_unit(cx, unit),
            JobType::Nop => Step::Already,
            // These collapsed before they were installed.
            JobType::TryRestart | JobType::TryReload | JobType::ReloadOrStart => Step::End(JobResult::Invalid),
        };
        self.trail.leave(outer);
        match step {
            Step::Begun => {}
            Step::NotYet => self.back_to_waiting(id),
            Step::Already => self.finish(cx, id, JobResult::Done, true),
            Step::End(JobResult::Skipped) if matches!(job_type, JobType::Start | JobType::Stop | JobType::Restart) => {
                // The unit's type has no such operation (devices): wait until it comes about by itself.
            }
            Step::End(result) => self.finish(cx, id, result, true),
        }
    }

    fn begin(&mut self, cx: &mut Cx, id: JobId) {
        let now = cx.now.monotonic_usec;
        let Some(job) = self.jobs.get_mut(id) else { return };
        job.state = JobState::Running;
        job.running = now;
        self.start_running_timer(id, now);
        self.touch_state(id);
    }

    fn back_to_waiting(&mut self, id: JobId) {
        if let Some(job) = self.jobs.get_mut(id) {
            job.state = JobState::Waiting;
        }
        self.touch_state(id);
    }

    fn touch_state(&mut self, id: JobId) {
        if let Some(unit) = self.jobs.get(id).map(|job| job.unit) {
            self.save(unit);
            self.actions.push(crate::core::api::action::Action::JobChanged(id.0));
        }
    }

    /// A job that this one waits for. The look goes on where the last one stopped and ends with a full round, so
    /// jobs that were installed behind it are found too.
    pub(in crate::core) fn blocker(&mut self, id: JobId) -> Option<JobId> {
        let job = self.jobs.get(id)?;
        if job.ignore_order || job.job_type == JobType::Nop {
            return None;
        }
        let (unit, stops) = (job.unit, job.stops());
        let start = job.cursor.unwrap_or((DependencyKind::Before, UnitId(0)));
        let found = self.blocker_from(unit, stops, start, false).or_else(|| {
            let first = (DependencyKind::Before, UnitId(0));
            (start != first).then(|| self.blocker_from(unit, stops, first, true)).flatten()
        });
        if let Some(job) = self.jobs.get_mut(id) {
            job.cursor = found.map(|(at, _)| at);
        }
        found.map(|(_, blocker)| blocker)
    }

    /// A job that this one waits for now, and by which kind of ordering.
    pub(in crate::core) fn blocked_by(&self, id: JobId) -> Option<(DependencyKind, JobId)> {
        let job = self.jobs.get(id).filter(|job| !job.ignore_order && job.job_type != JobType::Nop)?;
        let first = (DependencyKind::Before, UnitId(0));
        self.blocker_from(job.unit, job.stops(), first, true).map(|((kind, _), blocker)| (kind, blocker))
    }

    fn blocker_from(
        &self,
        unit: UnitId,
        stops: bool,
        (kind, other): (DependencyKind, UnitId),
        from_start: bool,
    ) -> Option<((DependencyKind, UnitId), JobId)> {
        let before = |first| {
            self.graph.of_kind_from(unit, DependencyKind::Before, first).find_map(|other| {
                let job = self.jobs.get(self.graph[other].job?)?;
                (job.stops() && !job.ignore_order).then_some(((DependencyKind::Before, other), job.id))
            })
        };
        let after = |first| {
            if stops {
                return None;
            }
            self.graph.of_kind_from(unit, DependencyKind::After, first).find_map(|other| {
                let job = self.jobs.get(self.graph[other].job?)?;
                (!job.ignore_order).then_some(((DependencyKind::After, other), job.id))
            })
        };
        if kind == DependencyKind::After && !from_start {
            return after(other);
        }
        before(other).or_else(|| after(UnitId(0)))
    }
}
