//! `org.quintet.Worker1` and `org.quintet.Sockets1`.

use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;

use bus_api::errors::{BusError, ErrorName};
use bus_api::message::{NamedFd, reply};
use bus_api::serve::{ClientId, default_reply, guarded};
use bus_api::worker::{StartOptions, UnitProcess};
use bus_api::{names, sockets, worker};
use unit_parser::{Unit, UnitType};
use zbus::message::{Message, Type};

use super::Daemon;
use super::run::trigger_message;
use super::store::{self, Stored};
use super::unit::SocketUnit;
use crate::core::{Action, Event, SocketResult, State};

/// What is left to do after the reply has gone out.
type Rest = Option<(Rc<str>, Vec<Action>)>;

impl Daemon {
    /// A broker (or anybody who may) has connected: it learns what waits for it.
    pub(crate) fn greet(&self, client: ClientId) {
        for unit in self.units.values() {
            for trigger in &unit.machine.triggers {
                if let Some(message) = trigger_message(unit, trigger) {
                    self.server.send(client, message);
                }
            }
        }
    }

    /// A message from a client.
    pub(crate) fn dispatch(&mut self, client: ClientId, message: &Message) {
        if message.message_type() != Type::MethodCall {
            return;
        }
        if self.server.answer_as_bus(client, message, names::SOCKETS) {
            return;
        }
        let mut rest: Rest = None;
        let mut known = true;
        let answer = guarded(message, || {
            if let Some(request) = worker::Request::parse(message)? {
                return self.worker(message, request, &mut rest).map(Some);
            }
            if let Some(request) = sockets::Request::parse(message)? {
                return self.sockets(message, request).map(Some);
            }
            known = false;
            Ok(None)
        });
        let answer = if known { answer } else { default_reply(message, &introspect) };
        if let Some(answer) = answer {
            self.server.send(client, answer);
        }
        if let Some((name, actions)) = rest {
            self.run(&name, actions);
        }
    }

    fn worker(&mut self, call: &Message, request: worker::Request, rest: &mut Rest) -> Result<Message, BusError> {
        match request {
            worker::Request::Start { unit, definition, options, fds } => {
                let started = self.start(&unit, &definition, options)?;
                let (_, offers) = bus_api::namespaces::split(fds);
                if let Some(unit) = self.units.get_mut(&started.0)
                    && !matches!(unit.machine.state(), State::Listening | State::Running)
                {
                    unit.namespaces.offers = offers;
                }
                *rest = Some(started);
            }
            worker::Request::Stop { unit, options } => {
                let name = self.known(&unit)?;
                let actions = self.decide(&name, Event::Stop { restart: options.restart });
                *rest = Some((name, actions));
            }
            worker::Request::Overlap { unit, .. } => {
                let text = format!("Unit {unit} has no instances: sockets are not run.");
                return Err(BusError::new(ErrorName::NotSupported, text));
            }
            worker::Request::Reload { unit } => {
                let text = format!("Unit {unit} cannot be reloaded: sockets have nothing to reload.");
                return Err(BusError::new(ErrorName::NotSupported, text));
            }
            worker::Request::Kill { unit, whom, signal } => self.kill(&unit, &whom, signal)?,
            worker::Request::ResetFailed { unit } => {
                let name = self.known(&unit)?;
                let actions = self.decide(&name, Event::ResetFailed);
                *rest = Some((name, actions));
            }
            worker::Request::Update { unit, definition } => self.update(&unit, &definition)?,
            worker::Request::Forget { unit } => self.forget(&unit)?,
            worker::Request::Clean { unit, definition, what } => self.clean(&unit, &definition, &what)?,
            worker::Request::List => {
                // Who asks may know nothing, and what is listed may never have been told.
                self.units.values_mut().for_each(|unit| unit.told.clear());
                let list: Vec<_> =
                    self.units.iter().map(|(name, unit)| self.with_cgroup(name, unit.current())).collect();
                return built(worker::list_reply(call, &list));
            }
            worker::Request::Processes { unit } => {
                return built(worker::processes_reply(call, &self.processes(&unit)?));
            }
            worker::Request::Namespaces { owner } => {
                return built(worker::namespaces_reply(call, &self.namespaces_of(&owner)));
            }
            // The cause of its last change says all there is.
            worker::Request::Notices { unit } => {
                self.known(&unit)?;
                return built(worker::notices_reply(call, &[]));
            }
        }
        built(reply(call, &()))
    }

