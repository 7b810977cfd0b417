//! The system's (or user's) message bus: `org.freedesktop.systemd1` is served there too, and names of services are watched.
//!
//! A bus that we run ourselves is connected to when `dbus.service` is up, and not before: connecting to its listening socket
//! would start it. Any other bus is connected to when its socket is there. Nothing polls: the unit's changes and inotify tell
//! when to look; only a lost connection is looked after once more, after a while.
//!
//! [`interests`] and [`names`] keep the books; [`place`] knows where the bus is; [`clients`] are the callers there; this file
//! is the connection.

mod clients;
pub mod interests;
mod names;
mod place;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use bus_api::connect::{CallError, PeerEvent, PeerEvents};
use bus_api::errors::{BusError, ErrorName};
use bus_api::message_bus::{self, Bus, Request};
use bus_api::supervisor;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::AbortHandle;
use unit_parser::{UnitName, UnitType, rows};
use zbus::Message;

use self::interests::{Interests, Scope};
use self::names::{Change, Names};
use super::Broker;
use crate::core::{Cause, Event, JobRequest, JobType, Worker};
use crate::face::call::Caller;
use crate::face::{errors, unit};

/// Our name on the bus.
const NAME: &str = "org.freedesktop.systemd1";
/// How long the bus may take to greet us.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Pauses before attempts to connect, ms: its socket may be there a moment before the bus listens.
const ATTEMPTS: [u64; 6] = [0, 20, 50, 150, 400, 1000];
/// Pause after the first lost connection; it doubles with each further one.
const PAUSE: Duration = Duration::from_secs(1);

/// What happens on the bus, and to it.
#[derive(Debug)]
pub enum BusEvent {
    /// Connected.
    Connected(Bus, PeerEvents),
    /// Not connected.
    Unreachable(String),
    /// It may be there now.
    Look,
    /// On the connection.
    Peer(PeerEvent),
}

/// Events of the bus.
pub type BusEvents = UnboundedReceiver<BusEvent>;

/// The message bus as far as it concerns us.
#[derive(Debug)]
pub struct MessageBus {
    sockets: Vec<PathBuf>,
    /// The units of a bus that we run: `dbus.service`, `dbus.socket`.
    units: Option<(UnitName, UnitName)>,
    link: Link,
    /// It may be there now; noticed during an attempt to connect.
    again: bool,
    /// Waits for its socket, while somebody else runs it or nobody.
    watch: Option<Task>,
    /// Lost connections.
    losses: u32,
    tell: UnboundedSender<BusEvent>,
    /// What we asked of the bus driver, by serial.
    questions: HashMap<u32, Question>,
    /// Callers by unique name.
    callers: HashMap<String, Rc<Caller>>,
    /// The engine's numbers of unique names.
    numbers: HashMap<String, u64>,
    /// Clients whose going away the bus tells us.
    tracked: HashSet<String>,
    /// Calls of clients of whom the bus is still being asked.
    waiting: HashMap<String, Vec<Message>>,
    interests: Interests,
    names: Names,
}

#[derive(Debug)]
enum Link {
    Off { _pause: Option<Task> },
    Trying { _attempt: Task },
    On { bus: Bus, _forward: Task },
}

/// What was asked of the bus driver.
#[derive(Debug)]
enum Question {
    /// May we have [`NAME`]?
    OwnName,
    /// Which bus is this?
    Id,
    /// Who owns a watched name?
    Owner(String),
    /// Whose process is the owner of a watched name?
    Process { name: String, owner: String },
    /// Who calls?
    Caller(String),
    /// Is a client still there?
    Alive(String),
}

/// How a bus is to be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// `dbus.service` is up.
    Up,
    /// It is ours and not up (yet, any more).
    Down,
    /// Whoever runs it, it isn't us.
    Elsewhere,
}

/// Ends with its owner.
#[derive(Debug)]
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn task(future: impl Future<Output = ()> + 'static) -> Task {
    Task(tokio::task::spawn_local(future).abort_handle())
}

impl MessageBus {
    /// A bus that isn't connected to yet. `wanted` is false for a manager that must not be found there.
    pub fn new(user: bool, wanted: bool, interests: Interests) -> (Self, BusEvents) {
        let (tell, events) = mpsc::unbounded_channel();
        let unit = |name| UnitName::parse(name).ok();
        let bus = Self {
            sockets: if wanted { place::bus_sockets(user) } else { Vec::new() },
            units: unit("dbus.service").zip(unit("dbus.socket")),
            link: Link::Off { _pause: None },
            again: false,
            watch: None,
            losses: 0,
            tell,
            questions: HashMap::new(),
            callers: HashMap::new(),
            numbers: HashMap::new(),
            tracked: HashSet::new(),
            waiting: HashMap::new(),
            interests,
            names: Names::default(),
        };
        (bus, events)
    }

