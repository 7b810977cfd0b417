//! Events, one by one.

use unit_parser::{LoadState, UnitName};

use super::api::action::{Action, LogLevel};
use super::api::cause::Cause;
use super::api::error::EngineError;
use super::api::event::{Event, JobRequest};
use super::api::reply::Reply;
use super::api::types::{ActiveState, JobMode, JobResult, JobType};
use super::engine::{Cx, Engine};
use super::graph::UnitId;
use super::jobs::JobId;
use super::jobs::kind::collapse;
use super::kinds;

impl Engine {
    pub(super) fn dispatch(&mut self, cx: &mut Cx, event: Event) -> Result<Reply, EngineError> {
        match event {
            Event::Boot { target } => self.boot(cx, &target),
            Event::Enqueue(request) => self.request(cx, request),
            Event::CancelJob(id) => self.cancel(cx, JobId(id)),
            Event::ClearJobs => {
                let all: Vec<JobId> = self.jobs.iter().map(|job| job.id).collect();
                for id in all {
                    self.finish(cx, id, JobResult::Canceled, false);
                }
                Ok(Reply::Done)
            }
            Event::Load(name) => {
                let id = self.load(cx, &name);
                Ok(Reply::Unit(self.graph[id].name.clone()))
            }
            Event::ResetFailed(name) => self.reset_failed(cx, name),
            Event::Reload => {
                self.reload_all(cx);
                Ok(Reply::Done)
            }
            Event::ReloadUnit(name) => {
                let id = self.known(&name)?;
                self.reload_one(cx, id);
                Ok(Reply::Done)
            }
            Event::Define(unit) => {
                let id = self.define(cx, *unit);
                Ok(Reply::Unit(self.graph[id].name.clone()))
            }
            Event::Mark(unit, markers) => {
                let id = self.known(&unit)?;
                self.graph[id].markers = markers;
                self.save(id);
                Ok(Reply::Done)
            }
            Event::Ref { unit, client } => {
                let id = self.known(&unit)?;
                self.graph[id].clients.insert(client);
                Ok(Reply::Done)
            }
            Event::Unref { unit, client } => {
                let id = self.known(&unit)?;
                self.graph[id].clients.remove(&client);
                self.gc.insert(id);
                Ok(Reply::Done)
            }
            Event::ClientGone(client) => {
                self.client_gone(client);
                Ok(Reply::Done)
            }
            Event::Kill { unit, whom, signal } => {
                let id = self.known(&unit)?;
                let name = self.graph[id].name.clone();
                match kinds::worker(name.unit_type()) {
                    Some(worker) => self.actions.push(Action::Kill(worker, name, whom, signal)),
                    None => {
                        let text = "units of this type have no processes".to_owned();
                        return Err(EngineError::WrongState(name.to_string(), text));
                    }
                }
                Ok(Reply::Done)
            }
            other => {
                self.observe(cx, other);
                Ok(Reply::Done)
            }
        }
    }

    /// Events that are not requests.
    fn observe(&mut self, cx: &mut Cx, event: Event) {
        match event {
            Event::Status(status) => self.worker_status(cx, status),
            Event::List { worker, units } => self.worker_list(cx, worker, units),
            Event::WorkerBack(worker) => self.worker_back(worker),
            Event::WorkerAway(worker) => self.worker_away(worker),
            Event::RestartDue(unit) => self.restart_due(cx, &unit),
            Event::Trigger { id, socket, service, environment, connection, cause: _ } => {
                self.triggered(cx, id, &socket, &service, environment, connection);
            }
            Event::Devices { action, units } => self.devices(cx, action, units),
            Event::DeviceList(units) => self.device_list(cx, units),
            Event::Mounts(units) => self.mounts(cx, units),
            Event::DevicesAvailable { available, reason } => self.devices_available(cx, available, reason),
            Event::Time => {
                self.expire_jobs(cx);
                self.deferred.expire(cx.now.monotonic_usec);
            }
            Event::Idle => self.collect_units(cx),
            Event::Boot { .. }
            | Event::Enqueue(_)
            | Event::CancelJob(_)
            | Event::ClearJobs
            | Event::Load(_)
            | Event::ResetFailed(_)
            | Event::Reload
            | Event::ReloadUnit(_)
            | Event::Define(_)
            | Event::Mark(..)
            | Event::Ref { .. }
            | Event::Unref { .. }
            | Event::ClientGone(_)
            | Event::Kill { .. } => {}
        }
    }

