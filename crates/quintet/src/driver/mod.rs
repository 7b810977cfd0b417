//! Does what `core` decides: epoll on one signalfd, the daemons' notify sockets and their stored descriptors.

mod ending;
mod exits;
mod place;
mod sockets;
mod spawn;
mod store;

use std::io;
use std::os::fd::AsFd;

use daemon_runtime::args::CommonArgs;
use daemon_runtime::config::LogConfig;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use sys::notify::{Incoming, NotifySocket};
use sys::signals::Signals;

use crate::cli::RunArgs;
use crate::core::{Action, Daemon, End, EndRequest, Event, Launcher};
use ending::Outcome;
use exits::Exits;
use place::Place;
use sockets::Sockets;
use spawn::Spawner;
use store::Stores;

/// epoll token of the signalfd; notify sockets follow from [`TOKEN_NOTIFY`], stored descriptors from [`TOKEN_STORE`].
const TOKEN_SIGNALS: u64 = 0;
const TOKEN_NOTIFY: u64 = 1;
const TOKEN_STORE: u64 = 16;
/// Events taken per wake-up.
const BATCH: usize = 32;

/// Why the launcher cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The runtime directory cannot be used.
    #[error("cannot use the runtime directory {dir}")]
    RuntimeDir {
        /// Which.
        dir: String,
        /// Why.
        source: io::Error,
    },
    /// Another launcher runs there.
    #[error("{0}")]
    Locked(String),
    /// A system call that everything depends on.
    #[error("{what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
}

fn system<E: Into<io::Error>>(what: &'static str) -> impl Fn(E) -> RunError {
    move |error| RunError::System { what, source: error.into() }
}

/// Runs until told to end; the exit status.
///
/// # Errors
/// [`RunError`] before anything was started.
pub fn run(args: &RunArgs) -> Result<u8, RunError> {
    sys::signals::block_all().map_err(system("cannot block signals"))?;
    let early = place::become_init();
    init_logs(&args.common);
    for line in early {
        tracing::info!("{line}");
    }
    let place = Place::prepare(args)?;
    let mut driver = Driver::new(place, args.restart_delay_max)?;
    driver.handle(Event::Boot);
    let finish = driver.turn_until_done()?;
    Ok(ending::finish(finish, &driver.place))
}

fn init_logs(common: &CommonArgs) {
    daemon_runtime::logging::init("quintet", common, &LogConfig::default());
}

struct Driver {
    place: Place,
    launcher: Launcher,
    epoll: Epoll,
    signals: Signals,
    notify: Vec<NotifySocket>,
    sockets: Sockets,
    exits: Exits,
    stores: Stores,
    spawner: Spawner,
    outcome: Option<EndRequest>,
}