    fn sockets(&mut self, call: &Message, request: sockets::Request) -> Result<Message, BusError> {
        match request {
            sockets::Request::Fds { unit } => {
                return built(sockets::fds_reply(call, &self.descriptors(&unit)?));
            }
            sockets::Request::ServiceState(told) => {
                let name = self.known(&told.socket)?;
                let start_limit_hit = told.result == "start-limit-hit";
                self.feed(&name, Event::Service { name: told.service, sub: told.sub, start_limit_hit });
            }
            sockets::Request::Holders { unit, services } => {
                let name = self.known(&unit)?;
                self.feed(&name, Event::Holders(services));
            }
            sockets::Request::Ack { id } => self.acknowledge(id),
            sockets::Request::Fail { unit, result } => {
                let name = self.known(&unit)?;
                self.feed(&name, Event::Fail(SocketResult::from_word(&result)));
            }
        }
        built(reply(call, &()))
    }

    pub(crate) fn known(&self, name: &str) -> Result<Rc<str>, BusError> {
        let found = self.units.get_key_value(name).map(|(name, _)| name.clone());
        found.ok_or_else(|| BusError::new(ErrorName::NoSuchUnit, format!("Unit {name} not loaded.")))
    }

    /// Accepts a start: the definition and the decision are on disk when this returns.
    pub(crate) fn start(
        &mut self,
        name: &str,
        definition: &str,
        options: StartOptions,
    ) -> Result<(Rc<str>, Vec<Action>), BusError> {
        let definition = parse(name, definition)?;
        let name: Rc<str> = self.known(name).unwrap_or_else(|_| name.into());
        self.definitions.save(&name, &definition);
        match self.units.get_mut(&name) {
            // Open sockets stay as they are; a daemon-reload tells of new definitions by Update.
            Some(unit) if unit.machine.state().holds_sockets() => {}
            Some(unit) => drop(unit.redefine(definition)),
            None => drop(self.units.insert(name.clone(), SocketUnit::new(name.clone(), definition))),
        }
        if let Some(unit) = self.units.get_mut(&name)
            && matches!(unit.machine.state(), State::Dead | State::Failed)
        {
            unit.invocation_id = options.invocation_id;
            unit.runs.clear();
            unit.told.clear();
            unit.environment = options.manager_environment;
        }
        let actions = self.decide(&name, Event::Start);
        Ok((name, actions))
    }

    fn update(&mut self, name: &str, definition: &str) -> Result<(), BusError> {
        let definition = parse(name, definition)?;
        let name = self.known(name)?;
        self.definitions.save(&name, &definition);
        let Some(unit) = self.units.get_mut(&name) else { return Ok(()) };
        unit.told.clear();
        for mut gone in unit.redefine(definition) {
            if gone.fd.is_some() {
                self.runner.remove(&store::name(&name, &Stored::Socket(gone.slot)));
            }
            gone.close(&unit.settings);
        }
        let missing = unit.ports.iter().filter(|port| port.fd.is_none()).count();
        let text = if missing == unit.ports.len() {
            "no open socket is left after a change of the definition; the unit does nothing until it is restarted"
        } else {
            "some sockets are new in the definition; they are opened when the unit is restarted"
        };
        if missing > 0 && unit.machine.state().holds_sockets() {
            self.log(&name, "warning", text.to_owned());
        }
        if self.units.get(&name).is_some_and(|unit| *unit.machine.state() == State::Listening) {
            self.run(&name, vec![Action::Poll(false), Action::Poll(true)]);
        }
        self.save(&name);
        Ok(())
    }

    fn forget(&mut self, name: &str) -> Result<(), BusError> {
        let name = self.known(name)?;
        let idle = self.units.get(&name).is_none_or(|unit| {
            matches!(unit.machine.state(), State::Dead | State::Failed) && unit.machine.triggers.is_empty()
        });
        if !idle {
            return Err(BusError::new(ErrorName::Failed, format!("Unit {name} is not dead.")));
        }
        self.units.remove(&name);
        self.states.remove(&name);
        self.definitions.remove(&name);
        Ok(())
    }

