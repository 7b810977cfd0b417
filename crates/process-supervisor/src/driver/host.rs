//! What all services share: where things are, who keeps descriptors, how processes are made.

use std::path::PathBuf;

use daemon_runtime::journal::Journal;
use daemon_runtime::notify::Runner;
use daemon_runtime::paths::{Mode, RuntimeDir};
use daemon_runtime::state::StateDir;
use sys::cgroup::CgroupRoot;
use sys::spawn::Executor;

use crate::core::time::Stamp;

/// The surroundings of the supervisor.
#[derive(Debug)]
pub struct Host {
    /// System or user.
    pub mode: Mode,
    /// Sockets and state.
    pub runtime: RuntimeDir,
    /// Saved services.
    pub state: StateDir,
    /// Who keeps descriptors for us.
    pub runner: Runner,
    /// The program that becomes a service.
    pub executor: Executor,
    /// Control groups, if there are any.
    pub cgroups: Option<CgroupRoot>,
    /// Where the log files of services are.
    pub log_dir: PathBuf,
    /// Size in bytes at which a log file is set aside at the next start.
    pub log_limit: u64,
    /// Where lines about services go while there is a journal.
    pub journal: Journal,
    /// Nobody else coordinates: `process-supervisor run`.
    pub alone: bool,
    /// Services write to the supervisor's own output.
    pub own_output: bool,
    /// Random in each boot, part of the names of private directories.
    pub boot_id: String,
    /// Missed watchdogs end services.
    pub watchdogs: bool,
    /// The launcher (our parent), if we run under one: it reaps orphans while we are away.
    pub launcher: Option<u32>,
}

impl Host {
    /// Now, on both clocks.
    pub fn now(&self) -> Stamp {
        Stamp { monotonic: sys::clock::monotonic(), realtime: sys::clock::realtime() }
    }

    /// The slice of units that name none.
    pub fn default_slice(&self) -> &'static str {
        match self.mode {
            Mode::System => "system.slice",
            Mode::User => "app.slice",
        }
    }

    /// Whether a process is one of the managers.
    pub fn is_manager(&self, pid: u32) -> bool {
        pid == 1 || pid == std::process::id() || Some(pid) == self.launcher
    }
}

/// FNV-1a of a unit's name, as the key of its descriptors at the runner and of its notify socket: both have short names.
pub fn key(unit: &str) -> String {
    let hash = unit
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}