    fn online(&self) -> Option<&Bus> {
        match &self.link {
            Link::On { bus, .. } => Some(bus),
            Link::Off { .. } | Link::Trying { .. } => None,
        }
    }

    /// The bus, if somebody there is to hear a signal.
    pub fn listening(&self, scope: Scope<'_>) -> Option<&Bus> {
        self.online().filter(|_| self.interests.wants(scope))
    }

    /// Sends a reply.
    pub fn send(&self, message: &Message) {
        if let Some(bus) = self.online() {
            send(bus, message);
        }
    }

    /// The connection, for a reply that comes later.
    pub fn handle(&self) -> Option<Bus> {
        self.online().cloned()
    }

    fn ask(&mut self, request: &Request<'_>, question: Question) {
        let Some(bus) = self.online() else { return };
        if let Some(serial) = request.message().ok().and_then(|message| bus.send(&message).ok()) {
            self.questions.insert(serial, question);
        }
    }

    fn tell_driver(&self, request: &Request<'_>) {
        if let Ok(message) = request.message() {
            self.send(&message);
        }
    }

    fn watch_name(&mut self, name: &str) {
        self.tell_driver(&Request::WatchName(name));
        // After the match, so that no change is missed.
        self.ask(&Request::NameOwner(name), Question::Owner(name.to_owned()));
    }
}

/// Sends a message; a connection that is over is noticed elsewhere.
pub fn send(bus: &Bus, message: &Message) {
    match bus.send(message) {
        Ok(_) | Err(CallError::Away) => {}
        Err(error) => tracing::error!(%error, "a message that the bus doesn't take"),
    }
}

async fn attempt(sockets: Vec<PathBuf>, tell: UnboundedSender<BusEvent>) {
    let mut reason = String::new();
    for pause in ATTEMPTS {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        for socket in &sockets {
            match Bus::connect(socket, TIMEOUT).await {
                // The broker is gone if nobody listens.
                Ok((bus, events)) => return drop(tell.send(BusEvent::Connected(bus, events))),
                Err(error) => reason = format!("{}: {error}", socket.display()),
            }
        }
    }
    let _ = tell.send(BusEvent::Unreachable(reason));
}

async fn watch(mut watch: place::Watch, sockets: Vec<PathBuf>, tell: UnboundedSender<BusEvent>) {
    loop {
        if let Err(error) = watch.changed().await {
            return tracing::error!(%error, "can't wait for the message bus any more");
        }
        // Directories may have been made: look closer from now on.
        match place::Watch::start(&sockets) {
            Ok(closer) => watch = closer,
            Err(error) => return tracing::error!(%error, "can't wait for the message bus any more"),
        }
        if tell.send(BusEvent::Look).is_err() {
            return;
        }
    }
}

impl Broker {
    /// Takes what happens on the bus, and to it.
    pub(super) fn on_bus(&mut self, event: BusEvent) {
        match event {
            BusEvent::Look => {
                self.bus.again = true;
                self.look_for_bus();
            }
            BusEvent::Connected(bus, events) => self.bus_connected(bus, events),
            BusEvent::Unreachable(reason) => {
                tracing::info!(reason, "no connection to the message bus");
                self.bus.link = Link::Off { _pause: None };
                if std::mem::take(&mut self.bus.again) {
                    self.look_for_bus();
                } else {
                    self.bus_clients_gone();
                }
            }
            BusEvent::Peer(PeerEvent::Call(message)) => self.on_bus_call(message),
            BusEvent::Peer(PeerEvent::Signal(message)) => self.on_bus_signal(&message),
            BusEvent::Peer(PeerEvent::Reply { serial, result }) => self.on_bus_reply(serial, result),
            BusEvent::Peer(PeerEvent::Away { reason }) => self.bus_lost(&reason),
            BusEvent::Peer(PeerEvent::Back) => {}
        }
        self.settle();
    }

    /// Waits until what was sent is with the kernel.
    pub(super) async fn drain_bus(&self, limit: Duration) {
        if let Some(bus) = self.bus.online() {
            bus.drain(limit).await;
        }
    }

    /// A unit changed: it may be the bus.
    pub(super) fn bus_unit_changed(&mut self, unit: &UnitName) {
        if !matches!(self.bus.link, Link::Off { .. })
            || !matches!(unit.unit_type(), UnitType::Service | UnitType::Socket)
        {
            return;
        }
        let Some((service, socket)) = &self.bus.units else { return };
        let is = |name| self.model.engine.unit(name).is_some_and(|view| view.name == unit);
        if is(service) || is(socket) {
            self.look_for_bus();
        }
    }

