//! The connections to the three workers, and what comes over them.

use bus_api::connect::{CallError, Peer, PeerEvent, PeerEvents};
use bus_api::{devices, sockets, worker};
use daemon_runtime::paths::RuntimeDir;
use unit_parser::{DependencyKind, UnitName, UnitType, rows};
use zbus::Message;

use super::{Broker, reports};
use crate::core::{ActiveState, Event, Worker};

/// Connections, by worker.
#[derive(Debug)]
pub struct Workers {
    supervisor: Link,
    activator: Link,
    watcher: Link,
}

/// One connection.
#[derive(Debug)]
struct Link {
    peer: Peer,
    /// Serial of the `List` call under way: the worker counts as back when it is answered.
    list: Option<u32>,
    /// Serial of the watcher's `Status` call under way.
    status: Option<u32>,
}

/// What the workers send.
#[derive(Debug)]
pub struct WorkerEvents {
    /// Of process-supervisor.
    pub supervisor: PeerEvents,
    /// Of socket-activator.
    pub activator: PeerEvents,
    /// Of device-watcher.
    pub watcher: PeerEvents,
}

impl Workers {
    /// Connects to all three, for as long as this lives.
    pub fn open(runtime: &RuntimeDir) -> (Self, WorkerEvents) {
        let link = |daemon| {
            let (peer, events) = Peer::open(&runtime.bus(daemon));
            (Link { peer, list: None, status: None }, events)
        };
        let (supervisor, supervisor_events) = link("process-supervisor");
        let (activator, activator_events) = link("socket-activator");
        let (watcher, watcher_events) = link("device-watcher");
        let events =
            WorkerEvents { supervisor: supervisor_events, activator: activator_events, watcher: watcher_events };
        (Self { supervisor, activator, watcher }, events)
    }

    /// The connection to a worker.
    pub fn peer(&self, worker: Worker) -> &Peer {
        match worker {
            Worker::Supervisor => &self.supervisor.peer,
            Worker::Activator => &self.activator.peer,
            Worker::Watcher => &self.watcher.peer,
        }
    }

    fn link(&mut self, worker: Worker) -> &mut Link {
        match worker {
            Worker::Supervisor => &mut self.supervisor,
            Worker::Activator => &mut self.activator,
            Worker::Watcher => &mut self.watcher,
        }
    }

    /// Sends a call; its answer comes as [`PeerEvent::Reply`] with the serial. `None`: it wasn't sent.
    pub fn send(&self, worker: Worker, message: Result<Message, zbus::Error>) -> Option<u32> {
        let message = match message {
            Ok(message) => message,
            Err(error) => {
                tracing::error!(?worker, %error, "a call that can't be written");
                return None;
            }
        };
        match self.peer(worker).send(message) {
            Ok(serial) => Some(serial),
            // It lists its units when it is back, and the engine decides anew.
            Err(CallError::Away) => None,
            Err(error) => {
                tracing::error!(?worker, %error, "a call that can't be sent");
                None
            }
        }
    }
}

/// Signals of the supervisor that are taken together at most.
const TOGETHER: usize = 32;
/// The manager's property that says whether missed watchdogs end services.
pub(super) const WATCHDOGS: &str = "ServiceWatchdogs";

impl Broker {
    /// Takes what the supervisor's connection brings. A service that ends, or is restarted, tells several things at once: what
    /// follows from all of them is saved, told and done once.
    pub(super) fn on_supervisor(&mut self, event: PeerEvent, more: &mut PeerEvents) {
        let mut next = Some(event);
        let mut left = TOGETHER;
        while let Some(event) = next {
            let is_signal = matches!(event, PeerEvent::Signal(_));
            if self.together && !is_signal {
                self.settle();
            }
            self.together = is_signal;
            self.on_worker(Worker::Supervisor, event);
            left -= 1;
            next = if left > 0 { more.try_recv().ok() } else { None };
        }
        if std::mem::take(&mut self.together) {
            self.settle();
        }
    }

