//! Events into a unit's state machine, its actions out into the world.
//!
//! The order is what makes a kill -9 harmless: the new state is on disk before anything is done about it, descriptors are in
//! the runner's store before anybody relies on them, and only then it is told on the bus.

use std::collections::VecDeque;
use std::os::fd::AsFd;

use bus_api::message::NamedFd;
use bus_api::sockets::TriggerInfo;
use bus_api::{sockets, worker};
use sys::namespace::Kind;

use super::store::{self, Stored};
use super::unit::SocketUnit;
use super::{Daemon, watch};
use crate::core::event::Trigger;
use crate::core::timestamps::Moment;
use crate::core::{Action, Event, State};

impl Daemon {
    /// Everything about one event of a unit.
    pub(crate) fn feed(&mut self, name: &str, event: Event) {
        let actions = self.decide(name, event);
        self.run(name, actions);
    }

    /// The first half: the machine decides, the decision is saved.
    pub(crate) fn decide(&mut self, name: &str, event: Event) -> Vec<Action> {
        let Some(unit) = self.units.get_mut(name) else { return Vec::new() };
        let actions = unit.machine.handle(sys::clock::boottime(), event);
        let mut active = unit.saved.as_ref().map_or("inactive", |saved| saved.machine.state().active());
        for action in &actions {
            if let Action::Changed { state, .. } = action {
                unit.timestamps.changed(active, state.active(), now());
                active = state.active();
            }
        }
        self.save(name);
        actions
    }

    /// The second half: it is done.
    pub(crate) fn run(&mut self, name: &str, actions: Vec<Action>) {
        let mut queue = VecDeque::from(actions);
        while let Some(action) = queue.pop_front() {
            let answer = match action {
                Action::Open => Some(self.open(name)),
                Action::Spawn { phase, index } => Some(match self.spawn_control(name, phase, index) {
                    Ok(pid) => Event::Spawned { pid },
                    Err(error) => Event::SpawnFailed { text: sys::net::message(&error) },
                }),
                action => {
                    self.act(name, action);
                    None
                }
            };
            if let Some(event) = answer {
                queue.extend(self.decide(name, event));
            }
        }
    }

    fn act(&mut self, name: &str, action: Action) {
        let inputs = self.inputs.clone();
        let Some(unit) = self.units.get_mut(name) else { return };
        match action {
            Action::Open | Action::Spawn { .. } => {}
            Action::Close => self.close(name),
            Action::Flush => unit.ports.iter().for_each(crate::sockets::Port::flush),
            Action::Poll(true) => {
                unit.watchers = unit
                    .ports
                    .iter()
                    .filter_map(|port| {
                        let fd = port.fd.clone()?;
                        Some(watch::port(unit.name.clone(), port.slot, fd, inputs.clone()))
                    })
                    .collect();
            }
            Action::Poll(false) => unit.watchers.clear(),
            Action::Kill { signal, last } => self.kill_control(name, signal, last),
            Action::Timer(at) => unit.timer = at.map(|at| watch::timer(unit.name.clone(), at, inputs)),
            Action::Trigger(trigger) if self.services.is_some() => {
                let _ = inputs.send(watch::Input::Trigger { unit: unit.name.clone(), trigger });
            }
            Action::Trigger(trigger) => {
                if let Some(message) = trigger_message(unit, &trigger) {
                    self.server.broadcast(message);
                }
            }
            Action::Forget { cookie } | Action::Refuse { cookie } => self.drop_connection(name, cookie),
            Action::Changed { state, result, cause } => {
                tracing::info!("{name}: {}/{} ({cause})", state.active(), state.sub());
                let status = unit.status(&state, result, cause);
                self.tell_changed(name, status);
                if matches!(state, State::Dead | State::Failed) {
                    self.clean_up(name);
                }
            }
            Action::Updated => {
                let status = unit.status(unit.machine.state(), unit.machine.result(), String::new());
                self.tell_changed(name, status);
            }
            Action::Log { level, text } => self.log(name, level, text),
        }
    }

