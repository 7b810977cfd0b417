//! An overlapping restart (`X-RestartOverlap=`): a new instance starts beside the one that runs, and takes its place when
//! it is up.
//!
//! ```text
//!  running ─Overlap─> reload: start-pre, start, start-post of the new instance ─up─> running, with the new main process;
//!     ^                  │                                                           the old one drains ([`drain`])
//!     └──────────────────┘ the new one failed: it is ended, and the old one stays
//! ```
//!
//! Who decides: `Overlap` comes from whoever coordinates; the new instance's own processes, its notifications and
//! `TimeoutStartSec=` decide what becomes of it. The service stays up all the time, and what others see of it is the old
//! instance until the new one is up. The end of the old one in between changes nothing but that: the new one goes on, and
//! only if it fails too the service is down.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::Pid;
use super::super::action::{Action, KillOrder, Level};
use super::super::command::{CommandKind, ExecStatus};
use super::super::definition::{NotifyAccess, ServiceType, TimeoutMode};
use super::super::event::StartOrder;
use super::super::exit::{Clean, Exit, ServiceResult, judge};
use super::super::instance::Instance;
use super::super::notification::{Announced, Notification};
use super::super::state::{Reloader, State};
use super::super::view::{Owner, View};
use super::drain::Going;
use super::{Announcement, Control, Machine, Main, Spawning};

/// The instances beside the one that the service is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Beside {
    /// [`Instance::run`] of the one that the service is.
    pub(super) run: u64,
    /// The last number that was given away.
    last_run: u64,
    /// The one that is to take its place.
    coming: Option<Coming>,
    /// Those whose place was taken, and those that failed.
    pub(super) going: Vec<Going>,
    /// The invocation of the last one that failed: the same request once more is answered with its failure.
    failed: String,
}

/// A new instance on its way up.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Coming {
    instance: Instance,
    control: Option<Control>,
    main_status: ExecStatus,
    commands: BTreeMap<CommandKind, Vec<ExecStatus>>,
    status_text: String,
    status_errno: i32,
    runtime_extra: u64,
    /// What became of the service's main process, if it ended in the meantime, and its cause.
    old: Option<(ServiceResult, String)>,
}

impl Beside {
    /// There never was more than one instance.
    pub(super) fn is_nothing(&self) -> bool {
        self.last_run == 0
    }

    /// The service is down.
    pub(super) fn clear(&mut self) {
        *self = Beside::default();
    }

    /// The processes that are followed.
    pub(super) fn pids(&self) -> Vec<Pid> {
        let coming = self.coming.iter().flat_map(|coming| {
            let control = coming.control.map(|control| control.pid);
            [coming.instance.main, control].into_iter().flatten()
        });
        coming.chain(self.going.iter().filter_map(|going| going.instance.main)).collect()
    }

    /// What tells their processes from others'.
    pub(super) fn instances(&self) -> impl Iterator<Item = &Instance> {
        let coming = self.coming.iter().map(|coming| &coming.instance);
        coming.chain(self.going.iter().map(|going| &going.instance))
    }
}

impl Machine {
    /// All processes that are followed.
    pub fn followed(&self) -> Vec<Pid> {
        self.main_pid().into_iter().chain(self.control_pid()).chain(self.beside.pids()).collect()
    }

