//! Services (systemd.service(5)), as far as the graph decides: the supervisor runs them and reports.
//!
//! Commands for sockets are the same three words to another worker, so the sending is shared.

use unit_parser::{DependencyKind, UnitName, UnitType};

use super::{Step, worker};
use crate::core::api::action::{Action, StartCommand};
use crate::core::api::event::Invocation;
use crate::core::api::types::ActiveState;
use crate::core::engine::{Cx, Engine};
use crate::core::graph::UnitId;
use crate::core::graph::record::Commanded;
use crate::core::jobs::JobId;
use crate::core::states::change::Reached;

/// What a start of a service carries.
struct Parts {
    environment: Vec<String>,
    sockets: Vec<UnitName>,
    connection: Option<u64>,
}

impl Engine {
    pub(super) fn start_service(&mut self, cx: &mut Cx, id: UnitId, job: JobId) -> Step {
        let Parts { environment, sockets, connection } = self.start_parts(id);
        self.send_start(cx, id, job, environment, sockets, connection)
    }

    /// What a start of the service carries.
    fn start_parts(&self, id: UnitId) -> Parts {
        let mut environment = self.monitor_environment(id);
        let pending = self.graph[id].trigger.as_deref().cloned().unwrap_or_default();
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
        Parts { environment, sockets, connection: pending.connection }
    }

    /// Whose namespaces a unit may share that another worker may have: those of units there that it joins, and its own, where
    /// such a unit joins it. A worker knows by itself of those that its own units made or use.
    fn joined(&self, id: UnitId) -> Vec<UnitName> {
        let mine = worker(self.graph[id].name.unit_type());
        let elsewhere = |other: &UnitId| worker(self.graph[*other].name.unit_type()).is_some_and(|w| Some(w) != mine);
        let joins = self.graph.of_kind(id, DependencyKind::JoinsNamespaceOf).filter(elsewhere);
        let mut names: Vec<UnitName> = joins.map(|other| self.graph[other].name.clone()).collect();
        if self.graph.of_kind(id, DependencyKind::NamespaceJoinedBy).any(|other| elsewhere(&other)) {
            names.push(self.graph[id].name.clone());
        }
        names
    }

    /// Sends an overlapping restart to the unit's worker. The unit has the new instance's id when that has taken over.
    pub(super) fn send_overlap(&mut self, cx: &mut Cx, id: UnitId, job: JobId) -> Step {
        let Parts { environment, sockets, .. } = self.start_parts(id);
        let (cause, invocation) = self.identify(cx, job);
        let name = self.graph[id].name.clone();
        let Some(worker) = worker(name.unit_type()) else { return Step::NotYet };
        let connection = None;
        let joined = self.joined(id);
        let command =
            StartCommand { invocation, job: job.0, environment, sockets, joined, connection, overlap: true, cause };
        self.actions.push(Action::Start(worker, name, Box::new(command)));
        self.assume(cx, id, ActiveState::Reloading, "reload");
        Step::Begun
    }

    /// Why a job's start happens, and its id. A start that is sent again because its answer got lost keeps its id: it must
    /// not happen twice.
    fn identify(&mut self, cx: &mut Cx, job: JobId) -> (String, Invocation) {
        let fresh = cx.world.random_id();
        match self.jobs.get_mut(job) {
            Some(job) => {
                let invocation = *job.invocation.get_or_insert(fresh);
                (job.cause.to_string(), invocation)
            }
            None => (String::new(), fresh),
        }
    }

    /// Sends a start to the unit's worker.
    pub(super) fn send_start(
        &mut self,
        cx: &mut Cx,
        id: UnitId,
        job: JobId,
        environment: Vec<String>,
        sockets: Vec<UnitName>,
        connection: Option<u64>,
    ) -> Step {
        let (cause, invocation) = self.identify(cx, job);
        let name = self.graph[id].name.clone();
        let Some(worker) = worker(name.unit_type()) else { return Step::NotYet };
        self.graph[id].invocation = invocation;
        let joined = self.joined(id);
        let command =
            StartCommand { invocation, job: job.0, environment, sockets, joined, connection, overlap: false, cause };
        self.actions.push(Action::Start(worker, name.clone(), Box::new(command)));
        let sub = if name.unit_type() == UnitType::Socket { "start-pre" } else { "start" };
        self.assume(cx, id, ActiveState::Activating, sub);
        Step::Begun
    }

    /// The worker was told; the unit counts as on its way.
    fn assume(&mut self, cx: &mut Cx, id: UnitId, active: ActiveState, sub: &'static str) {
        let record = &mut self.graph[id];
        if record.active == active {
            return;
        }
        let old = Commanded { active: record.active, sub: record.sub.clone() };
        let result = record.result.clone();
        // From here on the worker knows better.
        record.own_failure = false;
        // The first command is the one whose answer tells what has become of the state before it.
        record.commanded.get_or_insert(Box::new(old));
        let mut reached = Reached::own(active, sub);
        reached.result = result;
        self.reached(cx, id, reached);
    }

    /// Sends a stop to the unit's worker.
    pub(super) fn stop_worker_unit(&mut self, cx: &mut Cx, id: UnitId, job: JobId, restart: bool) -> Step {
        let unit_type = self.graph[id].name.unit_type();
        let Some(worker) = worker(unit_type).filter(|worker| self.workers.is_present(*worker)) else {
            return Step::NotYet;
        };
        let cause = self.jobs.get(job).map_or_else(String::new, |job| job.cause.to_string());
        let record = &self.graph[id];
        // Also while it is going down already: with a restart the worker keeps what the next start needs.
        self.actions.push(Action::Stop(worker, record.name.clone(), job.0, restart, cause));
        if let Some(job) = self.jobs.get_mut(job) {
            // What starts after this is another run.
            job.invocation = None;
        }
        if restart && unit_type == UnitType::Service && &*self.graph[id].sub == "auto-restart" {
            // Nothing runs: what the worker will answer is known, and the start need not wait for it.
            let mut dead = Reached::own(ActiveState::Inactive, "dead");
            dead.result = self.graph[id].result.clone();
            self.reached(cx, id, dead);
            return Step::Begun;
        }
        let sub = if unit_type == UnitType::Socket { "stop-pre" } else { "stop-sigterm" };
        self.assume(cx, id, ActiveState::Deactivating, sub);
        Step::Begun
    }

    pub(super) fn reload_service(&mut self, cx: &mut Cx, id: UnitId) -> Step {
        let record = &self.graph[id];
        match worker(record.name.unit_type()).filter(|worker| self.workers.is_present(*worker)) {
            Some(worker) => {
                self.actions.push(Action::ReloadUnit(worker, record.name.clone()));
                self.assume(cx, id, ActiveState::Reloading, "reload");
                Step::Begun
            }
            None => Step::NotYet,
        }
    }
}
