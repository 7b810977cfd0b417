//! The supervisor: machines connected to processes, control groups, notify sockets and state files.
//!
//! Everything happens on one thread, one event after the other: [`Supervisor::feed`] gives an event to a machine, does what it
//! wants, saves, and only then tells the world ([`Supervisor::take_news`]). A supervisor that dies at any point in between
//! leaves a saved state that [`recover`] can go on from:
//!
//! * before the save: nobody was told; the event comes again (a zombie is still there, a caller gets no reply) or, for a
//!   spawn, the intent was saved before it, and the process is found by its control group and invocation;
//!   signals, that they are sent and why was saved before them, so that the end that they bring about is known for what it is;
//! * after the save: everybody is told by `List`.

mod actions;
mod bus_names;
mod clean;
mod definitions;
mod exits;
mod held;
mod host;
mod kill;
mod namespaces;
mod notifications;
mod overlap;
mod pid_file;
mod recover;
mod resources;
mod saving;
mod service;
mod spawn;
mod starts;
mod told;
mod usage;
mod view;
mod watch;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::RandomState;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::rc::Rc;

use sys::cgroup::Watcher;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use unit_parser::{SharedNames, Unit};

pub use self::held::{Held, HeldRecord};
pub use self::host::Host;
pub use self::kill::KillError;
pub use self::service::{Service, Start};
pub use self::told::Told;
use self::watch::Task;
pub use self::watch::{Input, Inputs};
use crate::core::action::Level;
use crate::core::event::Event;
use crate::core::status::Status;

/// What the world should hear, in order.
#[derive(Debug)]
pub enum News {
    /// A service changed.
    Changed {
        /// The unit.
        unit: String,
        /// As of that change.
        status: Box<Status>,
    },
    /// A line for `status` and `why`.
    Log {
        /// The unit.
        unit: String,
        /// How loud.
        level: Level,
        /// The line.
        text: String,
    },
    /// A service waits to be restarted.
    RestartDue {
        /// The unit.
        unit: String,
    },
}

/// What a start carries.
#[derive(Debug, Default)]
pub struct StartRequest {
    /// 32 hexadecimal digits.
    pub invocation: String,
    /// Variables.
    pub start: Start,
    /// Descriptors for the service, with their names.
    pub fds: Vec<(String, OwnedFd)>,
    /// Namespaces of another worker's units, which the service may join.
    pub offers: Vec<bus_api::namespaces::Offer>,
    /// Why.
    pub cause: String,
}

/// Why a request cannot be taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RequestError {
    /// No such service here.
    #[error("Unit {0} is not known to the supervisor.")]
    Unknown(String),
    /// The broker starts units here.
    #[error("A broker coordinates the units here: ask it.")]
    Coordinated,
    /// The definition that was sent is none.
    #[error("The definition of {unit} cannot be read: {error}")]
    Definition {
        /// The unit.
        unit: String,
        /// Why.
        error: String,
    },
    /// It cannot be cleaned while it is up, or failed.
    #[error("Unit is not inactive or has pending job.")]
    Busy,
    /// It is in a state that does not allow it.
    #[error("Unit {unit} is {sub}.")]
    State {
        /// The unit.
        unit: String,
        /// Its sub-state.
        sub: &'static str,
    },
}