    /// The instances beside the one that the service is.
    pub fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.beside.instances()
    }

    /// Whether a new instance may be started beside the one that runs.
    pub fn may_overlap(&self) -> bool {
        let ready = self.state == State::Running && self.spawning.is_none() && self.beside.coming.is_none();
        ready && self.definition.overlap && self.main_pid().is_some()
    }

    /// Whether this very overlapping restart was asked for before, whatever came of it.
    pub fn knows_overlap(&self, invocation: &str) -> bool {
        let coming = self.beside.coming.as_ref().is_some_and(|coming| coming.instance.invocation == invocation);
        coming || self.invocation == invocation || self.beside.failed == invocation
    }

    /// `Overlap`. The same invocation twice is one restart, whose end is told again.
    pub(super) fn overlap(&mut self, order: StartOrder, view: &dyn View) {
        if self.invocation == order.invocation {
            return self.tell();
        }
        if self.beside.failed == order.invocation {
            return self.tell_failed();
        }
        if !self.may_overlap() {
            let sub = self.state.sub();
            return self.log(Level::Debug, format!("Overlapping restart in state {sub} ignored."));
        }
        if !order.cause.is_empty() {
            self.cause = order.cause;
        }
        self.reload_result = ServiceResult::Success;
        self.beside.last_run += 1;
        let (run, invocation) = (self.beside.last_run, order.invocation);
        let extra = self.definition.timeouts.runtime_extra;
        self.beside.coming = Some(Coming {
            instance: Instance { run, invocation, main: None },
            control: None,
            main_status: ExecStatus::default(),
            commands: BTreeMap::new(),
            status_text: String::new(),
            status_errno: 0,
            runtime_extra: order.random.checked_rem(extra.saturating_add(1)).unwrap_or(0),
            old: None,
        });
        if self.definition.commands(CommandKind::StartPre).is_empty() {
            self.start_coming(view);
        } else {
            self.spawn(CommandKind::StartPre, 0, false, self.definition.timeouts.start);
        }
    }

    /// A new instance is on its way up, beside a service that is up.
    pub(super) fn is_overlapping(&self) -> bool {
        self.beside.coming.is_some() && self.active().is_up()
    }

    /// The new instance that a command is for.
    pub(super) fn instance_of(&self, kind: CommandKind) -> Option<&Instance> {
        let coming = self.beside.coming.as_ref().filter(|_| self.is_overlapping())?;
        match kind {
            CommandKind::StartPre | CommandKind::Start | CommandKind::StartPost => Some(&coming.instance),
            CommandKind::Condition | CommandKind::Reload | CommandKind::Stop | CommandKind::StopPost => None,
        }
    }

    fn start_coming(&mut self, view: &dyn View) {
        if self.definition.commands(CommandKind::Start).is_empty() {
            return self.overlap_failed(ServiceResult::Resources, "there is no command for the start".into(), view);
        }
        let timeout = match self.definition.service_type {
            ServiceType::Simple => u64::MAX,
            _ => self.definition.timeouts.start,
        };
        self.spawn(CommandKind::Start, 0, false, timeout);
    }

    /// The answer to a spawn for the new instance.
    pub(super) fn coming_spawned(&mut self, Spawning { kind, index, .. }: Spawning, pid: Pid, view: &dyn View) {
        let now = self.now;
        let Some(coming) = &mut self.beside.coming else { return };
        let status = ExecStatus::started(pid, now);
        let list = coming.commands.entry(kind).or_default();
        list.resize(list.len().max(index + 1), ExecStatus::default());
        if let Some(slot) = list.get_mut(index) {
            *slot = status;
        }
        if kind == CommandKind::Start {
            coming.instance.main = Some(pid);
            coming.main_status = status;
        } else {
            coming.control = Some(Control { kind, index, pid });
        }
        if self.state != State::Reload(Reloader::Overlap) {
            self.enter(State::Reload(Reloader::Overlap));
        }
        if kind == CommandKind::Start && self.definition.service_type == ServiceType::Simple {
            self.coming_is_up(view);
        }
    }

    /// What the type waits for has come.
    pub(super) fn coming_is_up(&mut self, view: &dyn View) {
        if self.definition.commands(CommandKind::StartPost).is_empty() {
            self.hand_over(view);
        } else {
            self.spawn(CommandKind::StartPost, 0, false, self.definition.timeouts.start);
        }
    }

    /// The new instance becomes the service, and the old one is asked to end.
    fn hand_over(&mut self, view: &dyn View) {
        let Some(coming) = self.beside.coming.take() else { return };
        let Some(pid) = coming.instance.main else { return };
        let old = Instance {
            run: std::mem::replace(&mut self.beside.run, coming.instance.run),
            invocation: std::mem::replace(&mut self.invocation, coming.instance.invocation),
            main: self.main_pid(),
        };
        self.beside.failed.clear();
        self.main = Main::Alive { pid, alien: view.owner(pid) == Owner::Other };
        self.main_command = (coming.main_status.pid == pid).then_some(0);
        self.main_status = coming.main_status;
        self.commands.extend(coming.commands);
        self.status_text = coming.status_text;
        self.status_errno = coming.status_errno;
        self.announcement = Announcement::Ready;
        self.watchdog_override = None;
        self.watchdog_started = Some(self.definition.timeouts.watchdog);
        self.runtime_extra = coming.runtime_extra;
        self.runtime_deadline = None;
        self.pet_watchdog();
        let kill = &self.definition.kill;
        self.dismiss(old, kill.restart_signal.unwrap_or(kill.signal), view);
        self.cause = format!("the new instance is up, its main process is {pid}");
        self.log(Level::Info, format!("Restarted with an overlap: process {pid} is the main process now."));
        self.enter_running(ServiceResult::Success, view);
    }

    /// The new instance failed. The old one stays, if it is still there.
    fn overlap_failed(&mut self, result: ServiceResult, cause: String, view: &dyn View) {
        let Some(coming) = self.beside.coming.take() else { return };
        self.beside.failed.clone_from(&coming.instance.invocation);
        self.reload_result = result;
        self.cause = format!("the overlapping restart failed: {cause}");
        if let Some(control) = coming.control {
            self.act(Action::Kill(KillOrder {
                main: None,
                control: Some(control.pid),
                group: false,
                signal: 9,
                hangup: false,
            }));
        }
        let kill = &self.definition.kill;
        let signal = match self.definition.timeouts.start_mode {
            TimeoutMode::Abort if result == ServiceResult::Timeout => kill.watchdog_signal,
            TimeoutMode::Kill if result == ServiceResult::Timeout && kill.send_sigkill => kill.final_signal,
            TimeoutMode::Terminate | TimeoutMode::Abort | TimeoutMode::Kill => kill.signal,
        };
        self.dismiss(coming.instance, signal, view);
        self.deadline = self.runtime_deadline;
        let Some(old) = self.main_pid() else {
            self.log(Level::Warning, format!("The new instance failed, and the old one is gone: {cause}."));
            // The first failure is the reason.
            let (first, why) = coming.old.unwrap_or((ServiceResult::Success, String::new()));
            if first == ServiceResult::Success {
                return self.enter_stop(result, view);
            }
            self.cause = why;
            return self.enter_stop(first, view);
        };
        self.log(Level::Warning, format!("The new instance failed, process {old} stays the main process: {cause}."));
        self.tell_failed();
        if matches!(self.announcement, Announcement::Reloading | Announcement::Stopping) {
            // It said so while its place was to be taken.
            self.enter_running(ServiceResult::Success, view);
        }
    }

    fn tell_failed(&mut self) {
        self.enter_telling(State::Running, |status| status.reload_failed = true);
    }

    /// `TimeoutStartSec=` ran out.
    pub(super) fn overlap_timed_out(&mut self, view: &dyn View) {
        self.overlap_failed(ServiceResult::Timeout, "its start timed out".into(), view);
    }

    /// No process could be made for it.
    pub(super) fn coming_not_spawned(&mut self, text: String, view: &dyn View) {
        self.overlap_failed(ServiceResult::Resources, text, view);
    }

    /// `Type=exec`: the program runs. Whether it is the new instance's.
    pub(super) fn coming_executed(&mut self, pid: Pid, view: &dyn View) -> bool {
        let is_its = self.beside.coming.as_ref().is_some_and(|coming| coming.instance.main == Some(pid));
        if is_its && self.is_overlapping() && self.definition.service_type == ServiceType::Exec {
            self.coming_is_up(view);
        }
        is_its
    }

    /// The end of a process while there is more than one instance; whether that was all it means.
    pub(super) fn exited_beside(&mut self, pid: Pid, exit: Exit, view: &dyn View) -> bool {
        if self.is_overlapping() && self.main_pid() == Some(pid) {
            self.replaced_early(pid, exit);
            return true;
        }
        let overlapping = self.is_overlapping();
        let success = &self.definition.restart.success;
        let Some(coming) = &mut self.beside.coming else { return self.gone_exited(pid, exit, view) };
        if coming.instance.main == Some(pid) {
            coming.instance.main = None;
            let result = match judge(exit, Clean::Daemon, success) {
                ServiceResult::Success => ServiceResult::Protocol,
                failure => failure,
            };
            let cause = format!("main process {pid} of the new instance exited before it was up, {}", exit.describe());
            if overlapping {
                self.overlap_failed(result, cause, view);
            } else {
                self.left_beside(view);
            }
            return true;
        }
        let Some(control) = coming.control.take_if(|control| control.pid == pid) else {
            return self.gone_exited(pid, exit, view);
        };
        if !overlapping {
            self.left_beside(view);
            return true;
        }
        let Control { kind, index, .. } = control;
        if let Some(slot) = coming.commands.get_mut(&kind).and_then(|list| list.get_mut(index)) {
            *slot = slot.ended(pid, exit, self.now);
        }
        let ignored = self.definition.command(kind, index).is_some_and(|line| line.ignore_failure);
        match judge(exit, Clean::Command, success) {
            result if result != ServiceResult::Success && !ignored => {
                let phase = kind.phase();
                let cause = format!("{phase} process {pid} of the new instance exited, {}", exit.describe());
                self.overlap_failed(result, cause, view);
            }
            _ if self.definition.command(kind, index + 1).is_some() => self.run_next(kind, index + 1),
            _ if kind == CommandKind::StartPre => self.start_coming(view),
            _ => self.hand_over(view),
        }
        true
    }

    /// The main process ended while its successor starts, which goes on.
    fn replaced_early(&mut self, pid: Pid, exit: Exit) {
        let mut result = judge(exit, Clean::Daemon, &self.definition.restart.success);
        self.main = Main::Gone;
        self.main_status = self.main_status.ended(pid, exit, self.now);
        if let Some(at) = self.main_command.take() {
            if let Some(slot) = self.commands.get_mut(&CommandKind::Start).and_then(|list| list.get_mut(at)) {
                *slot = self.main_status;
            }
            if self.definition.command(CommandKind::Start, at).is_some_and(|line| line.ignore_failure) {
                result = ServiceResult::Success;
            }
        }
        self.watchdog_deadline = None;
        self.cause = format!("main process {pid} exited while its successor starts, {}", exit.describe());
        let level = if result == ServiceResult::Success { Level::Debug } else { Level::Warning };
        self.log(level, format!("Main process exited while its successor starts, {}", exit.describe()));
        let cause = self.cause.clone();
        if let Some(coming) = &mut self.beside.coming {
            coming.old.get_or_insert((result, cause));
        }
        self.tell();
    }

    /// A missed watchdog. Beside its successor it is the end of the old instance only.
    pub(super) fn watchdog_missed(&mut self, view: &dyn View) {
        if !self.is_overlapping() {
            return self.enter_signal(State::StopWatchdog, ServiceResult::Watchdog, view);
        }
        let (cause, signal) = (self.cause.clone(), self.definition.kill.watchdog_signal);
        if let Some(coming) = &mut self.beside.coming {
            coming.old.get_or_insert((ServiceResult::Watchdog, cause));
        }
        if let Some(pid) = self.main_pid() {
            self.act(Action::Kill(KillOrder { main: Some(pid), control: None, group: false, signal, hangup: false }));
        }
    }

    /// Whether `NotifyAccess=` lets this process speak for the new instance.
    pub(super) fn speaks_for_coming(&self, sender: Pid) -> bool {
        let Some(coming) = &self.beside.coming else { return false };
        let main = coming.instance.main == Some(sender);
        match self.definition.notify_access {
            NotifyAccess::None => false,
            NotifyAccess::Main => main,
            NotifyAccess::Exec | NotifyAccess::All => {
                main || coming.control.is_some_and(|control| control.pid == sender)
            }
        }
    }

    /// A notification of another instance; whether it was one.
    pub(super) fn notify_beside(&mut self, sender: Pid, message: &Notification, view: &dyn View) -> bool {
        if self.beside.is_nothing() || self.main_pid() == Some(sender) || self.control_pid() == Some(sender) {
            return false;
        }
        if self.notify_going(sender, message, view) {
            return true;
        }
        let everybody = self.definition.notify_access == NotifyAccess::All;
        let Some(coming) = &self.beside.coming else { return false };
        if !(self.speaks_for_coming(sender) || everybody && view.is_of_instance(sender, &coming.instance)) {
            return false;
        }
        if !self.is_overlapping() {
            // It is being stopped.
            return true;
        }
        self.coming_notified(message, view);
        true
    }

    fn coming_notified(&mut self, message: &Notification, view: &dyn View) {
        let Some(coming) = &mut self.beside.coming else { return };
        if let Some(text) = &message.status {
            coming.status_text.clone_from(text);
        }
        if let Some(errno) = message.errno {
            coming.status_errno = errno;
        }
        let mut follow = None;
        if let Some(pid) = message.main_pid
            && coming.instance.main.is_some_and(|main| main != pid)
        {
            // Only its own: whoever speaks for it doesn't take the old instance's processes.
            if view.is_of_instance(pid, &coming.instance) {
                coming.instance.main = Some(pid);
                follow = Some(pid);
            } else {
                let text = format!("New main PID {pid} does not belong to the new instance, refusing.");
                self.log(Level::Warning, text);
            }
        }
        if let Some(pid) = follow {
            if let Some(coming) = &mut self.beside.coming {
                coming.main_status = ExecStatus::started(pid, self.now);
            }
            self.act(Action::Follow(pid));
        }
        if let Some(usec) = message.extend_timeout
            && let (Some(deadline), Some(at)) = (self.deadline, self.now.after(usec))
        {
            self.deadline = Some(deadline.max(at));
        }
        let starts = self.beside.coming.as_ref().is_some_and(|coming| {
            coming.instance.main.is_some() && !coming.commands.contains_key(&CommandKind::StartPost)
        });
        let ready = message.announced == Some(Announced::Ready) || message.ready_and_reloading;
        if ready && starts && self.definition.service_type.notifies() {
            self.coming_is_up(view);
        }
    }
}
