//! Starts and their descriptors: a service's sockets are fetched from the socket-activator before its start is sent, and so
//! are namespaces of `JoinsNamespaceOf=` from the worker that has them.
//!
//! While a start waits for descriptors, everything else for the same unit waits behind it, so that commands reach the
//! worker in the engine's order. A start that waits for a worker that is away waits until it is back.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::os::fd::AsFd;

use bus_api::connect::CallError;
use bus_api::message::NamedFd;
use bus_api::{sockets, worker};
use unit_parser::{DependencyKind, Unit, UnitName};
use zbus::Message;

use super::Broker;
use crate::core::{ActiveState, Event, StartCommand, Status, StatusFlags, Worker};

/// What one message can carry (SCM_MAX_FD).
const MOST_DESCRIPTORS: usize = 253;

/// Everything that is under way.
#[derive(Debug, Default)]
pub struct Starts {
    /// Starts that wait for descriptors.
    held: HashMap<UnitName, Held>,
    /// Serials of `Fds` and `Namespaces` calls: to whom, for which start, and its how manieth question.
    fetches: HashMap<u32, (Worker, UnitName, usize)>,
    /// Triggers that aren't acknowledged, with their accepted connections: until the supervisor has those.
    connections: HashMap<u64, Vec<NamedFd>>,
    /// Serials of `Start` calls: which unit, and the trigger to acknowledge.
    sent: HashMap<u32, (Worker, UnitName, Option<u64>)>,
    /// Serials of `Overlap` calls: which unit.
    overlaps: HashMap<u32, UnitName>,
}

#[derive(Debug)]
struct Held {
    /// Who is to start it.
    worker: Worker,
    command: Box<StartCommand>,
    questions: Vec<Question>,
    /// By question; `None` until its answer came. The connection of its trigger is awaited too.
    fds: Vec<Option<Vec<NamedFd>>>,
    later: VecDeque<worker::Request>,
}

/// Where descriptors of a start come from.
#[derive(Debug)]
enum Question {
    /// A socket that it is passed.
    Socket(UnitName),
    /// A unit whose namespaces it may share, and who may have them.
    Joined(Worker, UnitName),
}

impl Question {
    fn worker(&self) -> Worker {
        match self {
            Question::Socket(_) => Worker::Activator,
            Question::Joined(worker, _) => *worker,
        }
    }

    fn message(&self) -> Result<Message, zbus::Error> {
        match self {
            Question::Socket(socket) => sockets::Request::Fds { unit: socket.to_string() }.message(),
            Question::Joined(_, owner) => worker::Request::Namespaces { owner: owner.to_string() }.message(),
        }
    }
}

/// What a start has to ask for.
fn questions(worker: Worker, command: &StartCommand) -> Vec<Question> {
    let other = if worker == Worker::Supervisor { Worker::Activator } else { Worker::Supervisor };
    let sockets = command.sockets.iter().cloned().map(Question::Socket);
    sockets.chain(command.joined.iter().cloned().map(|owner| Question::Joined(other, owner))).collect()
}

impl Starts {
    /// Keeps a trigger, and the connection that came with it.
    pub fn keep_connection(&mut self, id: u64, fds: Vec<NamedFd>) {
        self.connections.insert(id, fds);
    }

    /// Answers of this worker won't come any more.
    pub fn worker_away(&mut self, worker: Worker) {
        // The engine starts again what a worker doesn't list.
        self.held.retain(|_, held| held.worker != worker);
        self.fetches.retain(|_, (asked, unit, _)| *asked != worker && self.held.contains_key(unit));
        self.sent.retain(|_, (to, ..)| *to != worker);
        if worker == Worker::Supervisor {
            self.overlaps.clear();
        }
    }
}

impl Broker {
    /// Sends a start, or fetches its descriptors first.
    pub(super) fn start(&mut self, worker: Worker, unit: UnitName, command: Box<StartCommand>) {
        let connected = command.connection.is_none_or(|id| self.starts.connections.contains_key(&id));
        let questions = questions(worker, &command);
        if questions.is_empty() && (connected || worker != Worker::Supervisor) {
            return self.send_start(worker, &unit, &command, Vec::new());
        }
        let fds = questions.iter().map(|_| None).collect();
        self.starts.held.insert(unit.clone(), Held { worker, command, questions, fds, later: VecDeque::new() });
        self.fetch(&unit);
    }

