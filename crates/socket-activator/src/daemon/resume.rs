//! After a restart: state from disk, descriptors from the runner, and on from there.

use std::collections::{BTreeMap, HashMap};
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use daemon_runtime::fds::PassedFds;
use sys::namespace::Kind;
use sys::pidfd::PidFd;
use unit_parser::Unit;

use super::Daemon;
use super::connections::AcceptQueue;
use super::namespaces::Held;
use super::saved::SavedUnit;
use super::store::{self, Stored};
use super::unit::SocketUnit;
use crate::core::{Event, State};

impl Daemon {
    /// Puts units and descriptors together again.
    pub(crate) fn resume(&mut self, mut fds: PassedFds) {
        let definitions: HashMap<String, Unit> = self.definitions.load_all().into_iter().collect();
        for (name, saved) in self.states.load_all::<SavedUnit>() {
            let Some(definition) = definitions.get(&name) else {
                tracing::error!("{name}: the definition is lost, the unit is forgotten");
                self.states.remove(&name);
                continue;
            };
            let newest = saved.machine.triggers.iter().map(|trigger| trigger.id).max();
            self.last_id = self.last_id.max(newest.unwrap_or(0));
            let name: Rc<str> = name.into();
            let unit = SocketUnit::from_saved(name.clone(), definition.clone(), saved);
            self.units.insert(name, unit);
        }
        self.queue = match (fds.take(store::ACCEPT_IN), fds.take(store::ACCEPT_OUT)) {
            (Some(inlet), Some(outlet)) => Some(AcceptQueue { inlet, outlet }),
            // Without a store there is nothing to gain from the detour.
            _ if !self.runner.is_present() => None,
            _ => AcceptQueue::new(&self.runner)
                .inspect_err(|error| tracing::error!("no accept queue, a kill may lose connections: {error}"))
                .ok(),
        };
        let new_connections = self.adopt(fds.take_rest());
        let names: Vec<Rc<str>> = self.units.keys().cloned().collect();
        for name in &names {
            self.resume_unit(name);
        }
        for (name, fd) in new_connections {
            self.accepted(&name, fd);
        }
        self.take_accepted();
    }

    /// Gives stored descriptors back to their units. Returns connections that no trigger knows: stored, but we died before
    /// anything else happened.
    fn adopt(&mut self, stored: Vec<(String, OwnedFd)>) -> Vec<(Rc<str>, OwnedFd)> {
        let keys: BTreeMap<String, Rc<str>> = self.units.keys().map(|name| (store::key(name), name.clone())).collect();
        let mut new = Vec::new();
        for (stored_name, fd) in stored {
            let parsed = store::parse(&stored_name);
            let unit = parsed.as_ref().and_then(|(key, _)| keys.get(*key)).and_then(|name| self.units.get_mut(name));
            let (Some(unit), Some((_, what))) = (unit, parsed) else {
                tracing::debug!(stored_name, "a stored descriptor belongs to no unit any more");
                self.runner.remove(&stored_name);
                continue;
            };
            match what {
                Stored::Socket(slot) => match unit.ports.iter_mut().find(|port| port.slot == slot) {
                    Some(port) => port.adopt(fd),
                    None => self.runner.remove(&stored_name),
                },
                Stored::Connection(cookie) => {
                    if unit.machine.triggers.iter().any(|t| t.connection == Some(cookie)) {
                        unit.connections.insert(cookie, fd);
                    } else {
                        new.push((unit.name.clone(), fd));
                    }
                }
                Stored::Namespace(kind) => {
                    let owners = unit.saved.as_ref().map(|saved| saved.owners.clone()).unwrap_or_default();
                    let held = Held { owner: owners.of(kind, &unit.name), fd: Rc::new(fd) };
                    *unit.namespaces.place(kind) = Some(held);
                }
                Stored::Control => {
                    let name = unit.name.clone();
                    self.adopt_control(&name, fd, &stored_name);
                }
            }
        }
        new
    }

    fn adopt_control(&mut self, name: &str, fd: OwnedFd, stored_name: &str) {
        let pid = self.units.get(name).and_then(|unit| unit.machine.state().control()?.pid);
        match pid.and_then(|pid| i32::try_from(pid).ok()) {
            Some(pid) => self.watch_control(name, PidFd::from_fd_of(fd, pid)),
            // Its end was handled, or its start was never saved.
            None => self.runner.remove(stored_name),
        }
    }

    fn resume_unit(&mut self, name: &str) {
        let Some(unit) = self.units.get_mut(name) else { return };
        // A trigger whose connection is not in the store was taken by a broker.
        let taken: Vec<u64> = unit
            .machine
            .triggers
            .iter()
            .filter(|t| t.connection.is_some_and(|cookie| !unit.connections.contains_key(&cookie)))
            .map(|t| t.id)
            .collect();
        for id in taken {
            self.feed(name, Event::Ack { id });
        }
        let Some(unit) = self.units.get_mut(name) else { return };
        let state = *unit.machine.state();
        if !state.holds_sockets() {
            // Killed between the decision to close and the deed.
            for port in &mut unit.ports {
                if port.fd.is_some() {
                    self.runner.remove(&store::name(name, &Stored::Socket(port.slot)));
                }
                port.close(&unit.settings);
            }
            if matches!(state, State::Dead | State::Failed) {
                self.release_namespaces(name);
            }
        } else if state != State::Opening && unit.ports.iter().any(|port| port.fd.is_none()) {
            self.reopen(name);
        }
        self.check_control(name);
        let Some(unit) = self.units.get_mut(name) else { return };
        let actions = unit.machine.resume(sys::clock::boottime());
        self.run(name, actions);
    }

    /// Nobody kept our sockets: better new ones than none.
    fn reopen(&mut self, name: &str) {
        let mut failed = self.need_namespace(name, Kind::Network).err().map(|error| error.to_string());
        let Some(unit) = self.units.get_mut(name) else { return };
        for port in unit.ports.iter_mut().filter(|port| port.fd.is_none()) {
            if failed.is_some() {
                break;
            }
            match port.open(&unit.settings, unit.namespaces.network.as_ref().map(|held| &*held.fd)) {
                Ok(fd) => {
                    self.runner.store(&store::name(name, &Stored::Socket(port.slot)), &[fd.as_fd()], false);
                }
                Err(error) => failed = Some(error.to_string()),
            }
        }
        let text = "sockets did not survive the restart of socket-activator and were opened anew";
        self.log(name, "warning", text.to_owned());
        if let Some(text) = failed {
            self.feed(name, Event::OpenFailed { text });
        }
    }

    /// A control process whose descriptor did not come back.
    fn check_control(&mut self, name: &str) {
        let Some(unit) = self.units.get(name) else { return };
        let pid = unit.machine.state().control().and_then(|control| control.pid);
        let (Some(pid), None) = (pid, &unit.control) else { return };
        match i32::try_from(pid).ok().and_then(|pid| PidFd::open(pid).ok()) {
            Some(pidfd) => self.watch_control(name, pidfd),
            None => {
                self.log(name, "warning", "the end of a control process was missed".to_owned());
                self.feed(name, Event::Exited(crate::core::event::Exit::Code(0)));
            }
        }
    }
}