    /// Begins to remove what a socket unit that is down has left behind (`systemctl clean`). A thread does it.
    fn clean(&self, name: &str, definition: &str, what: &[String]) -> Result<(), BusError> {
        let definition = parse(name, definition)?;
        if self.units.get(name).is_some_and(|unit| !matches!(unit.machine.state(), State::Dead)) {
            return Err(BusError::new(ErrorName::UnitBusy, "Unit is not inactive or has pending job."));
        }
        let directories = exec_job::cleanable_directories(&definition, self.host.mode, what);
        let name = name.to_owned();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = exec_job::clean(&directories, &AtomicBool::new(false)) {
                tracing::warn!("{name}: cleaning failed: {error}");
            }
        });
        Ok(())
    }

    /// `whom` as systemctl(1) has it; sockets have control processes only.
    fn kill(&mut self, name: &str, whom: &str, signal: i32) -> Result<(), BusError> {
        let name = self.known(name)?;
        let error = |text: &str| BusError::new(ErrorName::NoSuchProcess, text);
        let control = self.units.get(&name).is_some_and(|unit| unit.control.is_some());
        let (whom, must) = whom.strip_suffix("-fail").map_or((whom, false), |whom| (whom, true));
        match whom {
            "main" => return Err(error("socket units have no main processes")),
            "control" if !control => return Err(error("No control process to kill")),
            "all" if must && !control => return Err(error("No matching processes to kill")),
            _ => {}
        }
        self.signal(&name, signal, whom == "all");
        Ok(())
    }

    fn descriptors(&self, name: &str) -> Result<Vec<NamedFd>, BusError> {
        let unit = self.units.get(name);
        let unit = unit.ok_or_else(|| BusError::new(ErrorName::NoSuchUnit, format!("Unit {name} not loaded.")))?;
        let mut fds = Vec::new();
        for port in &unit.ports {
            let Some(fd) = &port.fd else { continue };
            // Services get blocking sockets unless NonBlocking= says otherwise (systemd.exec(5)); we only poll this one.
            if !unit.settings.accepts() {
                sys::net::set_blocking(fd.as_fd()).map_err(|error| BusError::from_io(&error))?;
            }
            let copy = fd.as_fd().try_clone_to_owned().map_err(|error| BusError::from_io(&error))?;
            fds.push((unit.settings.descriptor_name.clone(), copy.into()));
            let more = port.endpoints().map_err(|error| BusError::from_io(&error))?;
            fds.extend(more.into_iter().map(|fd| (unit.settings.descriptor_name.clone(), fd.into())));
        }
        Ok(fds)
    }

    fn processes(&self, name: &str) -> Result<Vec<UnitProcess>, BusError> {
        let name = self.known(name)?;
        let Some(unit) = self.units.get(&name) else { return Ok(Vec::new()) };
        let row = |cgroup: String, pid: i32| {
            let command = sys::process::cmdline(pid).unwrap_or_default();
            (cgroup, u32::try_from(pid).unwrap_or(0), command)
        };
        if let Some(cgroup) = self.cgroup(unit) {
            let processes = cgroup.processes().unwrap_or_default();
            return Ok(processes.into_iter().map(|(cgroup, pid)| row(cgroup.name(), pid)).collect());
        }
        Ok(unit.control.iter().map(|control| row(String::new(), control.pidfd.pid())).collect())
    }
}

fn parse(name: &str, definition: &str) -> Result<Unit, BusError> {
    let unit: Unit = serde_json::from_str(definition)
        .map_err(|error| BusError::invalid_args(format!("The definition of {name} is not understood: {error}")))?;
    if unit.name.unit_type() != UnitType::Socket || unit.name.as_str() != name {
        return Err(BusError::invalid_args(format!("{} is not the definition of {name}.", unit.name)));
    }
    Ok(unit)
}

fn built(message: Result<Message, zbus::Error>) -> Result<Message, BusError> {
    message.map_err(|error| BusError::new(ErrorName::Failed, error.to_string()))
}

fn introspect(path: &str) -> Option<String> {
    match path {
        names::PATH => Some(include_str!("introspection.xml").to_owned()),
        "/" => Some("<node><node name=\"org/quintet\"/></node>".to_owned()),
        _ => None,
    }
}
