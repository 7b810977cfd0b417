//! The launcher's decisions: which daemon runs, when it is started again, and how everything ends.
//!
//! Pure: time is an argument (ms, any steady clock), descriptors stay with the driver.
//!
//! Phases: `Running` (daemons are restarted whenever they end) -> `Leaving` (somebody asked to end: the broker stops all
//! units in order and then sends its request) -> `Stopping` (the daemons themselves get SIGTERM; the supervisor last, since
//! the others' ends can still concern processes) -> `Sweeping` (what is left of our descendants is killed) -> done.

mod daemon;
mod ending;

pub use daemon::{Daemon, DaemonState};
pub use ending::{End, EndRequest};

/// How long the broker may take to stop all units: three times the default TimeoutStopSec=, then the daemons are stopped.
const LEAVING_LIMIT: u64 = 270_000;
/// How long daemons may take to end after SIGTERM.
const STOPPING_LIMIT: u64 = 10_000;
/// How long leftover processes have between SIGTERM and SIGKILL.
const SWEEPING_LIMIT: u64 = 3_000;
/// SIGTERM or SIGINT this often ends everything at once.
const IMPATIENCE: u32 = 3;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Start all daemons.
    Boot,
    /// A daemon was spawned.
    Spawned(Daemon, i32),
    /// A daemon could not be spawned.
    SpawnFailed(Daemon),
    /// A child or adopted orphan ended: PID, si_code, si_status.
    Exited {
        /// Process.
        pid: i32,
        /// CLD_EXITED, CLD_KILLED or CLD_DUMPED.
        code: i32,
        /// Exit status or signal.
        status: i32,
    },
    /// A daemon said READY=1.
    Ready(Daemon),
    /// Somebody asked to end.
    Leave(EndRequest),
    /// The broker has stopped all units.
    UnitsStopped(EndRequest),
    /// Somebody asked for fresh daemons (`systemctl daemon-reexec`), after an upgrade for example.
    Renew,
    /// No process but ourselves is left.
    Alone,
    /// A deadline has passed.
    Tick,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Spawn a daemon with its descriptors.
    Spawn(Daemon),
    /// Signal a daemon.
    Terminate(i32),
    /// Kill a daemon that does not end.
    Kill(i32),
    /// Tell the broker to stop all units for this end.
    AskBroker(i32, EndRequest),
    /// Hand an orphan's exit status to the supervisor.
    ForwardExit {
        /// Process.
        pid: i32,
        /// si_code.
        code: i32,
        /// si_status.
        status: i32,
    },
    /// SIGTERM (false) or SIGKILL (true) all our descendants; answer `Alone` when there are none.
    Sweep(bool),
    /// It is over.
    Finish(EndRequest),
    /// For the log.
    Warn(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Running,
    Leaving { end: EndRequest, deadline: u64, asked: u32 },
    Stopping { end: EndRequest, deadline: u64, supervisor_too: bool },
    Sweeping { end: EndRequest, deadline: u64, killing: bool },
    Done,
}

/// The launcher.
#[derive(Debug)]
pub struct Launcher {
    phase: Phase,
    /// Before a restart, ms.
    longest_wait: u64,
    daemons: [DaemonState; Daemon::ALL.len()],
}

impl Launcher {
    /// Nothing runs yet. A daemon that keeps ending early waits at most so long (ms) before it is started again.
    pub fn new(longest_wait: u64) -> Self {
        Self { phase: Phase::Running, longest_wait, daemons: Default::default() }
    }