    fn known(&self, name: &UnitName) -> Result<UnitId, EngineError> {
        self.graph.find(name).ok_or_else(|| EngineError::NotLoaded(name.to_string()))
    }

    fn boot(&mut self, cx: &mut Cx, target: &UnitName) -> Result<Reply, EngineError> {
        let id = self.load(cx, target);
        self.startup.begin();
        let queued = match self.enqueue(cx, id, JobType::Start, JobMode::Isolate, None) {
            Err(EngineError::NoIsolation) => {
                let text = "Default target could not be isolated, starting instead.".to_owned();
                self.actions.push(Action::Log(Some(target.clone()), LogLevel::Warning, text));
                self.enqueue(cx, id, JobType::Start, JobMode::Replace, None)
            }
            other => other,
        };
        Ok(Reply::Queued(queued?))
    }

    /// What a request comes to before its transaction is made: the unit, and which type of job.
    pub(super) fn prepare(&mut self, cx: &mut Cx, request: &JobRequest) -> Result<(UnitId, JobType), EngineError> {
        let id = self.load(cx, &request.unit);
        let record = &self.graph[id];
        let mut job_type = request.job_type;
        if request.reload_if_possible && self.can_reload(id) {
            job_type = match job_type {
                JobType::Restart => JobType::ReloadOrStart,
                JobType::TryRestart => JobType::TryReload,
                other => other,
            };
        }
        let broken = matches!(record.load_state, LoadState::NotFound | LoadState::Error | LoadState::BadSetting);
        if job_type == JobType::Stop && broken && record.active == ActiveState::Inactive {
            return Err(EngineError::NotLoaded(record.name.to_string()));
        }
        let (no_start, no_stop) = (record.settings.refuse_manual_start, record.settings.refuse_manual_stop);
        let refused = match job_type {
            JobType::Start => no_start,
            JobType::Stop => no_stop,
            JobType::Restart | JobType::TryRestart => no_start || no_stop,
            JobType::ReloadOrStart => no_start && collapse(job_type, record.active) == JobType::Start,
            JobType::Reload | JobType::TryReload | JobType::VerifyActive | JobType::Nop => false,
        };
        if refused && request.manual {
            return Err(EngineError::OnlyByDependency(record.name.to_string()));
        }
        Ok((id, job_type))
    }

    fn request(&mut self, cx: &mut Cx, request: JobRequest) -> Result<Reply, EngineError> {
        let (id, job_type) = self.prepare(cx, &request)?;
        let client = match &request.cause {
            Cause::Client { client, .. } => Some(*client),
            Cause::Manager(_)
            | Cause::Worker(_)
            | Cause::Device(_)
            | Cause::Traffic(_)
            | Cause::AutoRestart
            | Cause::Rule(_)
            | Cause::Entry { .. } => None,
        };
        self.enqueue(cx, id, job_type, request.mode, client).map(Reply::Queued)
    }

    fn cancel(&mut self, cx: &mut Cx, id: JobId) -> Result<Reply, EngineError> {
        if self.jobs.get(id).is_none() {
            return Err(EngineError::NoSuchJob(id.0));
        }
        self.finish(cx, id, JobResult::Canceled, true);
        Ok(Reply::Done)
    }

    fn reset_failed(&mut self, cx: &mut Cx, name: Option<UnitName>) -> Result<Reply, EngineError> {
        let units = match name {
            Some(name) => vec![self.known(&name)?],
            None => self.graph.ids(),
        };
        for id in units {
            self.reset_unit(cx, id);
        }
        Ok(Reply::Done)
    }

    fn client_gone(&mut self, client: u64) {
        for id in self.graph.ids() {
            if self.graph[id].clients.remove(&client) {
                self.gc.insert(id);
            }
        }
        let jobs: Vec<JobId> = self.jobs.iter().map(|job| job.id).collect();
        for id in jobs {
            if let Some(job) = self.jobs.get_mut(id) {
                job.clients.remove(&client);
            }
        }
    }
}