    /// Takes what a worker's connection brings.
    pub(super) fn on_worker(&mut self, worker: Worker, event: PeerEvent) {
        match event {
            PeerEvent::Back => self.on_back(worker),
            PeerEvent::Away { reason } => {
                tracing::info!(?worker, reason, "worker is away");
                self.starts.worker_away(worker);
                self.apply(Event::WorkerAway(worker));
            }
            PeerEvent::Signal(message) => {
                if let Err(error) = self.on_signal(worker, &message) {
                    tracing::error!(?worker, %error, "a signal that can't be read");
                }
            }
            PeerEvent::Reply { serial, result } => self.on_reply(worker, serial, result),
            PeerEvent::Call(_) => {}
        }
    }

    fn on_back(&mut self, worker: Worker) {
        tracing::debug!(?worker, "worker is back");
        let list = match worker {
            Worker::Supervisor | Worker::Activator => worker::Request::List.message(),
            Worker::Watcher => {
                let status = self.workers.send(worker, devices::Request::Status.message());
                self.workers.link(worker).status = status;
                devices::Request::List.message()
            }
        };
        let list = self.workers.send(worker, list);
        self.workers.link(worker).list = list;
        if worker == Worker::Supervisor {
            // It logs what it has to say itself.
            self.workers.send(worker, bus_api::supervisor::Request::Quiet.message());
            // Before it is told to start anything in them.
            self.tell_slices();
            if !self.watchdogs() {
                self.tell_watchdogs();
            }
        }
    }

    fn on_signal(&mut self, worker: Worker, message: &Message) -> Result<(), bus_api::errors::BusError> {
        if let Some(event) = worker::Event::parse(message)? {
            match event {
                worker::Event::Changed(status) => self.on_status(worker, status),
                worker::Event::Log { unit, level, text } => log(&unit, &level, &text),
                worker::Event::RestartDue { unit } => {
                    if let Ok(unit) = UnitName::parse(&unit) {
                        self.apply(Event::RestartDue(unit));
                    }
                }
            }
        } else if let Some(event) = sockets::Event::parse(message)? {
            match event {
                sockets::Event::Triggered { info, fds } => self.on_trigger(info, fds),
            }
        } else if let Some(event) = devices::Event::parse(message)? {
            match event {
                devices::Event::Changed { action, units } => {
                    let units = reports::devices(units, self.model.facts.user);
                    self.apply(Event::Devices { action: reports::device_action(&action), units });
                }
                devices::Event::Availability { available, reason } => {
                    self.apply(Event::DevicesAvailable { available, reason });
                }
            }
        }
        Ok(())
    }

    fn on_status(&mut self, worker: Worker, told: worker::UnitStatus) {
        let Some(status) = reports::status(worker, &told) else { return };
        // Only what changed is sent: the rest stays as it was.
        self.model.runtime.update(&status.unit, told.properties);
        self.apply(Event::Status(status));
    }

    fn on_trigger(&mut self, info: sockets::TriggerInfo, fds: Vec<bus_api::message::NamedFd>) {
        let (Ok(socket), Ok(service)) = (UnitName::parse(&info.socket), UnitName::parse(&info.service)) else {
            tracing::error!(socket = info.socket, service = info.service, "a trigger with an invalid name");
            return;
        };
        let connection = !fds.is_empty();
        self.starts.keep_connection(info.id, fds);
        if !info.peer.is_empty() {
            self.model.peers.insert(service.clone(), info.peer);
        }
        let unit = service.clone();
        self.apply(Event::Trigger {
            id: info.id,
            socket,
            service,
            environment: info.environment,
            connection,
            cause: info.cause,
        });
        if connection {
            self.connection_came(&unit);
        }
    }