    /// Takes an event; the actions in order.
    pub fn handle(&mut self, now: u64, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Boot => actions.extend(Daemon::ALL.map(Action::Spawn)),
            Event::Spawned(daemon, pid) => self.state(daemon).spawned(pid, now),
            Event::SpawnFailed(daemon) => self.ended(now, daemon),
            Event::Exited { pid, code, status } => self.exited(now, (pid, code, status), &mut actions),
            Event::Ready(daemon) => self.ready(daemon, &mut actions),
            Event::Leave(end) => self.leave(now, end, &mut actions),
            Event::UnitsStopped(end) => self.stop_daemons(now, end, &mut actions),
            Event::Renew => self.renew(&mut actions),
            Event::Alone => self.alone(&mut actions),
            Event::Tick => {}
        }
        self.deadlines(now, &mut actions);
        actions
    }

    /// When to call `handle` with `Tick`, if nothing else happens.
    pub fn deadline(&self) -> Option<u64> {
        let phase = match &self.phase {
            Phase::Running | Phase::Done => None,
            Phase::Leaving { deadline, .. } | Phase::Stopping { deadline, .. } | Phase::Sweeping { deadline, .. } => {
                Some(*deadline)
            }
        };
        let restarts = self.restarting().then(|| self.daemons.iter().filter_map(DaemonState::due).min()).flatten();
        phase.into_iter().chain(restarts).min()
    }

    /// Which daemon a PID is.
    pub fn daemon_of(&self, pid: i32) -> Option<Daemon> {
        Daemon::ALL.into_iter().find(|daemon| self.daemons[daemon.index()].pid() == Some(pid))
    }

    fn state(&mut self, daemon: Daemon) -> &mut DaemonState {
        &mut self.daemons[daemon.index()]
    }

    fn ended(&mut self, now: u64, daemon: Daemon) {
        let longest_wait = self.longest_wait;
        self.state(daemon).ended(now, longest_wait);
    }

    fn pid(&self, daemon: Daemon) -> Option<i32> {
        self.daemons[daemon.index()].pid()
    }

    /// Whether daemons that end come back: until the daemons themselves are told to stop.
    fn restarting(&self) -> bool {
        match self.phase {
            Phase::Running | Phase::Leaving { .. } => true,
            Phase::Stopping { .. } | Phase::Sweeping { .. } | Phase::Done => false,
        }
    }

    fn exited(&mut self, now: u64, (pid, code, status): (i32, i32, i32), actions: &mut Vec<Action>) {
        let Some(daemon) = self.daemon_of(pid) else {
            actions.push(Action::ForwardExit { pid, code, status });
            return;
        };
        self.ended(now, daemon);
        if self.restarting() {
            // waitid(2): CLD_EXITED is 1, CLD_KILLED 2, CLD_DUMPED 3.
            let how = if code == 1 { "with status" } else { "by signal" };
            actions.push(Action::Warn(format!("{} ended {how} {status}", daemon.name())));
        } else if let Phase::Stopping { end, .. } = &self.phase {
            let end = end.clone();
            self.continue_stopping(now, end, actions);
        }
    }

    /// All daemons end and come back: an upgrade is the same thing as a crash.
    fn renew(&self, actions: &mut Vec<Action>) {
        if self.restarting() {
            actions.extend(self.daemons.iter().filter_map(DaemonState::pid).map(Action::Terminate));
        }
    }

    /// A broker that was away while somebody asked to end is asked again.
    fn ready(&mut self, daemon: Daemon, actions: &mut Vec<Action>) {
        if let (Phase::Leaving { end, .. }, Daemon::UnitBroker, Some(pid)) = (&self.phase, daemon, self.pid(daemon)) {
            actions.push(Action::AskBroker(pid, end.clone()));
        }
    }

    fn leave(&mut self, now: u64, end: EndRequest, actions: &mut Vec<Action>) {
        let broker = self.pid(Daemon::UnitBroker);
        match &mut self.phase {
            Phase::Running => {
                if let Some(pid) = broker {
                    actions.push(Action::AskBroker(pid, end.clone()));
                }
                self.phase = Phase::Leaving { end, deadline: now + LEAVING_LIMIT, asked: 1 };
            }
            Phase::Leaving { end, asked, .. } => {
                *asked += 1;
                if *asked >= IMPATIENCE {
                    let end = end.clone();
                    actions.push(Action::Warn("asked to end for the third time: stopping at once".to_owned()));
                    self.stop_daemons(now, end, actions);
                }
            }
            Phase::Stopping { .. } | Phase::Sweeping { .. } | Phase::Done => {}
        }
    }

    fn stop_daemons(&mut self, now: u64, end: EndRequest, actions: &mut Vec<Action>) {
        match self.phase {
            Phase::Running | Phase::Leaving { .. } => {}
            Phase::Stopping { .. } | Phase::Sweeping { .. } | Phase::Done => return,
        }
        let others = Daemon::ALL.into_iter().filter(|daemon| *daemon != Daemon::ProcessSupervisor);
        actions.extend(others.filter_map(|daemon| self.pid(daemon)).map(Action::Terminate));
        self.phase = Phase::Stopping { end: end.clone(), deadline: now + STOPPING_LIMIT, supervisor_too: false };
        self.continue_stopping(now, end, actions);
    }

    /// The supervisor goes last; when it is gone too, what is left is swept away.
    fn continue_stopping(&mut self, now: u64, end: EndRequest, actions: &mut Vec<Action>) {
        let Phase::Stopping { supervisor_too, .. } = &mut self.phase else { return };
        let running: Vec<Daemon> =
            Daemon::ALL.into_iter().filter(|daemon| self.daemons[daemon.index()].pid().is_some()).collect();
        match running.as_slice() {
            [] => {
                self.phase = Phase::Sweeping { end, deadline: now + SWEEPING_LIMIT, killing: false };
                actions.push(Action::Sweep(false));
            }
            [Daemon::ProcessSupervisor] if !*supervisor_too => {
                *supervisor_too = true;
                actions.extend(self.pid(Daemon::ProcessSupervisor).map(Action::Terminate));
            }
            [_, ..] => {}
        }
    }

    fn alone(&mut self, actions: &mut Vec<Action>) {
        if let Phase::Sweeping { end, .. } = &self.phase {
            actions.push(Action::Finish(end.clone()));
            self.phase = Phase::Done;
        }
    }

    fn deadlines(&mut self, now: u64, actions: &mut Vec<Action>) {
        if self.restarting() {
            for daemon in Daemon::ALL {
                if self.state(daemon).take_due(now) {
                    actions.push(Action::Spawn(daemon));
                }
            }
        }
        match &mut self.phase {
            Phase::Leaving { end, deadline, .. } if *deadline <= now => {
                let end = end.clone();
                actions.push(Action::Warn("units did not stop in time".to_owned()));
                self.stop_daemons(now, end, actions);
            }
            Phase::Stopping { deadline, .. } if *deadline <= now => {
                *deadline = now + STOPPING_LIMIT;
                actions.extend(self.daemons.iter().filter_map(DaemonState::pid).map(Action::Kill));
            }
            Phase::Sweeping { end, deadline, killing } if *deadline <= now => {
                if *killing {
                    actions.push(Action::Warn("processes are left that cannot be killed".to_owned()));
                    actions.push(Action::Finish(end.clone()));
                    self.phase = Phase::Done;
                } else {
                    *killing = true;
                    *deadline = now + SWEEPING_LIMIT;
                    actions.push(Action::Sweep(true));
                }
            }
            Phase::Running | Phase::Leaving { .. } | Phase::Stopping { .. } | Phase::Sweeping { .. } | Phase::Done => {}
        }
    }
}

#[cfg(test)]
mod tests;
