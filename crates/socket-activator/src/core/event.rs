//! What happens to a socket unit, and what it wants done.

use serde::{Deserialize, Serialize};

use super::instance::Endpoint;
use super::state::{Phase, SocketResult, State};

/// How a control command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// By a signal, with a core dump.
    CoreDump(i32),
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A start job.
    Start,
    /// A stop job.
    Stop {
        /// It is the first half of a restart.
        restart: bool,
    },
    /// `reset-failed`.
    ResetFailed,
    /// [`Action::Open`] is done.
    Opened,
    /// [`Action::Open`] failed; everything opened so far will be closed.
    OpenFailed {
        /// What couldn't be opened and why.
        text: String,
    },
    /// [`Action::Spawn`] is done.
    Spawned {
        /// The control process.
        pid: u32,
    },
    /// [`Action::Spawn`] failed before there was a process.
    SpawnFailed {
        /// Why.
        text: String,
    },
    /// The control process of the current state ended. The end of any other is none of the machine's business.
    Exited(Exit),
    /// The time of [`Action::Timer`] has come.
    Timeout,
    /// Traffic on a socket of an `Accept=no` unit.
    Traffic {
        /// Number of the trigger, unique over restarts.
        id: u64,
    },
    /// A connection was accepted (`Accept=yes`).
    Connection {
        /// Number of the trigger, unique over restarts.
        id: u64,
        /// Names the connection between core and driver (SO_COOKIE).
        cookie: u64,
        /// Our end.
        local: Endpoint,
        /// The other end.
        peer: Endpoint,
    },
    /// A listening socket is broken: somebody shut it down, or accept(2) fails for good.
    Broken {
        /// What was seen.
        text: String,
    },
    /// A service of this socket changed and has no job (systemd's trigger_notify).
    Service {
        /// Which: the triggered one, or an instance that was given a connection.
        name: String,
        /// SubState, or an ActiveState for brokers that know no more.
        sub: String,
        /// It hit its start limit.
        start_limit_hit: bool,
    },
    /// The instances that hold connections, of those whose triggers were taken: all others have ended.
    Holders(Vec<String>),
    /// The broker can't start the service.
    Fail(SocketResult),
    /// The broker has taken a trigger.
    Ack {
        /// Its number.
        id: u64,
    },
}

/// Something to do. The driver does them in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Open every socket that isn't open; answer with `Opened` or `OpenFailed`.
    Open,
    /// Close all sockets, and remove their nodes with `RemoveOnStop=`.
    Close,
    /// Drop what is pending on the sockets.
    Flush,
    /// Wait for traffic, or stop to.
    Poll(bool),
    /// Run a control command; answer with `Spawned` or `SpawnFailed`, later `Exited`.
    Spawn {
        /// Whose list.
        phase: Phase,
        /// Which.
        index: usize,
    },
    /// Send a signal to the control process and what it left.
    Kill {
        /// Which signal.
        signal: i32,
        /// It is the one that nobody survives, meant for all there are unless `KillMode=` spares them.
        last: bool,
    },
    /// Wake the machine with `Timeout` at that time (µs); `None`: no longer.
    Timer(Option<u64>),
    /// Ask for a service. Again and again, to every new broker, until `Ack`.
    Trigger(Trigger),
    /// The trigger was acknowledged or is void: forget its connection's copy.
    Forget {
        /// The connection's name.
        cookie: u64,
    },
    /// Close a connection without service.
    Refuse {
        /// The connection's name.
        cookie: u64,
    },
    /// The state changed; tell it.
    Changed {
        /// The state that was entered; the machine may be further on already.
        state: State,
        /// The result as of then.
        result: SocketResult,
        /// Why.
        cause: String,
    },
    /// Properties changed, the state did not.
    Updated,
    /// Tell this about the unit.
    Log {
        /// syslog word: `err`, `warning`, `notice`, `info`, `debug`.
        level: &'static str,
        /// One line.
        text: String,
    },
}

/// A service that is to be started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// Unique over restarts.
    pub id: u64,
    /// The service unit.
    pub service: String,
    /// Variables for it.
    pub environment: Vec<String>,
    /// Why.
    pub cause: String,
    /// The peer, for the description.
    pub peer: String,
    /// The connection that goes with it.
    pub connection: Option<u64>,
}