    /// Connects if the bus is there.
    pub(super) fn look_for_bus(&mut self) {
        if !matches!(self.bus.link, Link::Off { .. }) || self.bus.sockets.is_empty() {
            return;
        }
        let wanted = match self.bus_presence() {
            Presence::Up => {
                self.bus.watch = None;
                true
            }
            Presence::Down => {
                self.bus.watch = None;
                false
            }
            Presence::Elsewhere => {
                if self.bus.watch.is_none() {
                    match place::Watch::start(&self.bus.sockets) {
                        Ok(place) => {
                            let (sockets, tell) = (self.bus.sockets.clone(), self.bus.tell.clone());
                            self.bus.watch = Some(task(watch(place, sockets, tell)));
                        }
                        Err(error) => tracing::error!(%error, "can't wait for the message bus"),
                    }
                }
                place::any_exists(&self.bus.sockets)
            }
        };
        if wanted {
            self.bus.again = false;
            let attempt = task(attempt(self.bus.sockets.clone(), self.bus.tell.clone()));
            self.bus.link = Link::Trying { _attempt: attempt };
        } else {
            self.bus_clients_gone();
        }
    }

    fn bus_presence(&self) -> Presence {
        let Some((service, socket)) = &self.bus.units else { return Presence::Elsewhere };
        let engine = &self.model.engine;
        if engine.unit(service).is_some_and(|view| view.active.is_up()) {
            return Presence::Up;
        }
        let ours = |name| engine.unit(name).is_some_and(|view| view.job.is_some() || !view.active.is_down());
        if ours(service) || ours(socket) { Presence::Down } else { Presence::Elsewhere }
    }

    fn bus_connected(&mut self, bus: Bus, mut events: PeerEvents) {
        tracing::debug!(name = bus.name(), "connected to the message bus");
        let tell = self.bus.tell.clone();
        let forward = task(async move {
            while let Some(event) = events.recv().await {
                if tell.send(BusEvent::Peer(event)).is_err() {
                    return;
                }
            }
        });
        self.bus.watch = None;
        self.bus.link = Link::On { bus, _forward: forward };
        self.bus.ask(&Request::Id, Question::Id);
        let names: Vec<String> = self.bus.names.iter().cloned().collect();
        for name in names {
            self.bus.watch_name(&name);
        }
        self.bus.tell_driver(&Request::WatchName(NAME));
        self.bus.ask(&Request::RequestName(NAME), Question::OwnName);
    }

    fn bus_lost(&mut self, reason: &str) {
        tracing::info!(reason, "the message bus is gone");
        let pause = PAUSE * 2u32.pow(self.bus.losses.min(6));
        self.bus.losses += 1;
        let tell = self.bus.tell.clone();
        let later = task(async move {
            tokio::time::sleep(pause).await;
            // The broker is gone if nobody listens.
            let _ = tell.send(BusEvent::Look);
        });
        self.bus.link = Link::Off { _pause: Some(later) };
        self.bus.questions.clear();
        self.bus.waiting.clear();
        self.bus.names.forget_owners();
        self.bus_clients_gone();
    }

    fn on_bus_reply(&mut self, serial: u32, result: Result<Message, CallError>) {
        let Some(question) = self.bus.questions.remove(&serial) else { return };
        if matches!(result, Err(CallError::Away)) {
            return;
        }
        let string = |message: &Message| bus_api::message::arguments::<(String,)>(message).map(|(text,)| text);
        match question {
            Question::OwnName => match result.map(|message| message_bus::is_owner(&message)) {
                Ok(Ok(true)) => tracing::info!("serving {NAME} on the message bus"),
                Ok(Ok(false)) => {
                    tracing::warn!("{NAME} has another owner on the message bus: serving on the private socket only");
                }
                Ok(Err(error)) => tracing::error!(%error, "{NAME} can't be had"),
                Err(error) => {
                    tracing::warn!(%error, "{NAME} can't be had on the message bus: serving on the private socket only")
                }
            },
            Question::Id => {
                let id = result.ok().and_then(|message| string(&message).ok()).unwrap_or_default();
                self.bus_known(id);
            }
            Question::Owner(name) => {
                // An error is the answer that nobody owns it.
                let owner = result.ok().and_then(|message| string(&message).ok()).unwrap_or_default();
                self.name_owned(&name, &owner);
            }
            Question::Process { name, owner } => {
                let pid = result
                    .ok()
                    .and_then(|message| message_bus::credentials(&message).ok())
                    .map_or(0, |found| found.pid);
                if pid != 0 && self.bus.names.is_owner(&name, &owner) {
                    self.tell_owner(name, owner, pid);
                }
            }
            Question::Caller(client) => match result.map(|message| message_bus::credentials(&message)) {
                Ok(Ok(credentials)) => self.bus_caller_known(&client, credentials),
                Ok(Err(error)) => {
                    tracing::error!(client, %error, "a caller on the bus of whom nothing can be learnt");
                    self.bus.waiting.remove(&client);
                }
                Err(_) => {
                    self.bus.waiting.remove(&client);
                }
            },
            Question::Alive(client) => {
                if result.is_err() {
                    self.bus_client_gone(&client);
                }
            }
        }
    }

