//! The engine's actions, carried out.

use std::collections::BTreeSet;

use bus_api::{sockets, worker};
use unit_parser::{LoadState, UnitName};
use zbus::Message;

use super::message_bus::interests::Scope;
use super::{Broker, now};
use crate::core::{Action, Event, LogLevel, SystemState, Worker};
use crate::face::call::Origin;
use crate::face::signals;

impl Broker {
    /// Gives the engine an event that can't be refused, and carries out what follows.
    pub(super) fn apply(&mut self, event: Event) {
        if let Err(error) = self.model.engine.handle(now(), event, &mut self.model.machine) {
            tracing::error!(%error, "the engine refuses an event");
        }
        if !self.together {
            self.settle();
        }
    }

    /// Carries out everything that the engine wants done; sends the pending reply in its place.
    pub(super) fn settle(&mut self) {
        loop {
            let actions = self.model.engine.drain();
            if actions.is_empty() {
                break;
            }
            let restarted = restarted(&actions);
            let mut actions = actions.into_iter().peekable();
            while let Some(action) = actions.next() {
                // Several changes of a unit in a row are one signal.
                if matches!(action, Action::UnitChanged(_)) && actions.peek() == Some(&action) {
                    continue;
                }
                // The supervisor takes a start of what waits for its automatic restart for both halves.
                if matches!(&action, Action::Stop(_, unit, _, true, _) if restarted.contains(unit)) {
                    continue;
                }
                self.carry_out(action);
            }
        }
        self.flush_reply();
        self.check_idle();
        self.check_end();
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Save(units) => self.store.save_units(&self.model.engine, &units),
            Action::Start(worker, unit, command) => {
                self.watch_name_of(&unit);
                self.start(worker, unit, command);
            }
            Action::Stop(worker, unit, job, restart, cause) => {
                let options = worker::StopOptions { job, restart, cause };
                self.send_request(worker, &unit, worker::Request::Stop { unit: unit.to_string(), options });
            }
            Action::ReloadUnit(worker, unit) => {
                self.send_request(worker, &unit, worker::Request::Reload { unit: unit.to_string() });
            }
            Action::Kill(worker, unit, whom, signal) => {
                let request = worker::Request::Kill { unit: unit.to_string(), whom, signal };
                self.send_request(worker, &unit, request);
            }
            Action::ResetFailed(worker, unit) => {
                self.send_request(worker, &unit, worker::Request::ResetFailed { unit: unit.to_string() });
            }
            // A unit whose files are gone goes on with what its worker knows.
            Action::Update(_, unit) if !self.is_loaded(&unit) => {}
            Action::Update(worker, unit) => {
                if let Some(definition) = self.definition(&unit) {
                    let request = worker::Request::Update { unit: unit.to_string(), definition };
                    self.send_request(worker, &unit, request);
                }
            }
            Action::Slice(slice) => self.tell_slice(&slice),
            Action::Forget(worker, unit) => {
                self.model.runtime.remove(&unit);
                self.send_request(worker, &unit, worker::Request::Forget { unit: unit.to_string() });
            }
            Action::SocketServiceState(socket, service, _, result) => self.tell_socket(&socket, &service, result),
            Action::SocketFail(socket, result) => {
                let request = sockets::Request::Fail { unit: socket.to_string(), result };
                self.workers.send(Worker::Activator, request.message());
            }
            Action::TriggerAck(id) | Action::TriggerDrop(id) => self.trigger_done(id),

            Action::UnitNew(unit) => {
                self.watch_name_of(&unit);
                self.emit(Scope::Unit(&unit), |_| signals::unit("UnitNew", &unit));
            }
            Action::UnitRemoved(unit) => {
                self.model.runtime.remove(&unit);
                self.model.peers.remove(&unit);
                self.watch_name_of(&unit);
                self.emit(Scope::Unit(&unit), |_| signals::unit("UnitRemoved", &unit));
            }
            Action::UnitChanged(unit) => {
                self.emit(Scope::Unit(&unit), |model| signals::unit_changed(model, &unit));
                self.bus_unit_changed(&unit);
            }
            Action::JobNew(id, unit) => self.emit(Scope::Job(id), |_| signals::job_new(id, &unit)),
            Action::JobChanged(id) => self.emit(Scope::Job(id), |model| signals::job_changed(model, id)),
            Action::JobRemoved(id, unit, result) => {
                if self.reply.before_end_of == Some(id) {
                    self.flush_reply();
                }
                self.emit(Scope::Job(id), |_| signals::job_removed(id, &unit, result));
                self.job_removed_on_bus(id);
            }
            Action::Reloading(active) => {
                self.emit(Scope::Manager, |_| signals::reloading(active));
                if !active {
                    self.watch_all_names();
                }
            }
            Action::StartupFinished => self.startup_finished(),
            Action::ManagerChanged => self.emit(Scope::Manager, signals::manager_changed),

            Action::Log(unit, level, text) => log(unit.as_ref(), level, &text),
            Action::Why(entry) => {
                tracing::debug!(unit = %entry.unit, cause = &*entry.cause, source = entry.source, "{}", entry.change);
            }
            Action::Power(action) => self.on_power(&action),
            Action::ExitStatus(status) => self.set_exit_code(status),
            Action::RebootArgument(argument) => self.set_reboot_argument(&argument),
        }
    }

    /// Signals go to all who are connected, and over the bus if somebody there wants them; without anybody they aren't
    /// even built.
    fn emit<S: IntoIterator<Item = Message>>(&self, scope: Scope<'_>, signals: impl FnOnce(&crate::model::Model) -> S) {
        let bus = self.bus.listening(scope);
        if self.callers.is_empty() && bus.is_none() {
            return;
        }
        for signal in signals(&self.model) {
            if let Some(bus) = bus {
                super::message_bus::send(bus, &signal);
            }
            self.server.broadcast(signal);
        }
    }

    /// A signal that isn't the engine's.
    pub(super) fn broadcast(&self, signal: Option<Message>) {
        self.emit(Scope::Manager, |_| signal);
    }

    /// The last job is done: services that wait for that (`Type=idle`) may go on.
    fn check_idle(&mut self) {
        let has_jobs = self.model.engine.job_count() > 0;
        if self.had_jobs && !has_jobs {
            self.workers.send(Worker::Supervisor, bus_api::supervisor::Request::Idle.message());
        }
        self.had_jobs = has_jobs;
    }

    fn flush_reply(&mut self) {
        self.reply.before_end_of = None;
        match self.reply.message.take() {
            Some((Origin::Peer(client), message)) => {
                self.server.send(client, message);
            }
            Some((Origin::Bus(_), message)) => self.bus.send(&message),
            None => {}
        }
    }

    /// Answers the call that is being handled, once the signals that come first are sent.
    pub(super) fn answer(&mut self, origin: Origin, message: Message) {
        self.reply.message = Some((origin, message));
        self.settle();
    }

    fn is_loaded(&self, unit: &UnitName) -> bool {
        self.model.engine.unit(unit).is_some_and(|view| view.load_state == LoadState::Loaded)
    }

    fn tell_socket(&mut self, socket: &UnitName, service: &UnitName, result: String) {
        let sub = self.model.engine.unit(service).map(|view| view.sub.to_owned()).unwrap_or_else(|| "dead".into());
        let state = sockets::ServiceState { socket: socket.to_string(), service: service.to_string(), sub, result };
        self.workers.send(Worker::Activator, sockets::Request::ServiceState(state).message());
    }

    fn startup_finished(&mut self) {
        let facts = &mut self.model.facts;
        if facts.saved.finish.monotonic_usec == 0 {
            facts.saved.finish = now();
            self.store.save_facts(&facts.saved);
        }
        let saved = &self.model.facts.saved;
        let userspace = saved.finish.monotonic_usec.saturating_sub(saved.userspace.monotonic_usec);
        self.emit(Scope::Manager, |_| signals::startup_finished(userspace));
        let state = self.model.engine.system_state();
        self.runner.status(match state {
            SystemState::Degraded => "startup finished, some units failed",
            _ => "startup finished",
        });
        tracing::info!(state = state.as_str(), milliseconds = userspace / 1000, "startup finished");
    }
}

