//! Clients on the message bus: who calls, whether they are still there, what they hold.

use std::rc::Rc;

use bus_api::errors::{BusError, ErrorName};
use bus_api::message_bus::{Credentials, Request};
use unit_parser::UnitName;
use zbus::Message;

use super::Question;
use crate::core::Event;
use crate::driver::Broker;
use crate::face::call::{Answered, Call, Caller, Origin};

/// Callers without interests that are remembered, so that the bus isn't asked at each call.
const REMEMBERED: usize = 64;
/// Calls of one client that may wait until the bus has told who it is.
const WAITING: usize = 1024;
/// The uid of somebody of whom the bus doesn't know it: nobody's.
const NOBODY: u32 = 65534;

impl Broker {
    /// A call over the bus: handled at once if the caller is known.
    pub(super) fn on_bus_call(&mut self, message: Message) {
        let Some(client) = message.header().sender().map(|name| name.to_string()) else { return };
        if let Some(caller) = self.bus.callers.get(&client).cloned() {
            return self.on_call(caller, message);
        }
        match self.bus.waiting.get_mut(&client) {
            Some(calls) if calls.len() >= WAITING => {
                let error = BusError::new(ErrorName::LimitsExceeded, "Too many calls.");
                if let Some(reply) = bus_api::serve::error_reply(&message, &error) {
                    self.bus.send(&reply);
                }
            }
            Some(calls) => calls.push(message),
            None => {
                self.bus.ask(&Request::Credentials(&client), Question::Caller(client.clone()));
                self.bus.waiting.insert(client, vec![message]);
            }
        }
    }

    pub(super) fn bus_caller_known(&mut self, client: &str, credentials: Credentials) {
        self.forget_bus_callers();
        let uid = credentials.uid.unwrap_or(NOBODY);
        let own = nix::unistd::geteuid().as_raw();
        let caller = Caller {
            origin: Origin::Bus(client.into()),
            number: self.bus_number(client),
            pid: credentials.pid,
            uid,
            privileged: uid == 0 || uid == own,
        };
        let caller = Rc::new(caller);
        self.bus.callers.insert(client.to_owned(), caller.clone());
        for message in self.bus.waiting.remove(client).unwrap_or_default() {
            self.on_call(caller.clone(), message);
        }
    }

    /// Makes room among those who have no interests; unique names are never used again, so what is known stays true.
    fn forget_bus_callers(&mut self) {
        if self.bus.callers.len() >= self.bus.tracked.len() + REMEMBERED {
            let tracked = &self.bus.tracked;
            self.bus.callers.retain(|client, _| tracked.contains(client));
            self.bus.numbers.retain(|client, _| tracked.contains(client));
        }
    }

    fn bus_number(&mut self, client: &str) -> u64 {
        if let Some(number) = self.bus.numbers.get(client) {
            return *number;
        }
        self.next_caller += 1;
        self.bus.numbers.insert(client.to_owned(), self.next_caller);
        self.next_caller
    }

    /// From now on we hear when this client goes away.
    fn track(&mut self, client: &str) {
        if self.bus.tracked.insert(client.to_owned()) {
            self.bus.tell_driver(&Request::WatchName(client));
            // It may be gone already.
            self.bus.ask(&Request::NameOwner(client), Question::Alive(client.to_owned()));
        }
    }

    pub(super) fn bus_client_gone(&mut self, client: &str) {
        if self.bus.tracked.remove(client) {
            self.bus.tell_driver(&Request::UnwatchName(client));
        }
        self.bus.callers.remove(client);
        if let Some(number) = self.bus.numbers.remove(client) {
            self.apply(Event::ClientGone(number));
        }
        if self.bus.interests.forget(client) {
            self.save_interests();
        }
    }

    /// The connection is lost, and won't be back soon: so are they all.
    pub(super) fn bus_clients_gone(&mut self) {
        let known = self.bus.numbers.keys().cloned();
        let clients: Vec<String> = known.chain(self.bus.interests.clients()).collect();
        for client in clients {
            self.bus_client_gone(&client);
        }
    }

