//! The four daemons, and when one that ended is started again.

/// A daemon ended this soon after its start waits before the next one, ms.
const TOO_SOON: u64 = 1_000;
/// The first wait, doubled each time up to the longest, ms.
const FIRST_WAIT: u64 = 100;

/// A daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Daemon {
    /// Owns the device table.
    DeviceWatcher,
    /// Owns listening sockets.
    SocketActivator,
    /// Owns processes.
    ProcessSupervisor,
    /// Owns the unit graph.
    UnitBroker,
}

impl Daemon {
    /// In the order in which they are started: workers first.
    pub const ALL: [Daemon; 4] =
        [Daemon::ProcessSupervisor, Daemon::SocketActivator, Daemon::DeviceWatcher, Daemon::UnitBroker];

    /// Name of its program, of its socket and of its state directory.
    pub fn name(self) -> &'static str {
        match self {
            Daemon::DeviceWatcher => "device-watcher",
            Daemon::SocketActivator => "socket-activator",
            Daemon::ProcessSupervisor => "process-supervisor",
            Daemon::UnitBroker => "unit-broker",
        }
    }

    /// Its place in [`Daemon::ALL`].
    pub fn index(self) -> usize {
        match self {
            Daemon::ProcessSupervisor => 0,
            Daemon::SocketActivator => 1,
            Daemon::DeviceWatcher => 2,
            Daemon::UnitBroker => 3,
        }
    }
}

/// Whether it runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DaemonState {
    /// Not started yet, or being spawned.
    #[default]
    Down,
    /// It runs; `quick` counts how often in a row it ended too soon.
    Up {
        /// Process.
        pid: i32,
        /// When it was started.
        since: u64,
        /// Early ends in a row before this start.
        quick: u32,
    },
    /// It ended and is started again at `due`.
    Ended {
        /// When.
        due: u64,
        /// Early ends in a row.
        quick: u32,
    },
    /// The restart is under way.
    Starting {
        /// Early ends in a row.
        quick: u32,
    },
}

impl DaemonState {
    /// Its process.
    pub fn pid(&self) -> Option<i32> {
        match self {
            DaemonState::Up { pid, .. } => Some(*pid),
            DaemonState::Down | DaemonState::Ended { .. } | DaemonState::Starting { .. } => None,
        }
    }

    /// When it shall be started again.
    pub fn due(&self) -> Option<u64> {
        match self {
            DaemonState::Ended { due, .. } => Some(*due),
            DaemonState::Down | DaemonState::Up { .. } | DaemonState::Starting { .. } => None,
        }
    }

    /// It runs now.
    pub fn spawned(&mut self, pid: i32, now: u64) {
        *self = DaemonState::Up { pid, since: now, quick: self.quick() };
    }

    /// It ended (or could not be started): at once again, but slower and slower, up to the longest wait (ms), when it ends
    /// early again and again.
    pub fn ended(&mut self, now: u64, longest_wait: u64) {
        let early = match self {
            DaemonState::Up { since, .. } => now.saturating_sub(*since) < TOO_SOON,
            DaemonState::Down | DaemonState::Ended { .. } | DaemonState::Starting { .. } => true,
        };
        let quick = if early { self.quick() + 1 } else { 0 };
        // The first early end is forgiven: a daemon killed twice in a second (an upgrade, a test) is back at once.
        let wait = match quick {
            0 | 1 => 0,
            more => FIRST_WAIT.saturating_mul(1 << (more - 2).min(16)).min(longest_wait),
        };
        *self = DaemonState::Ended { due: now + wait, quick };
    }

    /// Whether the time has come; if so, the caller spawns it.
    pub fn take_due(&mut self, now: u64) -> bool {
        match self {
            DaemonState::Ended { due, quick } if *due <= now => {
                *self = DaemonState::Starting { quick: *quick };
                true
            }
            DaemonState::Down | DaemonState::Up { .. } | DaemonState::Ended { .. } | DaemonState::Starting { .. } => {
                false
            }
        }
    }

    fn quick(&self) -> u32 {
        match self {
            DaemonState::Down => 0,
            DaemonState::Up { quick, .. } | DaemonState::Ended { quick, .. } | DaemonState::Starting { quick } => {
                *quick
            }
        }
    }
}