/// All services.
#[derive(Debug)]
pub struct Supervisor {
    host: Host,
    services: BTreeMap<String, Box<Service>>,
    /// Unit names that occur in many definitions.
    names: SharedNames,
    /// When machines want to be ticked: a look at the first replaces one at all services, many times for each event.
    deadlines: BTreeSet<(u64, String)>,
    by_pid: HashMap<u32, String>,
    by_cgroup: HashMap<PathBuf, String>,
    /// Slices that are up, with the definitions whose limits are written.
    slices: BTreeMap<String, Unit>,
    watcher: Option<Watcher>,
    exits: Option<Rc<AsyncFd<OwnedFd>>>,
    /// Exits of processes that nobody knows (yet): looked at while coming back.
    strays: Vec<(u32, crate::core::exit::Exit)>,
    /// Strays are kept.
    coming_back: bool,
    /// They end with the supervisor.
    _tasks: Vec<Task>,
    inputs: mpsc::Sender<Input>,
    news: Vec<News>,
    /// Services whose state could not be written, and when that is tried again (CLOCK_MONOTONIC, µs).
    unsaved: BTreeSet<String>,
    /// Services with notices that are not written yet. They go with the state, or else before they are told.
    remarked: BTreeSet<String>,
    retry_save: Option<u64>,
    /// What `Type=idle` services wait for the other end of, while there are jobs.
    idle: Option<(OwnedFd, OwnedFd)>,
    /// Somebody else has jobs: `Type=idle` means something.
    coordinated: bool,
    /// Secret of the fingerprints by which definitions are told apart.
    random: RandomState,
}

/// Pause after a state that could not be saved, µs.
const RETRY_SAVE: u64 = 2_000_000;

/// syslog(3)'s priorities.
const WARNING: u8 = 4;
const INFO: u8 = 6;

/// Messages of tasks that may wait.
const PENDING: usize = 1024;

impl Supervisor {
    /// A supervisor without services. `exits` is where the launcher tells of orphans that it reaped.
    ///
    /// # Errors
    /// When descriptors cannot be watched.
    pub fn new(host: Host, exits: Option<OwnedFd>) -> io::Result<(Supervisor, Inputs)> {
        let (inputs, receiver) = mpsc::channel(PENDING);
        let mut tasks = Vec::new();
        let watcher = match host.cgroups {
            Some(_) => {
                let watcher = Watcher::new()?;
                let copy = watcher.as_fd().try_clone_to_owned()?;
                let copy = Rc::new(watch::watched(copy, tokio::io::Interest::READABLE)?);
                tasks.push(watch::readable(copy, inputs.clone(), Input::Cgroups));
                Some(watcher)
            }
            None => None,
        };
        let exits = match exits {
            Some(fd) => {
                set_nonblocking(&fd)?;
                let fd = Rc::new(watch::watched(fd, tokio::io::Interest::READABLE)?);
                tasks.push(watch::readable(fd.clone(), inputs.clone(), Input::Exits));
                Some(fd)
            }
            None => None,
        };
        let supervisor = Supervisor {
            coordinated: !host.alone,
            host,
            services: BTreeMap::new(),
            names: SharedNames::default(),
            deadlines: BTreeSet::new(),
            by_pid: HashMap::new(),
            by_cgroup: HashMap::new(),
            slices: BTreeMap::new(),
            watcher,
            exits,
            strays: Vec::new(),
            coming_back: false,
            _tasks: tasks,
            inputs,
            news: Vec::new(),
            unsaved: BTreeSet::new(),
            remarked: BTreeSet::new(),
            retry_save: None,
            idle: None,
            random: RandomState::new(),
        };
        Ok((supervisor, receiver))
    }

    /// The surroundings.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Whether missed watchdogs end services from now on.
    pub fn heed_watchdogs(&mut self, on: bool) {
        self.host.watchdogs = on;
    }

    /// A service.
    pub fn service(&self, unit: &str) -> Option<&Service> {
        self.services.get(unit).map(|service| &**service)
    }

    /// All services, by name.
    pub fn services(&self) -> impl Iterator<Item = (&String, &Service)> {
        self.services.iter().map(|(name, service)| (name, &**service))
    }

    /// What happened since the last call, oldest first. Everything in it is saved.
    pub fn take_news(&mut self) -> Vec<News> {
        for unit in std::mem::take(&mut self.remarked) {
            if let Some(service) = self.services.get(&unit) {
                self.host.state.save(&notices_key(&unit), &service.notices);
            }
        }
        std::mem::take(&mut self.news)
    }

    /// When [`Supervisor::tick`] is due (CLOCK_MONOTONIC, µs).
    pub fn deadline(&self) -> Option<u64> {
        self.deadlines.first().map(|(at, _)| *at).into_iter().chain(self.retry_save).min()
    }