impl Driver {
    fn new(place: Place, longest_wait: u64) -> Result<Self, RunError> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(system("cannot make an epoll"))?;
        let signals = Signals::all().map_err(system("cannot make a signalfd"))?;
        let readable = |token| EpollEvent::new(EpollFlags::EPOLLIN, token);
        epoll.add(signals.as_fd(), readable(TOKEN_SIGNALS)).map_err(system("cannot wait for signals"))?;
        let mut notify = Vec::new();
        for (token, daemon) in (TOKEN_NOTIFY..).zip(Daemon::ALL) {
            let socket = NotifySocket::bind(&place.runtime.notify().join(daemon.name()))
                .map_err(system("cannot bind a notify socket"))?;
            epoll.add(socket.as_fd(), readable(token)).map_err(system("cannot wait for notifications"))?;
            notify.push(socket);
        }
        Ok(Self {
            sockets: Sockets::bind(&place).map_err(system("cannot bind the daemons' sockets"))?,
            exits: Exits::new().map_err(system("cannot make the socket of exit statuses"))?,
            stores: Stores::new(TOKEN_STORE),
            spawner: Spawner::new(&place).map_err(system("cannot find process-executor beside the launcher"))?,
            launcher: Launcher::new(longest_wait),
            outcome: None,
            place,
            epoll,
            signals,
            notify,
        })
    }

    fn turn_until_done(&mut self) -> Result<EndRequest, RunError> {
        let mut events = [EpollEvent::empty(); BATCH];
        loop {
            if let Some(outcome) = self.outcome.take() {
                return Ok(outcome);
            }
            let count = match self.epoll.wait(&mut events, self.timeout()) {
                Ok(count) => count,
                Err(Errno::EINTR) => continue,
                Err(error) => return Err(system("cannot wait for events")(error)),
            };
            // Notifications before signals: what a daemon stored just before it died counts.
            let (signals, others): (Vec<u64>, Vec<u64>) =
                events.iter().take(count).map(EpollEvent::data).partition(|token| *token == TOKEN_SIGNALS);
            for token in others {
                match token.checked_sub(TOKEN_STORE) {
                    None => self.read_notify(token - TOKEN_NOTIFY),
                    Some(_) => self.stores.hung_up(token, &self.epoll),
                }
            }
            if !signals.is_empty() {
                self.read_signals();
            }
            self.exits.flush();
            self.handle(Event::Tick);
        }
    }

    fn timeout(&self) -> EpollTimeout {
        let Some(deadline) = self.launcher.deadline() else { return EpollTimeout::NONE };
        let wait = deadline.saturating_sub(now()).saturating_add(1);
        EpollTimeout::try_from(wait.min(3_600_000)).unwrap_or(EpollTimeout::ZERO)
    }

    fn handle(&mut self, event: Event) {
        let mut queue = std::collections::VecDeque::from([event]);
        while let Some(event) = queue.pop_front() {
            for action in self.launcher.handle(now(), event) {
                queue.extend(self.act(action));
            }
        }
    }

    fn act(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Spawn(daemon) => {
                return Some(match self.spawner.spawn(daemon, &self.place, &self.sockets, &self.exits, &self.stores) {
                    Ok(pid) => {
                        tracing::info!(pid, "{} started", daemon.name());
                        Event::Spawned(daemon, pid)
                    }
                    Err(error) => {
                        tracing::error!("cannot start {}: {error}", daemon.name());
                        Event::SpawnFailed(daemon)
                    }
                });
            }
            Action::Terminate(pid) => signal(pid, libc_signal("TERM")),
            Action::Kill(pid) => signal(pid, libc_signal("KILL")),
            Action::AskBroker(pid, request) => {
                tracing::info!("stopping all units: {:?}", request.end);
                signal(pid, sys::signals::rtmin() + request.end.realtime_signal());
            }
            Action::ForwardExit { pid, code, status } => self.exits.send(pid, code, status),
            Action::Sweep(kill) => return ending::sweep(kill).then_some(Event::Alone),
            Action::Finish(request) => self.outcome = Some(request),
            Action::Warn(text) => tracing::warn!("{text}"),
        }
        None
    }

    fn read_notify(&mut self, index: u64) {
        let Some((daemon, socket)) = Daemon::ALL.into_iter().zip(&self.notify).nth(index as usize) else { return };
        let mut events = Vec::new();
        loop {
            match socket.recv() {
                Ok(Incoming::Empty) => break,
                Ok(Incoming::Refused(why)) => tracing::warn!("message of {} refused: {why}", daemon.name()),
                Ok(Incoming::Message(message)) => {
                    // The socket lies in a directory that others can read: the kernel says who writes.
                    let sender = message.sender.map_or(0, |sender| sender.pid);
                    if self.launcher.daemon_of(sender) != Some(daemon) {
                        tracing::debug!(sender, "message from a process that is not {}", daemon.name());
                        if message.sender.is_none_or(|s| s.uid != nix::unistd::geteuid().as_raw()) {
                            continue;
                        }
                    }
                    if let Some(word) = message.field("X_QUINTET_REQUEST") {
                        let status = message.field("X_QUINTET_EXIT_STATUS").and_then(|text| text.parse().ok());
                        match (word, End::parse(word), daemon) {
                            (_, Some(end), Daemon::UnitBroker) => {
                                events.push(Event::UnitsStopped(EndRequest { end, status: status.unwrap_or(0) }));
                            }
                            ("reexec", None, Daemon::UnitBroker) => events.push(Event::Renew),
                            (_, _, _) => tracing::warn!("{} asks for {word:?}: not understood", daemon.name()),
                        }
                    }
                    if message.is_set("READY") {
                        events.push(Event::Ready(daemon));
                    }
                    self.stores.take(daemon, message, &self.epoll);
                }
                Err(error) => {
                    tracing::error!("notify socket of {}: {error}", daemon.name());
                    break;
                }
            }
        }
        events.into_iter().for_each(|event| self.handle(event));
    }

    fn read_signals(&mut self) {
        while let Ok(Some(arrived)) = self.signals.read() {
            let offset = arrived.signal - sys::signals::rtmin();
            let end = if arrived.signal == libc_signal("TERM") || arrived.signal == libc_signal("INT") {
                Some(self.place.end_of_plain_signal(arrived.signal == libc_signal("INT")))
            } else {
                End::from_realtime_signal(offset)
            };
            if let Some(end) = end {
                self.handle(Event::Leave(EndRequest { end, status: 0 }));
            }
        }
        // One SIGCHLD can stand for many children, so all are looked for whatever arrived.
        while let Ok(Some((pid, exit))) = sys::reap::any() {
            // What it wrote last may still be unread; its descriptors must be in the store before it is started again.
            if let Some(daemon) = self.launcher.daemon_of(pid) {
                self.read_notify(daemon.index() as u64);
            }
            self.handle(Event::Exited { pid, code: exit.code(), status: exit.status() });
        }
        if let Outcome::Alone = ending::alone() {
            self.handle(Event::Alone);
        }
    }
}

fn signal(pid: i32, number: i32) {
    if let Err(error) = sys::signals::kill(pid, number) {
        tracing::debug!(pid, number, "cannot signal: {error}");
    }
}

/// Number of a signal that every Linux has.
fn libc_signal(name: &str) -> i32 {
    sys::signals::number(name).unwrap_or_default()
}

/// Steady time in ms.
fn now() -> u64 {
    sys::clock::monotonic() / 1_000
}
