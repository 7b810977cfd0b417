//! One service.
//!
//! ```text
//!  dead/failed ─Start─> condition ─> start-pre ─> start ─> start-post ─> running ──┐ (exited: RemainAfterExit=)
//!       ^                   │            │          │           │         │  ^     │
//!       │                   └────────────┴──────────┴───────────┤         v  │     v
//!       │                                                       │        reload   stop (ExecStop=)
//!       │                                                       v                  │
//!  auto-restart <── final-sigterm, final-sigkill <── stop-post <── stop-sigterm, stop-sigkill
//! ```
//!
//! Who decides: what the processes do (their ends, their notifications, the PID file, the bus name) moves a service along;
//! `Start`, `Stop` and `Reload` come from whoever coordinates, who also decides whether and when they are right; deadlines
//! are the machine's own. A failure at any step leads down the same way as a stop, and the first failure is the result.
//!
//! Spawning is a question and an answer: [`Action::Spawn`] leaves `spawning` set until `Spawned` or `SpawnFailed`, and the
//! state changes with the answer only. A supervisor that dies in between finds the intent in the saved state.
//!
//! A service with `X-RestartOverlap=` may have a second instance beside the one that runs: [`overlap`].
//!
//! Files: [`start`] and [`stop`] are the ways up and down, [`clean`] what is done to a service that is down, [`exits`] what
//! the end of a process means, [`timers`] what a deadline means, [`notify`] what a notification means, [`main_pid`] how the
//! main process is found, [`spawning`] the answers to spawns. Each matches on every state.

mod bus_name;
mod clean;
mod drain;
mod exits;
mod main_pid;
mod notify;
mod overlap;
mod reload;
mod spawning;
mod start;
mod stop;
mod timers;

use std::collections::VecDeque;

use litemap::LiteMap;
use serde::{Deserialize, Serialize};

use super::Pid;
use super::action::{Action, Level};
use super::command::{CommandKind, ExecStatus};
use super::definition::{Definition, NotifyAccess};
use super::event::Event;
use super::exit::ServiceResult;
use super::state::{Active, State};
use super::status::Status;
use super::time::Stamp;
use super::view::{Owner, View};

/// What is known of the main process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Main {
    /// Nothing: it may be one of the unit's processes, or there is none.
    Unknown,
    /// It runs. An alien is no process that we, or the launcher, reap.
    Alive {
        /// Its id.
        pid: Pid,
        /// Its end may go unnoticed.
        alien: bool,
    },
    /// It has ended.
    Gone,
}

/// The control process: one that runs a command for the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Control {
    pub(crate) kind: CommandKind,
    pub(crate) index: usize,
    pub(crate) pid: Pid,
}

/// A spawn that was asked for and not answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spawning {
    /// Which directive.
    pub kind: CommandKind,
    /// Which command of it.
    pub index: usize,
    /// It follows a command of the same directive, rather than beginning a phase.
    pub next: bool,
}

/// What the service announced last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Announcement {
    Nothing,
    Ready,
    Reloading,
    Stopping,
}

/// When the states changed; the broker keeps its own, these survive it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Changes {
    pub(crate) state: Option<Stamp>,
    pub(crate) inactive_exit: Option<Stamp>,
    pub(crate) active_enter: Option<Stamp>,
    pub(crate) active_exit: Option<Stamp>,
    pub(crate) inactive_enter: Option<Stamp>,
}

/// The state machine of one service. Serialized, it is all that must survive the supervisor, but for the definition, which
/// whoever restores it gives it again ([`Machine::redefine`]).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    #[serde(skip)]
    definition: Definition,
    state: State,
    result: ServiceResult,
    reload_result: ServiceResult,
    main: Main,
    main_status: ExecStatus,
    /// Index of the `ExecStart=` command that is the main process; none for `Type=forking`.
    main_command: Option<usize>,
    control: Option<Control>,
    spawning: Option<Spawning>,
    commands: LiteMap<CommandKind, Vec<ExecStatus>>,
    deadline: Option<u64>,
    watchdog_deadline: Option<u64>,
    watchdog_seen: Option<Stamp>,
    watchdog_override: Option<u64>,
    /// `WatchdogSec=` as of the start: what `WatchdogUSec` shows once the service was started.
    watchdog_started: Option<u64>,
    announcement: Announcement,
    reload_begin: u64,
    status_text: String,
    status_errno: i32,
    restarts: u32,
    flush_restarts: bool,
    forbid_restart: bool,
    /// The stop under way is the first half of a restart.
    restarting: bool,
    bus_name_owned: bool,
    watching_pid_file: bool,
    invocation: String,
    condition: Option<bool>,
    runtime_deadline: Option<u64>,
    /// What chance adds to `RuntimeMaxSec=` in this run, µs.
    runtime_extra: u64,
    changes: Changes,
    cause: String,
    #[serde(default)]
    clean_result: ServiceResult,
    /// What `systemctl clean` removes at the moment.
    #[serde(default)]
    cleaning: Vec<String>,
    /// The cause of the failure that is the result.
    failure: String,
    /// The instances beside the one that the service is.
    #[serde(default, skip_serializing_if = "overlap::Beside::is_nothing")]
    beside: overlap::Beside,
    #[serde(skip)]
    actions: VecDeque<Action>,
    #[serde(skip)]
    now: Stamp,
}

