//! From a job of a transaction to an installed job.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Job, JobId, kind};
use crate::core::api::action::Action;
use crate::core::api::types::{JobResult, JobState, JobType};
use crate::core::engine::{Cx, Engine};
use crate::core::graph::UnitId;

/// A job that is to be installed.
#[derive(Debug, Clone)]
pub(in crate::core) struct Proposal {
    pub unit: UnitId,
    pub job_type: JobType,
    pub irreversible: bool,
    pub ignore_order: bool,
    pub overlap: bool,
    pub client: Option<u64>,
    pub why: Option<u64>,
    pub cause: Arc<str>,
}

impl Engine {
    /// Installs a job, or merges it into the one that the unit has. Returns the job that will do it.
    pub(in crate::core) fn install(&mut self, cx: &mut Cx, proposal: Proposal) -> JobId {
        let record = &self.graph[proposal.unit];
        let existing = if proposal.job_type == JobType::Nop { record.nop_job } else { record.job };
        if let Some(id) = existing {
            let installed = self.jobs.get(id).map(|job| job.job_type);
            match installed {
                Some(old) if kind::conflicts(old, proposal.job_type) => {
                    self.finish(cx, id, JobResult::Canceled, false);
                }
                Some(_) => {
                    self.merge_into(id, &proposal);
                    return id;
                }
                None => {}
            }
        }
        let id = self.jobs.next_id();
        let now = cx.now.monotonic_usec;
        let settings = &self.graph[proposal.unit].settings;
        let deadline = (settings.job_timeout != u64::MAX).then(|| now.saturating_add(settings.job_timeout));
        self.jobs.installed += 1;
        let job = Job {
            id,
            unit: proposal.unit,
            name: self.graph[proposal.unit].name.clone(),
            job_type: proposal.job_type,
            state: JobState::Waiting,
            irreversible: proposal.irreversible,
            ignore_order: proposal.ignore_order,
            clients: proposal.client.into_iter().collect::<BTreeSet<_>>(),
            begin: now,
            running: 0,
            deadline,
            invocation: None,
            overlap: proposal.overlap,
            why: proposal.why,
            cause: proposal.cause,
            cursor: None,
            queued: false,
            waiters: Vec::new(),
        };
        self.jobs.insert(job);
        let record = &mut self.graph[proposal.unit];
        if matches!(proposal.job_type, JobType::Start | JobType::Stop | JobType::Restart) {
            record.retries = false;
        }
        if matches!(proposal.job_type, JobType::Start | JobType::Restart) {
            record.why.cycle = None;
        }
        let place = if proposal.job_type == JobType::Nop { &mut record.nop_job } else { &mut record.job };
        *place = Some(id);
        let name = record.name.clone();
        self.jobs.wake(id);
        self.changed(proposal.unit);
        self.save(proposal.unit);
        self.actions.push(Action::JobNew(id.0, name));
        id
    }

    fn merge_into(&mut self, id: JobId, proposal: &Proposal) {
        let active = self.graph[proposal.unit].active;
        let Some(job) = self.jobs.get_mut(id) else { return };
        // An overlapping restart that has begun may have read files that have changed since.
        let too_late = job.overlap && proposal.job_type == JobType::Restart;
        let covered =
            !too_late && kind::merges_late(proposal.job_type) && kind::covers(job.job_type, proposal.job_type);
        job.overlap = match (job.job_type, proposal.job_type) {
            (JobType::Restart, JobType::Restart) => job.overlap && proposal.overlap,
            (JobType::Restart, _) => job.overlap,
            _ => proposal.overlap,
        };
        if let Some(merged) = kind::merge_and_collapse(job.job_type, proposal.job_type, active) {
            job.job_type = merged;
        }
        job.irreversible |= proposal.irreversible;
        job.ignore_order |= proposal.ignore_order;
        job.clients.extend(proposal.client);
        if job.state == JobState::Running && !covered {
            // What runs doesn't do what is wanted now: run it again as what it has become.
            job.state = JobState::Waiting;
            job.invocation = None;
        }
        job.cursor = None;
        // Merging ends nobody's wait: as in systemd, who waits goes on to, even if the job ignores the order now.
        let waiters = std::mem::take(&mut job.waiters);
        self.touch_job(id);
        if let Some(job) = self.jobs.get_mut(id) {
            job.waiters = waiters;
        }
    }

    /// A job's type or state changed: tell, save, and have it and its waiters tried.
    pub(in crate::core) fn touch_job(&mut self, id: JobId) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        let unit = job.unit;
        let waiters = std::mem::take(&mut job.waiters);
        self.jobs.wake(id);
        self.wake(waiters);
        self.save(unit);
        self.actions.push(Action::JobChanged(id.0));
    }

    /// Has these jobs tried again.
    pub(in crate::core) fn wake(&mut self, ids: impl IntoIterator<Item = JobId>) {
        for id in ids {
            self.jobs.wake(id);
        }
    }

    /// Has all waiting jobs tried again, with a fresh look at their dependencies.
    pub(in crate::core) fn wake_all(&mut self) {
        let waiting = self.jobs.in_state(JobState::Waiting);
        for id in &waiting {
            if let Some(job) = self.jobs.get_mut(*id) {
                job.cursor = None;
            }
        }
        self.wake(waiting);
    }
}