    /// Tells about a unit, on the bus and in our own log.
    pub(crate) fn log(&self, name: &str, level: &str, text: String) {
        let level = match level {
            "err" => {
                tracing::error!("{name}: {text}");
                "error"
            }
            "warning" => {
                tracing::warn!("{name}: {text}");
                "warning"
            }
            "debug" => {
                tracing::debug!("{name}: {text}");
                "debug"
            }
            _ => {
                tracing::info!("{name}: {text}");
                "info"
            }
        };
        self.tell(&worker::Event::Log { unit: name.to_owned(), level: level.to_owned(), text });
    }

    pub(crate) fn tell(&self, event: &worker::Event) {
        match event.message() {
            Ok(message) => self.server.broadcast(message),
            Err(error) => tracing::error!("cannot tell {event:?}: {error}"),
        }
    }

    /// Opens what isn't open; each descriptor is stored before the next is opened.
    fn open(&mut self, name: &str) -> Event {
        let sockets = self.units.get(name).is_some_and(|unit| unit.ports.iter().any(crate::sockets::Port::is_socket));
        if sockets && let Err(error) = self.need_namespace(name, Kind::Network) {
            return Event::OpenFailed { text: format!("no network namespace: {}", sys::net::message(&error)) };
        }
        let Some(unit) = self.units.get_mut(name) else { return Event::Opened };
        for port in &mut unit.ports {
            if port.fd.is_some() {
                continue;
            }
            match port.open(&unit.settings, unit.namespaces.network.as_ref().map(|held| &*held.fd)) {
                Ok(fd) => {
                    self.runner.store(&store::name(name, &Stored::Socket(port.slot)), &[fd.as_fd()], false);
                }
                Err(error) => return Event::OpenFailed { text: error.to_string() },
            }
        }
        Event::Opened
    }

    fn close(&mut self, name: &str) {
        let Some(unit) = self.units.get_mut(name) else { return };
        unit.watchers.clear();
        for port in &mut unit.ports {
            if port.fd.is_some() {
                self.runner.remove(&store::name(name, &Stored::Socket(port.slot)));
            }
            port.close(&unit.settings);
        }
    }

    pub(crate) fn drop_connection(&mut self, name: &str, cookie: u64) {
        let Some(unit) = self.units.get_mut(name) else { return };
        if unit.connections.remove(&cookie).is_some() {
            self.runner.remove(&store::name(name, &Stored::Connection(cookie)));
        }
    }

    /// Writes what changed.
    pub(crate) fn save(&mut self, name: &str) {
        let Some(unit) = self.units.get_mut(name) else { return };
        let saved = unit.to_saved();
        if unit.saved.as_ref() == Some(&saved) {
            return;
        }
        self.states.save(name, &saved);
        unit.saved = Some(saved);
    }
}

/// The signal for a trigger. `None` when its connection is gone, or it can't be made (logged).
pub(crate) fn trigger_message(unit: &SocketUnit, trigger: &Trigger) -> Option<zbus::message::Message> {
    let fds: Vec<NamedFd> = match trigger.connection {
        Some(cookie) => {
            let fd = unit.connections.get(&cookie)?.try_clone();
            let fd = fd.inspect_err(|error| tracing::error!("{}: {error}", unit.name)).ok()?;
            vec![("connection".to_owned(), fd.into())]
        }
        None => Vec::new(),
    };
    let info = TriggerInfo {
        id: trigger.id,
        socket: unit.name.to_string(),
        service: trigger.service.clone(),
        environment: trigger.environment.clone(),
        cause: trigger.cause.clone(),
        peer: trigger.peer.clone(),
    };
    let message = sockets::Event::Triggered { info, fds }.message();
    message.inspect_err(|error| tracing::error!("{}: cannot tell of traffic: {error}", unit.name)).ok()
}

/// This moment.
pub(crate) fn now() -> Moment {
    Moment { realtime: sys::clock::realtime(), monotonic: sys::clock::monotonic() }
}