    fn fetch(&mut self, unit: &UnitName) {
        let Some(held) = self.starts.held.get(unit) else { return };
        let wanted = held.questions.iter().enumerate().filter(|(index, _)| matches!(held.fds.get(*index), Some(None)));
        for (index, question) in wanted {
            let worker = question.worker();
            if let Some(serial) = self.workers.send(worker, question.message()) {
                self.starts.fetches.insert(serial, (worker, unit.clone(), index));
            }
        }
    }

    /// A worker is back: asks again for what never came from it.
    pub(super) fn fetch_again(&mut self, worker: Worker) {
        let asks = |held: &Held| held.questions.iter().any(|question| question.worker() == worker);
        let held = self.starts.held.iter();
        let waiting: Vec<UnitName> = held.filter(|(_, held)| asks(held)).map(|(unit, _)| unit.clone()).collect();
        waiting.iter().for_each(|unit| self.fetch(unit));
    }

    /// Sends a request to the supervisor or activator, behind a start of the same unit that waits.
    pub(super) fn send_request(&mut self, worker: Worker, unit: &UnitName, request: worker::Request) {
        if let Some(held) = self.starts.held.get_mut(unit) {
            held.later.push_back(request);
            return;
        }
        self.workers.send(worker, request.message());
    }

    fn send_start(&mut self, worker: Worker, unit: &UnitName, command: &StartCommand, mut fds: Vec<NamedFd>) {
        let Some(definition) = self.definition(unit) else { return };
        // A copy: the supervisor may die before it has it.
        if let Some(kept) = command.connection.and_then(|id| self.starts.connections.get(&id)) {
            fds.extend(kept.iter().filter_map(copy));
        }
        let options = worker::StartOptions {
            invocation_id: command.invocation.to_vec(),
            job: command.job,
            environment: command.environment.clone(),
            manager_environment: self.model.facts.environment.list(),
            cause: command.cause.clone(),
        };
        if fds.len() > MOST_DESCRIPTORS {
            let text = format!("{} descriptors, and no more than {MOST_DESCRIPTORS} can be passed on", fds.len());
            if command.overlap {
                return self.overlap_refused(unit, text);
            }
            return self.start_refused(worker, unit.clone(), text);
        }
        if command.overlap {
            let request = worker::Request::Overlap { unit: unit.to_string(), definition, options, fds };
            let serial = self.workers.send(worker, request.message());
            self.starts.overlaps.extend(serial.map(|serial| (serial, unit.clone())));
            return;
        }
        let request = worker::Request::Start { unit: unit.to_string(), definition, options, fds };
        if let Some(serial) = self.workers.send(worker, request.message()) {
            self.starts.sent.insert(serial, (worker, unit.clone(), command.connection));
        }
    }

    /// A unit's definition as workers take it.
    pub(super) fn definition(&self, unit: &UnitName) -> Option<String> {
        let view = self.model.engine.unit(unit)?;
        serde_json::to_string(&*self.with_usb_files(unit, view.definition))
            .inspect_err(|error| tracing::error!(%unit, %error, "a definition that can't be written"))
            .ok()
    }