    /// Deadlines that have passed.
    pub fn tick(&mut self) {
        let now = self.host.now().monotonic;
        if self.retry_save.is_some_and(|at| at <= now) {
            self.save_again();
        }
        let due: Vec<String> =
            self.deadlines.iter().take_while(|(at, _)| *at <= now).map(|(_, unit)| unit.clone()).collect();
        for unit in due {
            self.feed(&unit, Event::Tick);
        }
    }

    /// Stops a service, also one that is frozen: what stands still hears no signal.
    ///
    /// # Errors
    /// When it is unknown.
    pub fn stop(&mut self, unit: &str, restart: bool, cause: String) -> Result<(), RequestError> {
        self.known(unit)?.cgroup.iter().for_each(spawn::thaw);
        self.feed(unit, Event::Stop { restart, cause });
        Ok(())
    }

    /// Reloads a service.
    ///
    /// # Errors
    /// When it is unknown or not up.
    pub fn reload(&mut self, unit: &str, cause: String) -> Result<(), RequestError> {
        let service = self.known(unit)?;
        if !service.machine.active().is_up() {
            return Err(RequestError::State { unit: unit.to_owned(), sub: service.machine.state().sub() });
        }
        // The signal of a reload would wait, and so would its commands.
        service.cgroup.iter().for_each(spawn::thaw);
        self.feed(unit, Event::Reload { cause });
        Ok(())
    }

    /// Forgets that a service failed. An unknown one has nothing to forget.
    pub fn reset_failed(&mut self, unit: &str) {
        if let Some(service) = self.services.get_mut(unit) {
            service.limit.reset();
            self.feed(unit, Event::ResetFailed);
        }
    }

    /// No job is left at whoever coordinates: `Type=idle` services go on.
    pub fn idle(&mut self) {
        self.idle = None;
    }

    /// Whether there is something that [`Supervisor::take_news`] would tell.
    pub fn has_news(&self) -> bool {
        !self.news.is_empty()
    }

    /// Whether a service is on its way down.
    pub fn is_stopping(&self, unit: &str) -> bool {
        self.services
            .get(unit)
            .is_some_and(|service| service.machine.active() == crate::core::state::Active::Deactivating)
    }

    /// Fails a service that is down without starting it.
    pub fn refuse(&mut self, unit: &str, result: crate::core::exit::ServiceResult, cause: &str) {
        self.feed(unit, Event::Refused { result, cause: cause.to_owned() });
    }

    /// Processes of a service: control group, PID, command line.
    pub fn processes(&mut self, unit: &str) -> Vec<(String, u32, String)> {
        let Some(service) = self.services.get_mut(unit) else { return Vec::new() };
        let group = service.cgroup.clone();
        let line = |pid: i32| sys::process::cmdline(pid).unwrap_or_default();
        let found: Vec<(String, i32)> = match &group {
            Some(group) => {
                group.processes().unwrap_or_default().into_iter().map(|(group, pid)| (group.name(), pid)).collect()
            }
            None => {
                let (_, view) = service.with_view(&self.host);
                view.members().iter().map(|pid| (String::new(), *pid)).collect()
            }
        };
        found.into_iter().filter_map(|(group, pid)| Some((group, u32::try_from(pid).ok()?, line(pid)))).collect()
    }

    /// Whether one more start is within the unit's `StartLimitIntervalSec=` and `StartLimitBurst=`; counts it. For callers
    /// that coordinate without a broker.
    pub fn admit(&mut self, unit: &str) -> bool {
        let now = self.host.now().monotonic;
        let Some(service) = self.services.get_mut(unit) else { return true };
        let definition = service.machine.definition();
        let (interval, burst) = (definition.start_limit_interval, definition.start_limit_burst);
        service.limit.admit(now, interval, burst)
    }