/// Units that are stopped for a restart and started at once: they were waiting for their automatic restart. A start for which
/// descriptors are fetched first comes later than the stop, and says nothing about it.
fn restarted(actions: &[Action]) -> BTreeSet<UnitName> {
    let stopped = |unit: &UnitName| {
        actions.iter().any(|action| matches!(action, Action::Stop(Worker::Supervisor, of, _, true, _) if of == unit))
    };
    if !actions.iter().any(|action| matches!(action, Action::Stop(Worker::Supervisor, _, _, true, _))) {
        return BTreeSet::new();
    }
    let started = actions.iter().filter_map(|action| match action {
        Action::Start(Worker::Supervisor, unit, command)
            if command.sockets.is_empty() && command.connection.is_none() =>
        {
            Some(unit)
        }
        _ => None,
    });
    started.filter(|unit| stopped(unit)).cloned().collect()
}

fn log(unit: Option<&UnitName>, level: LogLevel, text: &str) {
    let unit = unit.map_or("", |unit| unit.as_str());
    match level {
        LogLevel::Error => tracing::error!(unit, "{text}"),
        LogLevel::Warning => tracing::warn!(unit, "{text}"),
        LogLevel::Notice | LogLevel::Info => tracing::info!(unit, "{text}"),
        LogLevel::Debug => tracing::debug!(unit, "{text}"),
    }
}