impl Machine {
    /// A service that was never started.
    pub fn new(definition: Definition) -> Machine {
        Machine {
            definition,
            state: State::Dead,
            result: ServiceResult::Success,
            reload_result: ServiceResult::Success,
            main: Main::Unknown,
            main_status: ExecStatus::default(),
            main_command: None,
            control: None,
            spawning: None,
            commands: LiteMap::new(),
            deadline: None,
            watchdog_deadline: None,
            watchdog_seen: None,
            watchdog_override: None,
            watchdog_started: None,
            announcement: Announcement::Nothing,
            reload_begin: 0,
            status_text: String::new(),
            status_errno: 0,
            restarts: 0,
            flush_restarts: false,
            forbid_restart: false,
            restarting: false,
            bus_name_owned: false,
            watching_pid_file: false,
            invocation: String::new(),
            condition: None,
            runtime_deadline: None,
            runtime_extra: 0,
            changes: Changes::default(),
            cause: String::new(),
            clean_result: ServiceResult::Success,
            cleaning: Vec::new(),
            failure: String::new(),
            beside: overlap::Beside::default(),
            actions: VecDeque::new(),
            now: Stamp::default(),
        }
    }

    /// Takes one event; afterwards drain [`Machine::next_action`].
    pub fn handle(&mut self, now: Stamp, event: Event, view: &dyn View) {
        self.now = now;
        match event {
            Event::Start(order) => self.start(order, view),
            Event::Overlap(order) => self.overlap(order, view),
            Event::Stop { restart, cause } => self.stop(restart, cause, view),
            Event::Reload { cause } => self.reload(cause, view),
            Event::ResetFailed => self.reset_failed(),
            Event::Refused { result, cause } => self.refused(result, cause, view),
            Event::Clean { what, cause } => self.clean(what, cause),
            Event::Cleaned { error } => self.cleaned(error),
            Event::Spawned { pid } => self.spawned(pid, view),
            Event::SpawnFailed { error } => self.spawn_failed(&error, view),
            Event::ProcessExited { pid, exit } => self.process_exited(pid, exit, view),
            Event::ExecSucceeded { pid } => self.exec_succeeded(pid, view),
            Event::Notify { sender, uid, message } => self.notify(sender, uid, message, view),
            Event::PidFileChanged => self.pid_file_changed(view),
            Event::BusNameChanged { owned, pid } => self.bus_name_changed(owned, pid, view),
            Event::Empty => self.emptied(view),
            Event::OutOfMemory => self.out_of_memory(view),
            Event::Tick => self.tick(view),
        }
    }

    /// The next thing to do, oldest first.
    pub fn next_action(&mut self) -> Option<Action> {
        let next = self.actions.pop_front();
        if next.is_none() {
            // A service has something to do now and then; there are many services.
            self.actions = VecDeque::new();
        }
        next
    }

    /// When `Tick` is due (CLOCK_MONOTONIC, µs), if ever.
    pub fn deadline(&self) -> Option<u64> {
        [self.deadline, self.watchdog_deadline, self.next_drained()].into_iter().flatten().min()
    }

    /// Takes a new definition (daemon-reload). What runs goes on; what comes next follows the new one.
    pub fn redefine(&mut self, definition: Definition) {
        self.definition = definition;
    }

    /// The definition.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// Where it is.
    pub fn state(&self) -> State {
        self.state
    }

    /// The `ActiveState` property.
    pub fn active(&self) -> Active {
        self.active_of(self.state)
    }

    /// The main process, if it runs.
    pub fn main_pid(&self) -> Option<Pid> {
        match self.main {
            Main::Alive { pid, .. } => Some(pid),
            Main::Unknown | Main::Gone => None,
        }
    }

    /// The control process, if one runs.
    pub fn control_pid(&self) -> Option<Pid> {
        self.control.map(|control| control.pid)
    }

    /// A spawn without an answer: set in a saved state when the supervisor died in between.
    pub fn spawning(&self) -> Option<Spawning> {
        self.spawning
    }

    /// Whether the PID file is being watched for.
    pub fn watches_pid_file(&self) -> bool {
        self.watching_pid_file
    }

    /// `$INVOCATION_ID`, empty before the first start.
    pub fn invocation(&self) -> &str {
        &self.invocation
    }

    /// The result of the last run so far.
    pub fn result(&self) -> ServiceResult {
        self.result
    }