    /// What a task told.
    pub fn handle(&mut self, input: Input) {
        match input {
            Input::Notify { unit, more } => {
                let again = self.read_notifications(&unit);
                // The task is gone with its service.
                let _ = more.send(again);
            }
            Input::Cgroups(more) => {
                self.read_cgroups();
                let _ = more.send(false);
            }
            Input::Exits(more) => {
                self.read_exits();
                let _ = more.send(false);
            }
            Input::Ended { unit, pid } => self.ended_elsewhere(&unit, pid),
            Input::Report { unit, pid, content } => self.reported(&unit, pid, &content),
            Input::PidFile { unit } => self.pid_file_stirred(&unit),
            Input::Hangup { unit, id } => self.drop_stored(&unit, &id),
            Input::RemoveCgroup { unit, tries } => self.remove_cgroup(&unit, tries),
            Input::Cleaned { unit, error } => self.feed(&unit, Event::Cleaned { error }),
            Input::BusName { name, owned, pid } => self.bus_name(&name, owned, pid),
        }
    }

    /// Gives an event to a service, does what follows, saves.
    pub fn feed(&mut self, unit: &str, event: Event) {
        self.feed_unsaved(unit, event);
        self.save(unit);
    }

    /// The same for one of several events in a row: whoever feeds them saves after the last.
    fn feed_unsaved(&mut self, unit: &str, event: Event) {
        let now = self.host.now();
        let Some(service) = self.services.get_mut(unit) else { return };
        let (machine, view) = service.with_view(&self.host);
        machine.handle(now, event, &view);
        self.drain(unit);
        self.arm(unit);
    }

    /// Notes when a service's machine wants to be ticked. Only its events change that.
    fn arm(&mut self, unit: &str) {
        let Some(service) = self.services.get_mut(unit) else { return };
        let wanted = service.machine.deadline();
        if wanted == service.armed {
            return;
        }
        if let Some(at) = std::mem::replace(&mut service.armed, wanted) {
            self.deadlines.remove(&(at, unit.to_owned()));
        }
        if let Some(at) = wanted {
            self.deadlines.insert((at, unit.to_owned()));
        }
    }

    pub(super) fn known(&self, unit: &str) -> Result<&Service, RequestError> {
        self.service(unit).ok_or_else(|| RequestError::Unknown(unit.to_owned()))
    }

    /// Tells the log, the journal, clients, and whoever asks for the service's notices later. What comes over and over is
    /// counted only.
    fn log(&mut self, unit: &str, level: Level, text: String) {
        if level != Level::Debug
            && let Some(service) = self.services.get_mut(unit)
        {
            if !service.notices.add(sys::clock::realtime(), level.as_str(), &text) {
                return;
            }
            self.remarked.insert(unit.to_owned());
        }
        match level {
            Level::Debug => tracing::debug!(unit, "{text}"),
            Level::Info if self.host.journal.tell(unit, INFO, &text) => {}
            Level::Info => tracing::info!(unit, "{text}"),
            Level::Warning if self.host.journal.tell(unit, WARNING, &text) => {}
            Level::Warning => tracing::warn!(unit, "{text}"),
        }
        self.news.push(News::Log { unit: unit.to_owned(), level, text });
    }

    /// The owner of a bus name.
    pub fn bus_name(&mut self, name: &str, owned: bool, pid: u32) {
        let units: Vec<String> = self
            .services
            .iter()
            .filter(|(_, service)| service.machine.definition().bus_name.as_deref() == Some(name))
            .map(|(unit, _)| unit.clone())
            .collect();
        for unit in units {
            self.feed(&unit, Event::BusNameChanged { owned, pid });
        }
    }
}

/// State files hold the definition apart: it changes rarely, and is large.
fn definition_key(unit: &str) -> String {
    format!("{unit}#definition")
}

/// So are the notices kept apart: they change rarely.
fn notices_key(unit: &str) -> String {
    format!("{unit}#notices")
}

fn set_nonblocking(fd: &OwnedFd) -> io::Result<()> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
    fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}

/// 16 random bytes in hexadecimal.
fn random_id() -> String {
    format!("{:016x}{:016x}", random_u64(), random_u64())
}

fn random_u64() -> u64 {
    // Before the kernel has gathered any (early at boot), the time is as good as it gets.
    sys::random::number().unwrap_or_else(|_| sys::clock::realtime())
}
