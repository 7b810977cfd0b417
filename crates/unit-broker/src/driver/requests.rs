//! What the public face asks of the broker.

use std::rc::Rc;

use bus_api::errors::{BusError, ErrorName};
use bus_api::serve::{Incoming, error_reply, guarded};
use bus_api::worker;
use zbus::message::Type;
use zbus::{Message, OwnedVariant, Variant};

use super::generators::Purpose;
use super::workers::WATCHDOGS;
use super::{Broker, now};
use crate::core::{Cause, EngineError, Event, Happening, JobRequest, PlannedJob, Reply, WhyEntry, Worker};
use crate::face::call::{Answer, Answered, Call, Caller, Origin};
use crate::face::{dispatch, errors, relay};
use crate::properties::interface::Property;

impl Broker {
    /// Takes what happens on the connections of clients.
    pub(super) fn on_client(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Connected(client) => {
                self.next_caller += 1;
                let caller = Caller {
                    origin: Origin::Peer(client.id),
                    number: self.next_caller,
                    pid: client.pid,
                    uid: client.uid,
                    // Others can't connect.
                    privileged: true,
                };
                self.callers.insert(client.id, Rc::new(caller));
            }
            Incoming::Message(client, message) => {
                if let Some(caller) = self.callers.get(&client).cloned() {
                    self.on_call(caller, message);
                }
            }
            Incoming::Disconnected(client) => {
                if let Some(caller) = self.callers.remove(&client) {
                    self.apply(Event::ClientGone(caller.number));
                }
            }
        }
    }

    /// Answers a call.
    pub(super) fn on_call(&mut self, caller: Rc<Caller>, message: Message) {
        if message.message_type() != Type::MethodCall {
            return;
        }
        let origin = caller.origin.clone();
        let call = Call::new(caller, message);
        // A handler that panics must not take the manager down.
        let reply = guarded(&call.message, || {
            dispatch::dispatch(self, &call).map(|answer| match answer {
                Answer::Reply(message) => Some(message),
                Answer::Later => None,
            })
        });
        match reply {
            Some(message) => self.answer(origin, message),
            None => self.settle(),
        }
    }

    /// Answers a call that was kept.
    pub(super) fn answer_call(&mut self, call: &Call, answered: Answered) {
        let message = match answered {
            Ok(Answer::Reply(message)) => Some(message),
            Ok(Answer::Later) => None,
            Err(error) => error_reply(&call.message, &error),
        };
        match message.filter(|_| bus_api::message::expects_reply(&call.message)) {
            Some(message) => self.answer(call.caller.origin.clone(), message),
            None => self.settle(),
        }
    }

    /// Gives the engine a request.
    ///
    /// # Errors
    /// Its refusal.
    pub fn handle(&mut self, event: Event) -> Result<Reply, EngineError> {
        self.model.engine.handle(now(), event, &mut self.model.machine)
    }

    /// The same, with the refusal as a D-Bus error.
    ///
    /// # Errors
    /// The engine's refusal.
    pub fn request(&mut self, event: Event) -> Result<Reply, BusError> {
        self.handle(event).map_err(|error| errors::of_engine(&error))
    }

    /// What jobs these requests would make.
    pub fn plan(&mut self, requests: Vec<JobRequest>) -> Vec<PlannedJob> {
        self.model.engine.preview_plan(now(), requests, &mut self.model.machine)
    }

    /// What would follow if this happened.
    ///
    /// # Errors
    /// When it can't happen.
    pub fn simulate(&mut self, happening: Happening) -> Result<Vec<WhyEntry>, EngineError> {
        self.model.engine.simulate(now(), happening, &mut self.model.machine)
    }

    /// The reply of the call that is being handled goes out before this job's `JobRemoved`.
    pub fn reply_before_end_of(&mut self, job: u32) {
        self.reply.before_end_of = Some(job);
    }

    /// Asks a worker, and answers the call with what `convert` makes of its answer.
    ///
    /// # Errors
    /// When the request can't be written.
    pub fn ask_worker(
        &mut self,
        worker: Worker,
        request: &worker::Request,
        call: &Call,
        convert: fn(&Call, Message) -> Answered,
    ) -> Answered {
        let message = request.message().map_err(|error| BusError::new(ErrorName::Failed, error.to_string()))?;
        let answer = self.workers.peer(worker).call(message);
        relay::relay(call, answer, convert, self.replier(&call.caller.origin));
        Ok(Answer::Later)
    }

    /// Sends replies later, to a caller that may be gone by then.
    fn replier(&self, origin: &Origin) -> Box<dyn Fn(Message)> {
        match origin {
            Origin::Peer(client) => {
                let (server, client) = (self.server.clone(), *client);
                Box::new(move |message| {
                    server.send(client, message);
                })
            }
            Origin::Bus(_) => {
                let bus = self.bus.handle();
                Box::new(move |message| {
                    if let Some(bus) = &bus {
                        super::message_bus::send(bus, &message);
                    }
                })
            }
        }
    }

    /// daemon-reload: generators first. The caller is answered when all of it is done.
    pub fn reload(&mut self, call: &Call) -> Answer {
        self.generate(Purpose::Reload(call.cause(), Some(Box::new(call.clone()))));
        Answer::Later
    }

    /// Reads unit files anew.
    ///
    /// # Errors
    /// The engine's refusal.
    pub(super) fn reload_units(&mut self, cause: &Cause) -> Result<(), BusError> {
        tracing::info!(%cause, "reloading unit files");
        self.model.forget_unit_file_states();
        let result = self.request(Event::Reload).map(|_| ());
        self.model.facts.saved.reload = now();
        self.store.save_facts(&self.model.facts.saved);
        result
    }

    /// daemon-reexec: this process ends, and whoever runs it starts the new one, which goes on with the saved state.
    ///
    /// # Errors
    /// `NotSupported` when nobody would start it again.
    pub fn reexecute(&mut self) -> Result<(), BusError> {
        if !self.runner.is_present() {
            return Err(errors::not_supported("Reexecution without the launcher"));
        }
        tracing::info!("reexecuting");
        self.quit = true;
        Ok(())
    }

    /// `UnsetAndSetEnvironment`.
    ///
    /// # Errors
    /// `InvalidArgs` when an item is no assignment; nothing is changed then.
    pub fn change_environment(&mut self, unset: &[String], set: &[String]) -> Result<(), BusError> {
        let mut environment = self.model.facts.environment.clone();
        environment
            .unset(unset)
            .map_err(|_| BusError::invalid_args("Invalid environment variable names or assignments"))?;
        environment.set(set).map_err(|_| BusError::invalid_args("Invalid environment assignments"))?;
        self.model.machine.surroundings.environment = environment.list();
        self.model.facts.saved.environment = environment.saved();
        self.model.facts.environment = environment;
        self.store.save_facts(&self.model.facts.saved);
        Ok(())
    }

    /// `SetExitCode`.
    pub fn set_exit_code(&mut self, code: u8) {
        self.model.facts.saved.exit_code = code;
        self.store.save_facts(&self.model.facts.saved);
    }

    /// Sets a writable property of the manager or of log control.
    ///
    /// # Errors
    /// `InvalidArgs` for values that make no sense, `NotSupported` for what has no effect here.
    pub fn set_property(&mut self, property: &Property, value: &OwnedVariant) -> Result<(), BusError> {
        match (property.name, &**value) {
            ("LogLevel", Variant::Str(level)) => {
                let level = log_level(level.as_str())
                    .ok_or_else(|| BusError::invalid_args(format!("Invalid log level '{level}'")))?;
                level.clone_into(&mut self.model.facts.log_level);
                Ok(())
            }
            ("LogTarget", Variant::Str(target)) if target.as_str() == self.model.facts.log_target => Ok(()),
            (WATCHDOGS, Variant::Bool(on)) => {
                self.model.facts.saved.properties.insert(WATCHDOGS.to_owned(), (*on).into());
                self.store.save_facts(&self.model.facts.saved);
                self.tell_watchdogs();
                Ok(())
            }
            (name, _) => Err(errors::not_supported(&format!("Setting {name}"))),
        }
    }

    /// Tells every client that unit files changed, and forgets what was known of them.
    pub fn unit_files_changed(&mut self) {
        self.model.forget_unit_file_states();
        self.broadcast(crate::face::signals::unit_files_changed());
    }
}

/// syslog(3)'s name of a level given by name or number.
fn log_level(text: &str) -> Option<&'static str> {
    const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
    let by_number = || LEVELS.get(text.parse::<usize>().ok()?).copied();
    LEVELS.into_iter().find(|level| *level == text).or_else(by_number)
}