    /// Which bus it is that we are connected to. Clients of another one are gone; those of this one may be.
    pub(super) fn bus_known(&mut self, id: String) {
        if self.bus.interests.bus != id {
            self.bus_clients_gone();
            self.bus.interests.bus = id;
            self.save_interests();
        }
        for client in self.bus.interests.clients() {
            self.track(&client);
        }
    }

    /// References of before a restart hold their units again.
    pub(in crate::driver) fn restore_references(&mut self) {
        let held: Vec<(UnitName, String)> =
            self.bus.interests.references().map(|(unit, client)| (unit.clone(), client.clone())).collect();
        for (unit, client) in held {
            let number = self.bus_number(&client);
            if let Err(error) = self.handle(Event::Load(unit.clone())).and_then(|_| {
                let event = Event::Ref { unit: unit.clone(), client: number };
                self.handle(event)
            }) {
                tracing::warn!(%unit, client, %error, "a reference is lost");
            }
        }
    }

    pub(in crate::driver) fn save_interests(&self) {
        self.store.save_interests(&self.bus.interests);
    }

    /// A client asked for a job: it hears of its end.
    pub fn follow_job(&mut self, call: &Call, job: u32) {
        if let Origin::Bus(client) = &call.caller.origin {
            self.bus.interests.follow_job(job, client);
            self.track(client);
            self.save_interests();
        }
    }

    pub(in crate::driver) fn job_removed_on_bus(&mut self, job: u32) {
        if self.bus.interests.job_removed(job) {
            self.save_interests();
        }
    }

    /// Whether the caller asked for a job: it may cancel it then.
    #[must_use]
    pub fn asked_for(&self, caller: &Caller, job: u32) -> bool {
        match &caller.origin {
            Origin::Bus(client) => self.bus.interests.asked_for(job, client),
            Origin::Peer(_) => false,
        }
    }

    /// `Subscribe`, `Unsubscribe`. Private connections get all signals anyway.
    ///
    /// # Errors
    /// `AlreadySubscribed`, `NotSubscribed`.
    pub fn subscribe(&mut self, call: &Call, wanted: bool) -> Answered {
        if let Origin::Bus(client) = &call.caller.origin {
            if wanted {
                if !self.bus.interests.subscribe(client) {
                    return Err(BusError::new(ErrorName::AlreadySubscribed, "Client is already subscribed."));
                }
                self.track(client);
            } else if !self.bus.interests.unsubscribe(client) {
                return Err(BusError::new(ErrorName::NotSubscribed, "Client is not subscribed."));
            }
            self.save_interests();
        }
        call.reply(&())
    }

    /// `Ref`, `Unref`.
    ///
    /// # Errors
    /// `InvalidArgs` on a private connection: nobody there has a name whose going away could be noticed. `NotReferenced`.
    pub fn reference(&mut self, call: &Call, unit: &UnitName, wanted: bool) -> Answered {
        let not_referenced = || BusError::new(ErrorName::NotReferenced, "Unit has not been referenced yet.");
        let Origin::Bus(client) = &call.caller.origin else {
            // A private connection can't refer to a unit, so it never has.
            return Err(if wanted { BusError::invalid_args("Invalid argument") } else { not_referenced() });
        };
        let (unit, client_number) = (unit.clone(), call.caller.number);
        if wanted {
            self.bus.interests.reference(&unit, client);
            self.track(client);
            self.request(Event::Ref { unit, client: client_number })?;
        } else {
            match self.bus.interests.unreference(&unit, client) {
                None => return Err(not_referenced()),
                Some(0) => {
                    self.request(Event::Unref { unit, client: client_number })?;
                }
                Some(_) => {}
            }
        }
        self.save_interests();
        call.reply(&())
    }
}