    fn on_bus_signal(&mut self, message: &Message) {
        match message_bus::Event::parse(message) {
            Ok(Some(message_bus::Event::NameOwnerChanged { name, owner })) => {
                if name.starts_with(':') {
                    if owner.is_empty() {
                        self.bus_client_gone(&name);
                    }
                } else {
                    self.name_owned(&name, &owner);
                }
            }
            Ok(Some(message_bus::Event::NameLost(name))) if name == NAME => {
                tracing::warn!("{NAME} was taken away from us: serving on the private socket only");
            }
            Ok(Some(message_bus::Event::ActivationRequest(name))) => self.on_activation(&name),
            Ok(Some(message_bus::Event::NameLost(_)) | None) => {}
            Err(error) => tracing::error!(%error, "a signal of the bus that can't be read"),
        }
    }

    /// The units' names are watched from when they are loaded, as in systemd: a name that somebody owned before the start
    /// doesn't count as taken by the service.
    pub(super) fn watch_name_of(&mut self, unit: &UnitName) {
        if unit.unit_type() != UnitType::Service {
            return;
        }
        let view = self.model.engine.unit(unit);
        let name = view.map(|view| view.definition.str(rows::service::BUS_NAME).to_owned());
        let name = name.as_deref().filter(|name| !name.is_empty());
        for change in self.bus.names.set(unit, name) {
            match change {
                Change::Watch(name) => self.bus.watch_name(&name),
                Change::Unwatch(name) => self.bus.tell_driver(&Request::UnwatchName(&name)),
            }
        }
    }

    /// The same for all that are loaded.
    pub(super) fn watch_all_names(&mut self) {
        let units: Vec<UnitName> = self.model.engine.units().into_iter().cloned().collect();
        for unit in units {
            self.watch_name_of(&unit);
        }
    }

    fn name_owned(&mut self, name: &str, owner: &str) {
        if self.bus.names.owned_by(name, owner) {
            tracing::debug!(name, owner, "owner of a bus name");
            self.tell_owner(name.to_owned(), owner.to_owned(), 0);
            self.ask_process(name, owner);
        }
    }

    /// The owner of its name is the main process of a service that says nothing else about it.
    fn ask_process(&mut self, name: &str, owner: &str) {
        let says_nothing = |unit: &UnitName| {
            let view = self.model.engine.unit(unit);
            view.is_some_and(|view| view.definition.word(rows::service::TYPE) != "dbus")
        };
        if !owner.is_empty() && self.bus.names.units(name).any(says_nothing) {
            let question = Question::Process { name: name.to_owned(), owner: owner.to_owned() };
            self.bus.ask(&Request::Credentials(owner), question);
        }
    }

    fn tell_owner(&self, name: String, owner: String, pid: u32) {
        let request = supervisor::Request::BusName { name, owner, pid };
        self.workers.send(Worker::Supervisor, request.message());
    }

    /// The supervisor is back, and doesn't know what happened meanwhile.
    pub(super) fn tell_owners(&mut self) {
        for (name, owner) in self.bus.names.known() {
            self.ask_process(&name, &owner);
            self.tell_owner(name, owner, 0);
        }
    }

    /// The bus wants a unit started because somebody calls its name.
    fn on_activation(&mut self, name: &str) {
        let Err(error) = self.activate(name) else { return };
        tracing::info!(unit = name, error = error.text, "not started for the message bus");
        match message_bus::activation_failure(name, &error) {
            Ok(message) => self.bus.send(&message),
            Err(error) => tracing::error!(%error, "a signal that can't be sent"),
        }
    }

    fn activate(&mut self, name: &str) -> Result<(), BusError> {
        let ends = |name: &UnitName| {
            let view = self.model.engine.unit(name)?;
            let job = view.job.and_then(|id| self.model.engine.job(id)).map(|job| job.job_type);
            Some(job == Some(JobType::Stop))
        };
        if let Some((service, socket)) = &self.bus.units
            && [service, socket].into_iter().any(|name| ends(name) == Some(true))
        {
            return Err(BusError::new(ErrorName::ShuttingDown, "Refusing activation, D-Bus is shutting down."));
        }
        let unit = unit::load(self, name)?;
        let cause = Cause::Traffic("a call over the message bus".to_owned());
        let request = JobRequest::manual(unit, JobType::Start, cause);
        self.handle(Event::Enqueue(request)).map(drop).map_err(|error| errors::of_engine(&error))
    }
}