    fn on_reply(&mut self, worker: Worker, serial: u32, result: Result<Message, CallError>) {
        let link = self.workers.link(worker);
        if link.list == Some(serial) {
            link.list = None;
            match result {
                Ok(message) => self.on_list(worker, &message),
                Err(error) => tracing::error!(?worker, %error, "worker doesn't list its units"),
            }
        } else if link.status == Some(serial) {
            link.status = None;
            match result
                .map_err(|error| error.to_string())
                .and_then(|message| devices::parse_status(&message).map_err(|error| error.to_string()))
            {
                Ok((available, reason)) => self.apply(Event::DevicesAvailable { available, reason }),
                Err(error) => tracing::error!(error, "device-watcher doesn't tell its status"),
            }
        } else {
            self.on_start_reply(worker, serial, result);
        }
    }

    /// Tells the supervisor of a slice: the control group is there from now on, with these limits, or no longer.
    pub(super) fn tell_slice(&self, slice: &UnitName) {
        let up = self.model.engine.unit(slice).is_some_and(|view| view.active.is_up());
        let definition = if up { self.definition(slice).unwrap_or_default() } else { String::new() };
        let told = bus_api::supervisor::Request::Slice { unit: slice.to_string(), definition };
        self.workers.send(Worker::Supervisor, told.message());
    }

    /// Whether missed watchdogs end services.
    fn watchdogs(&self) -> bool {
        self.model.facts.saved.properties.get(WATCHDOGS) != Some(&serde_json::Value::Bool(false))
    }

    /// Tells the supervisor.
    pub(super) fn tell_watchdogs(&self) {
        let told = bus_api::supervisor::Request::Watchdogs { on: self.watchdogs() };
        self.workers.send(Worker::Supervisor, told.message());
    }

    fn tell_slices(&self) {
        let slices = self.model.engine.units().into_iter().filter(|name| name.unit_type() == UnitType::Slice);
        let is_up = |name: &&UnitName| self.model.engine.unit(name).is_some_and(|view| view.active.is_up());
        slices.filter(is_up).for_each(|slice| self.tell_slice(slice));
    }

    /// Tells sockets which of the instances that they asked for are still there.
    fn tell_holders(&self) {
        let engine = &self.model.engine;
        let holds = |name: &&UnitName| {
            engine.unit(name).is_some_and(|view| {
                view.job.is_some() || !matches!(view.active, ActiveState::Inactive | ActiveState::Failed)
            })
        };
        for socket in engine.units().into_iter().filter(|name| name.unit_type() == UnitType::Socket) {
            let Some(view) = engine.unit(socket).filter(|view| view.active != ActiveState::Inactive) else { continue };
            if view.definition.bool(rows::socket::ACCEPT) {
                let services = engine.dependencies(socket, DependencyKind::Triggers).into_iter().filter(holds);
                let services = services.map(ToString::to_string).collect();
                let told = sockets::Request::Holders { unit: socket.to_string(), services };
                self.workers.send(Worker::Activator, told.message());
            }
        }
    }

    fn on_list(&mut self, worker: Worker, message: &Message) {
        let listed = match worker {
            Worker::Watcher => devices::parse_list(message).map(|units| {
                let units = reports::devices(units, self.model.facts.user);
                Event::DeviceList(units)
            }),
            Worker::Supervisor | Worker::Activator => worker::parse_list(message).map(|units| {
                let mut statuses = Vec::new();
                for told in units {
                    if let Some(status) = reports::status(worker, &told) {
                        self.model.runtime.replace(&status.unit, told.properties);
                        statuses.push(status);
                    }
                }
                Event::List { worker, units: statuses }
            }),
        };
        match listed {
            Ok(event) => self.apply(event),
            Err(error) => tracing::error!(?worker, %error, "a list that can't be read"),
        }
        if worker == Worker::Supervisor {
            self.tell_owners();
        }
        self.apply(Event::WorkerBack(worker));
        if worker == Worker::Activator {
            self.tell_holders();
            self.give_up_connections();
        }
        self.fetch_again(worker);
    }
}

/// The worker has logged it itself.
fn log(unit: &str, level: &str, text: &str) {
    tracing::debug!(unit, level, "{text}");
}
