//! Services (systemd.service(5)), as far as the graph decides: the supervisor runs them and reports.
//!
//! Commands for sockets are the same three words to another worker, so the sending is shared.

use unit_parser::{DependencyKind, UnitType};

use super::{Step, worker};
use crate::core::api::action::{Action, StartCommand};
use crate::core::api::types::ActiveState;
use crate::core::engine::{Cx, Engine};
use crate::core::graph::UnitId;
use crate::core::jobs::JobId;

impl Engine {
    pub(super) fn start_service(&mut self, cx: &mut Cx, id: UnitId, job: JobId) -> Step {
        let mut environment = self.monitor_environment(id);
        let pending = self.graph[id].trigger.take().unwrap_or_default();
        environment.extend(pending.environment);
        let sockets = self
            .graph
            .of_kind(id, DependencyKind::TriggeredBy)
            .map(|other| &self.graph[other])
            .filter(|other| {
                other.name.unit_type() == UnitType::Socket
                    && other.active == ActiveState::Active
                    && !other.settings.accept
            })
            .map(|socket| socket.name.clone())
            .collect();
        self.send_start(cx, id, job, environment, sockets, pending.connection)
    }

    /// Sends a start to the unit's worker.
    pub(super) fn send_start(
        &mut self,
        cx: &mut Cx,
        id: UnitId,
        job: JobId,
        environment: Vec<String>,
        sockets: Vec<unit_parser::UnitName>,
        connection: Option<u64>,
    ) -> Step {
        let invocation = cx.world.random_id();
        self.graph[id].invocation = invocation;
        let mut cause = String::new();
        if let Some(job) = self.jobs.get_mut(job) {
            job.invocation = Some(invocation);
            cause.clone_from(&job.cause);
        }
        self.save(id);
        let name = self.graph[id].name.clone();
        let Some(worker) = worker(name.unit_type()) else { return Step::NotYet };
        let command = StartCommand { invocation, job: job.0, environment, sockets, connection, cause };
        self.actions.push(Action::Start(worker, name, Box::new(command)));
        Step::Begun
    }

    /// Sends a stop to the unit's worker.
    pub(super) fn stop_worker_unit(&mut self, unit_type: UnitType, id: UnitId, job: JobId, restart: bool) -> Step {
        let Some(worker) = worker(unit_type).filter(|worker| self.workers.is_present(*worker)) else {
            return Step::NotYet;
        };
        let cause = self.jobs.get(job).map_or_else(String::new, |job| job.cause.clone());
        let record = &self.graph[id];
        // Also while it is going down already: with a restart the worker keeps what the next start needs.
        self.actions.push(Action::Stop(worker, record.name.clone(), job.0, restart, cause));
        Step::Begun
    }

    pub(super) fn reload_service(&mut self, id: UnitId) -> Step {
        let record = &self.graph[id];
        match worker(record.name.unit_type()).filter(|worker| self.workers.is_present(*worker)) {
            Some(worker) => {
                self.actions.push(Action::ReloadUnit(worker, record.name.clone()));
                Step::Begun
            }
            None => Step::NotYet,
        }
    }
}
