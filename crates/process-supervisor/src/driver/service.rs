//! One service with its resources.

use std::collections::BTreeMap;
use std::rc::Rc;

use daemon_runtime::notices::Notices;
use litemap::LiteMap;
use serde::{Deserialize, Serialize};
use sys::cgroup::Cgroup;
use sys::notify::NotifySocket;
use sys::pidfd::PidFd;
use tokio::io::unix::AsyncFd;
use unit_parser::Unit;

use super::held::{Held, HeldRecord};
use super::host::{Host, key};
use super::namespaces::{Places, Shared, SharedRecord};
use super::told::Told;
use super::usage::Usage;
use super::view::KernelView;
use super::watch::Task;
use crate::core::Pid;
use crate::core::action::KillOrder;
use crate::core::machine::Machine;
use crate::core::rate_limit::RateLimit;

/// A process that is followed.
#[derive(Debug)]
pub struct Followed {
    /// Its descriptor.
    pub pidfd: PidFd,
    /// See [`PidFd::identity`]: with the PID it tells a new supervisor that has no descriptor whether it is the same process.
    pub identity: u64,
    /// Waits for its end, when it is not our child.
    pub task: Option<Task>,
}

/// The socket that the service notifies us on.
#[derive(Debug)]
pub struct Listener {
    /// The socket.
    pub socket: Rc<AsyncFd<NotifySocket>>,
    /// `$NOTIFY_SOCKET`
    pub path: String,
    /// Waits for messages.
    pub task: Task,
}

/// What a start carried, beyond what the machine keeps.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Start {
    /// Variables that only this start sees.
    pub environment: Vec<String>,
    /// The manager's block.
    pub manager_environment: Vec<String>,
}

/// What is on disk of a service, rewritten at every change.
#[derive(Debug, Serialize, Deserialize)]
pub struct Saved<M> {
    /// The machine.
    pub machine: M,
    /// The last start.
    pub start: Start,
    /// Descriptors of the start.
    pub fds: Vec<HeldRecord>,
    /// The fd store.
    pub store: Vec<HeldRecord>,
    /// Counter for names.
    pub next_fd: u64,
    /// Followed processes with their start times.
    pub processes: BTreeMap<Pid, u64>,
    /// Starts so far, where the supervisor counts them itself.
    pub limit: RateLimit,
    /// The user and group that it runs as.
    pub ids: Option<(u32, u32)>,
    /// Where its private /tmp is.
    #[serde(default)]
    pub private_tmp: Option<Places>,
    /// Its network and IPC namespace.
    #[serde(default)]
    pub shared: SharedRecord,
    /// Processes killed for lack of memory that the machine knows of.
    #[serde(default)]
    pub oom_kills: u64,
    /// What it uses.
    #[serde(default)]
    pub usage: Usage,
    /// Signals that were about to be sent.
    #[serde(default)]
    pub signalling: Option<KillOrder>,
}

/// A service.
#[derive(Debug)]
pub struct Service {
    /// Its definition.
    pub unit: Unit,
    /// What was told of its properties.
    pub told: Told,
    /// Fingerprint of the text that the definition was made of, if all of it counts already.
    pub definition: Option<u64>,
    /// Short name for sockets and descriptors.
    pub key: String,
    /// Its state.
    pub machine: Machine,
    /// `$INVOCATION_ID` of the last start.
    pub invocation: String,
    /// `PIDFile=`
    pub pid_file: Option<String>,
    /// The last start.
    pub start: Start,
    /// Descriptors of the start, in `$LISTEN_FDS` order.
    pub fds: Vec<Held>,
    /// The fd store, after them.
    pub store: Vec<(Held, Option<Task>)>,
    /// Counter for names.
    pub next_fd: u64,
    /// Followed processes.
    pub processes: LiteMap<Pid, Followed>,
    /// The notify socket.
    pub listener: Option<Listener>,
    /// Its control group, also while that does not exist.
    pub cgroup: Option<Cgroup>,
    /// Waits for the PID file.
    pub pid_file_task: Option<Task>,
    /// Starts so far.
    pub limit: RateLimit,
    /// The deadline of its machine as the supervisor has noted it.
    pub armed: Option<u64>,
    /// The user and group that it runs as.
    pub ids: Option<(u32, u32)>,
    /// What its processes share.
    pub shared: Shared,
    /// The run (its invocation) whose limits are written.
    pub limited: String,
    /// The run that journald was told of.
    pub exported: String,
    /// Its control group says which devices may be used.
    pub confined: bool,
    /// Processes killed for lack of memory that the machine knows of, as the control group counts them.
    pub oom_kills: u64,
    /// What it uses.
    pub usage: Usage,
    /// Signals that are about to be sent, while they are.
    pub signalling: Option<KillOrder>,
    /// Waits for `Type=exec` reports.
    pub report_task: Option<Task>,
    /// Watches `BusName=`.
    pub bus_task: Option<Task>,
    /// What there is to tell of it beyond its state; on disk under a key of its own.
    pub notices: Notices,
    /// When the notifications of the present second began to be counted (CLOCK_MONOTONIC, µs), and how many there were.
    pub notified: (u64, u32),
    /// `systemctl clean` at work.
    pub cleaning: Option<super::clean::Cleaning>,
}

impl Service {
    /// A service that was never started.
    pub fn new(unit: Unit, machine: Machine, cgroup: Option<Cgroup>) -> Service {
        Service {
            key: key(unit.name.as_str()),
            invocation: machine.invocation().to_owned(),
            pid_file: machine.definition().pid_file.clone(),
            unit,
            told: Told::default(),
            definition: None,
            machine,
            start: Start::default(),
            fds: Vec::new(),
            store: Vec::new(),
            next_fd: 0,
            processes: LiteMap::new(),
            listener: None,
            cgroup,
            pid_file_task: None,
            limit: RateLimit::default(),
            armed: None,
            ids: None,
            shared: Shared::default(),
            limited: String::new(),
            exported: String::new(),
            confined: false,
            oom_kills: 0,
            usage: Usage::default(),
            signalling: None,
            report_task: None,
            bus_task: None,
            notices: Notices::default(),
            notified: (0, 0),
            cleaning: None,
        }
    }

    /// What goes to disk.
    pub fn saved(&self) -> Saved<&Machine> {
        Saved {
            machine: &self.machine,
            start: self.start.clone(),
            fds: self.fds.iter().map(|held| held.record.clone()).collect(),
            store: self.store.iter().map(|(held, _)| held.record.clone()).collect(),
            next_fd: self.next_fd,
            processes: self.processes.iter().map(|(pid, followed)| (*pid, followed.identity)).collect(),
            limit: self.limit,
            ids: self.ids,
            private_tmp: self.shared.tmp.clone(),
            shared: self.shared.record(),
            oom_kills: self.oom_kills,
            usage: self.usage,
            signalling: self.signalling.clone(),
        }
    }

    /// The machine, and what it may ask.
    pub fn with_view<'a>(&'a mut self, host: &'a Host) -> (&'a mut Machine, KernelView<'a>) {
        let (roots, instances) = (self.machine.followed(), self.machine.instances().cloned().collect());
        let invocation = self.invocation.as_str();
        let view = KernelView::new(host, self.cgroup.as_ref(), invocation, self.pid_file.as_deref(), roots, instances);
        (&mut self.machine, view)
    }

    /// A name for a new descriptor at the runner: what it is for, whose, which.
    pub fn fd_id(&mut self, kind: char) -> String {
        self.next_fd += 1;
        format!("{kind}.{}.{}", self.key, self.next_fd)
    }
}
