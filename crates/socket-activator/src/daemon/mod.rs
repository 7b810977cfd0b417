//! The daemon: units on one side, their sockets, processes and D-Bus clients on the other, one loop between them.
//!
//! [`host`] is where we run, [`namespaces`] where units do, [`unit`] is a unit with its descriptors; [`run`] does what the
//! state machine wants; [`requests`] is the bus; [`watch`] waits for traffic, [`connections`] takes accepted connections to
//! safety, [`store`] names what the runner keeps, [`saved`] is what lies on disk, [`resume`] puts both together after a
//! restart.

pub mod connections;
pub mod control;
pub mod host;
pub mod namespaces;
pub mod requests;
pub mod resume;
pub mod run;
pub mod saved;
pub mod serve;
pub mod status;
pub mod store;
pub mod unit;
pub mod watch;

use std::collections::BTreeMap;
use std::rc::Rc;

use bus_api::serve::Server;
use daemon_runtime::notify::Runner;
use daemon_runtime::state::StateDir;
use sys::cgroup::CgroupRoot;
use sys::spawn::Executor;
use tokio::sync::mpsc;

use self::connections::AcceptQueue;
use self::host::Host;
use self::unit::SocketUnit;
use self::watch::Input;
use crate::standalone::services::Services;

/// The daemon's state. One owner: the loop in [`serve`].
pub struct Daemon {
    pub(crate) units: BTreeMap<Rc<str>, SocketUnit>,
    pub(crate) server: Server,
    pub(crate) runner: Runner,
    /// One file a unit: what changes often.
    pub(crate) states: StateDir,
    /// One file a unit: its definition.
    pub(crate) definitions: StateDir,
    pub(crate) queue: Option<AcceptQueue>,
    pub(crate) inputs: mpsc::UnboundedSender<Input>,
    pub(crate) host: Host,
    pub(crate) executor: Option<Executor>,
    pub(crate) cgroups: Option<CgroupRoot>,
    pub(crate) last_id: u64,
    /// Without a broker: the services that we start ourselves.
    pub(crate) services: Option<Services>,
}

impl Daemon {
    /// A number for a trigger: larger than all before it, also those before a restart (µs since boot, at least).
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id = sys::clock::boottime().max(self.last_id + 1);
        self.last_id
    }
}