    /// A USB function is described by files that its service names: they go with the socket's definition.
    fn with_usb_files<'a>(&self, unit: &UnitName, definition: &'a Unit) -> Cow<'a, Unit> {
        if !definition.is_usb_function() {
            return Cow::Borrowed(definition);
        }
        let mut whole = definition.clone();
        let services = self.model.engine.dependencies(unit, DependencyKind::Triggers);
        for service in services.into_iter().filter_map(|service| self.model.engine.unit(service)) {
            whole.describe_usb(service.definition);
        }
        Cow::Owned(whole)
    }

    /// The answer to `Fds` or `Start`; other answers say nothing.
    pub(super) fn on_start_reply(&mut self, worker: Worker, serial: u32, result: Result<Message, CallError>) {
        if let Some((_, unit, index)) = self.starts.fetches.remove(&serial).filter(|(asked, ..)| *asked == worker) {
            let fds = result
                .map_err(|error| error.to_string())
                .and_then(|message| sockets::parse_fds(&message).map_err(|error| error.to_string()))
                // A socket that isn't open has nothing to pass on, as in systemd; what isn't up has no namespaces.
                .inspect_err(|error| tracing::debug!(%unit, error, "no descriptors of a socket"))
                .unwrap_or_default();
            self.on_fds(&unit, index, fds);
        } else if let Some(unit) = self.starts.overlaps.remove(&serial).filter(|_| worker == Worker::Supervisor) {
            if let Err(CallError::Remote { text, .. }) = result {
                self.overlap_refused(&unit, text);
            }
        } else if let Some((_, unit, trigger)) = self.starts.sent.remove(&serial).filter(|(to, ..)| *to == worker) {
            match (&result, trigger) {
                (Ok(_), Some(id)) => self.acknowledge(id),
                (Err(CallError::Remote { text, .. }), _) => self.start_refused(worker, unit, text.clone()),
                (Ok(_) | Err(_), _) => {}
            }
        }
    }

    fn on_fds(&mut self, unit: &UnitName, index: usize, fds: Vec<NamedFd>) {
        let Some(held) = self.starts.held.get_mut(unit) else { return };
        if let Some(slot) = held.fds.get_mut(index) {
            *slot = Some(fds);
        }
        self.release(unit);
    }

    /// Sends a start that has all it waited for, and what waits behind it.
    fn release(&mut self, unit: &UnitName) {
        let Some(held) = self.starts.held.get(unit) else { return };
        let connected = held.command.connection.is_none_or(|id| self.starts.connections.contains_key(&id));
        if !connected || held.fds.iter().any(Option::is_none) {
            return;
        }
        if let Some(held) = self.starts.held.remove(unit) {
            let fds = held.fds.into_iter().flatten().flatten().collect();
            self.send_start(held.worker, unit, &held.command, fds);
            for request in held.later {
                self.workers.send(held.worker, request.message());
            }
        }
    }

    /// A trigger came: a start may have waited for its connection.
    pub(super) fn connection_came(&mut self, unit: &UnitName) {
        self.release(unit);
    }

    /// The activator has sent all triggers that it has: connections that didn't come are lost.
    pub(super) fn give_up_connections(&mut self) {
        let held = self.starts.held.iter();
        let lost: Vec<UnitName> = held
            .filter(|(_, held)| held.command.connection.is_some_and(|id| !self.starts.connections.contains_key(&id)))
            .map(|(unit, _)| unit.clone())
            .collect();
        for unit in lost {
            let later = self.starts.held.remove(&unit).map(|held| held.later).unwrap_or_default();
            self.start_refused(Worker::Supervisor, unit, "its connection is lost".to_owned());
            for request in later {
                self.workers.send(Worker::Supervisor, request.message());
            }
        }
    }

    /// A worker that doesn't take a start is as good as a unit that failed: its job must end.
    fn start_refused(&mut self, worker: Worker, unit: UnitName, text: String) {
        tracing::error!(%unit, "start refused: {text}");
        self.apply(Event::Status(Status {
            worker,
            unit,
            active: ActiveState::Failed,
            sub: "failed".to_owned(),
            result: "resources".to_owned(),
            flags: StatusFlags::default(),
            cause: text,
            invocation: None,
            exit: None,
            changed_at: None,
        }));
    }

    /// A supervisor that doesn't take an overlapping restart leaves the service as it is. What it has reported in the
    /// meantime counts more.
    fn overlap_refused(&mut self, unit: &UnitName, text: String) {
        tracing::error!(%unit, "restart refused: {text}");
        let Some(view) = self.model.engine.unit(unit).filter(|view| view.active == ActiveState::Reloading) else {
            return;
        };
        let result = view.result.to_string();
        self.apply(Event::Status(Status {
            worker: Worker::Supervisor,
            unit: unit.clone(),
            active: ActiveState::Active,
            sub: "running".to_owned(),
            result,
            flags: StatusFlags { reload_failure: true, ..StatusFlags::default() },
            cause: format!("the overlapping restart was refused: {text}"),
            invocation: None,
            exit: None,
            changed_at: None,
        }));
    }

    /// The engine is done with a trigger: whatever came with it is closed.
    pub(super) fn trigger_done(&mut self, id: u64) {
        self.acknowledge(id);
    }

    /// Acknowledges a trigger, once.
    fn acknowledge(&mut self, id: u64) {
        if self.starts.connections.remove(&id).is_some() {
            self.workers.send(Worker::Activator, sockets::Request::Ack { id }.message());
        }
    }
}

fn copy((name, fd): &NamedFd) -> Option<NamedFd> {
    let copy = fd.as_fd().try_clone_to_owned();
    let copy = copy.inspect_err(|error| tracing::error!("a connection that can't be passed on: {error}"));
    Some((name.clone(), copy.ok()?.into()))
}