    /// `NRestarts`
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// Nothing of the service is worth remembering: it can be forgotten.
    pub fn is_pristine(&self) -> bool {
        self.state == State::Dead && self.spawning.is_none()
    }

    /// Everything that others may know.
    pub fn status(&self) -> Status {
        Status {
            state: self.state,
            active: self.active(),
            result: self.result,
            reload_result: self.reload_result,
            clean_result: self.clean_result,
            will_restart: false,
            reload_failed: false,
            skipped: self.result == ServiceResult::ExecCondition,
            cause: self.cause.clone(),
            main_pid: self.main_pid().unwrap_or(0),
            control_pid: self.control_pid().unwrap_or(0),
            main: self.main_status,
            commands: self.commands.iter().map(|(kind, list)| (*kind, list.clone())).collect(),
            status_text: self.status_text.clone(),
            status_errno: self.status_errno,
            restarts: self.restarts,
            watchdog_seen: self.watchdog_seen,
            watchdog_usec: self.watchdog_override.or(self.watchdog_started).unwrap_or(u64::MAX),
            invocation: self.invocation.clone(),
            changed: self.changes.state,
            inactive_exit: self.changes.inactive_exit,
            active_enter: self.changes.active_enter,
            active_exit: self.changes.active_exit,
            inactive_enter: self.changes.inactive_enter,
            condition: self.condition,
        }
    }

    /// The process settings that a notification needs.
    pub fn notify_access(&self) -> NotifyAccess {
        self.definition.notify_access
    }

    // What the files below share.

    fn act(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    fn log(&mut self, level: Level, text: impl Into<String>) {
        self.act(Action::Log(level, text.into()));
    }

    fn active_of(&self, state: State) -> Active {
        state.active(self.definition.service_type == super::definition::ServiceType::Idle)
    }

    /// The first failure stays the result.
    fn note(&mut self, result: ServiceResult) {
        if self.result == ServiceResult::Success && result != ServiceResult::Success {
            self.result = result;
            self.failure = self.cause.clone();
        }
    }

    /// Tells a change of properties that is no transition.
    fn tell(&mut self) {
        let status = self.status();
        self.act(Action::Changed(Box::new(status)));
    }

    /// The only place where the state changes: forgets what the new state has no use for, and tells.
    fn enter(&mut self, state: State) {
        self.enter_telling(state, |_| ());
    }

    fn enter_telling(&mut self, state: State, adjust: impl FnOnce(&mut Status)) {
        let before = self.active();
        self.state = state;
        if !state.has_timer() {
            self.deadline = None;
        }
        if !state.has_watchdog() {
            self.watchdog_deadline = None;
        }
        if !state.has_main() {
            if let Main::Alive { .. } = self.main {
                self.main = Main::Gone;
            }
            self.main_command = None;
        }
        if !state.has_control() {
            self.control = None;
        }
        if state.is_down() || matches!(state, State::AutoRestart { .. }) {
            self.beside.clear();
        }
        if self.watching_pid_file && !matches!(state, State::Start | State::StartPost) {
            self.watching_pid_file = false;
            self.act(Action::UnwatchPidFile);
        }
        self.stamp(before);
        let mut status = self.status();
        adjust(&mut status);
        self.act(Action::Changed(Box::new(status)));
    }

    fn stamp(&mut self, before: Active) {
        let after = self.active();
        let down = |active: Active| matches!(active, Active::Inactive | Active::Failed | Active::Maintenance);
        let now = Some(self.now);
        if before != after || self.changes.state.is_none() {
            self.changes.state = now;
        }
        if down(before) && !down(after) {
            self.changes.inactive_exit = now;
        } else if !down(before) && down(after) {
            self.changes.inactive_enter = now;
        }
        if !before.is_up() && after.is_up() {
            self.changes.active_enter = now;
        } else if before.is_up() && !after.is_up() {
            self.changes.active_exit = now;
            let up = self.changes.active_enter.map_or(0, |since| self.now.monotonic.saturating_sub(since.monotonic));
            let reset = self.definition.restart.reset;
            if reset != 0 && up >= reset {
                // It was healthy: this is a new failure, not one more of the last.
                self.restarts = 0;
            }
        }
    }

    /// Whether the main process runs: `None` when nothing is known of it.
    fn main_alive(&self, view: &dyn View) -> Option<bool> {
        match self.main {
            Main::Unknown => None,
            Main::Gone => Some(false),
            Main::Alive { pid, alien: true } => Some(!matches!(view.owner(pid), Owner::Nobody)),
            // Its end will be told, with the status: wait for that even if it just died.
            Main::Alive { alien: false, .. } => Some(true),
        }
    }

    /// Neither known to be there nor possibly there; nor are those of other instances.
    fn main_gone_or_unknown(&self, view: &dyn View) -> bool {
        self.main_alive(view) != Some(true) && self.beside.pids().is_empty()
    }
}
