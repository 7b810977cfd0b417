//! Starting services: with a definition that comes along, or with the one that is known.

use std::os::fd::OwnedFd;

use unit_parser::Unit;

use super::{Held, HeldRecord, RequestError, Start, StartRequest, Supervisor, random_id, random_u64};
use crate::core::event::{Event, StartOrder};

impl Supervisor {
    /// Starts a service with this definition. The same invocation twice starts once.
    ///
    /// # Errors
    /// When it is not down.
    pub fn start(&mut self, unit: Unit, request: StartRequest) -> Result<(), RequestError> {
        let name = unit.name.as_str().to_owned();
        if self.may_start(&name, &request)? {
            self.define(unit);
            self.begin(&name, request);
        }
        Ok(())
    }

    /// As [`Supervisor::start`], with the definition as the text that it was sent as. What it is already isn't read again:
    /// services that are restarted have the definition that they had.
    ///
    /// # Errors
    /// When it is not down, or the text is no definition of that unit.
    pub fn start_as(&mut self, name: &str, definition: String, request: StartRequest) -> Result<(), RequestError> {
        if self.may_start(name, &request)? {
            self.define_as(name, definition)?;
            self.begin(name, request);
        }
        Ok(())
    }

    /// Whether there is something to start: not if it was started by the same request.
    pub(super) fn may_start(&self, name: &str, request: &StartRequest) -> Result<bool, RequestError> {
        let Some(service) = self.services.get(name) else { return Ok(true) };
        if !request.invocation.is_empty() && service.invocation == request.invocation {
            return Ok(false);
        }
        if !service.machine.may_start() || service.machine.spawning().is_some() {
            return Err(RequestError::State { unit: name.to_owned(), sub: service.machine.state().sub() });
        }
        Ok(true)
    }

    pub(super) fn begin(&mut self, name: &str, request: StartRequest) {
        let order = StartOrder {
            invocation: if request.invocation.is_empty() { random_id() } else { request.invocation },
            cause: request.cause,
            random: random_u64(),
        };
        let Some(service) = self.services.get_mut(name) else { return };
        service.invocation.clone_from(&order.invocation);
        service.told.start_anew();
        self.take_start(name, request.start, request.fds);
        self.take_offers(name, request.offers);
        self.feed(name, Event::Start(order));
    }

    /// What a start brought replaces what the last one did.
    pub(super) fn take_start(&mut self, name: &str, start: Start, fds: Vec<(String, OwnedFd)>) {
        let Some(service) = self.services.get_mut(name) else { return };
        service.start = start;
        for held in std::mem::take(&mut service.fds) {
            held.release(&self.host.runner);
        }
        for (fd_name, fd) in fds {
            let id = service.fd_id('s');
            service.fds.push(Held::new(&self.host.runner, HeldRecord { id, name: fd_name, poll: false }, fd));
        }
    }

    /// Starts a service again with the definition and the environment that it has.
    ///
    /// # Errors
    /// When it is unknown or not down, or when somebody else decides that.
    pub fn start_known(&mut self, unit: &str) -> Result<(), RequestError> {
        if self.coordinated {
            return Err(RequestError::Coordinated);
        }
        let service = self.known(unit)?;
        if service.machine.state().sub() == "auto-restart" && !service.machine.restart_is_due() {
            // As in systemd: the pause before a restart is for everybody; to end it there is a stop.
            return Err(RequestError::State { unit: unit.to_owned(), sub: service.machine.state().sub() });
        }
        let start = service.start.clone();
        let request = StartRequest { start, cause: "started over D-Bus".into(), ..StartRequest::default() };
        let definition = service.unit.clone();
        self.start(definition, request)
    }
}
