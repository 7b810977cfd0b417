//! Asking for processes, and the answers.

use super::super::Pid;
use super::super::action::{Action, Level, SpawnOrder};
use super::super::command::{CommandKind, ExecStatus};
use super::super::definition::{NotifyAccess, ServiceType};
use super::super::exit::ServiceResult;
use super::super::state::{Reloader, State};
use super::super::view::View;
use super::{Control, Machine, Main, Spawning};

impl Machine {
    /// Asks for a command; its time-out begins now.
    pub(super) fn spawn(&mut self, kind: CommandKind, index: usize, next: bool, timeout: u64) {
        self.spawning = Some(Spawning { kind, index, next });
        self.deadline = self.now.after(timeout);
        let order = self.order(kind, index);
        self.act(Action::Spawn(order));
    }

    /// The order for a spawn, also for one that a new supervisor finds unanswered.
    pub fn order(&self, kind: CommandKind, index: usize) -> SpawnOrder {
        let main = kind == CommandKind::Start && self.definition.service_type != ServiceType::Forking;
        let ending = matches!(kind, CommandKind::Stop | CommandKind::StopPost);
        let access = self.definition.notify_access;
        let instance = self.instance_of(kind);
        let watchdog = match instance {
            // What the old one has set for itself is not the new one's.
            Some(_) => self.watchdog_of(self.definition.timeouts.watchdog),
            None => self.watchdog_usec(),
        };
        SpawnOrder {
            kind,
            index,
            main,
            pass_fds: kind == CommandKind::Start,
            notify_socket: match kind {
                CommandKind::Start => access != NotifyAccess::None,
                CommandKind::Condition
                | CommandKind::StartPre
                | CommandKind::StartPost
                | CommandKind::Reload
                | CommandKind::Stop
                | CommandKind::StopPost => matches!(access, NotifyAccess::Exec | NotifyAccess::All),
            },
            watchdog: (kind == CommandKind::Start).then_some(watchdog).flatten(),
            main_pid: match instance {
                Some(instance) => instance.main,
                None => self.main_pid(),
            },
            result: ending.then(|| {
                let exit = self.main_status.exit.map(|exit| (exit.word().to_owned(), exit.status_word()));
                (self.result.as_str().to_owned(), exit)
            }),
            instance: instance.cloned(),
        }
    }

    /// The process runs: now the state changes.
    pub(super) fn spawned(&mut self, pid: Pid, view: &dyn View) {
        let Some(spawning) = self.spawning.take() else {
            self.log(Level::Warning, format!("Process {pid} started unasked, ignoring."));
            return;
        };
        let Spawning { kind, index, .. } = spawning;
        if self.instance_of(kind).is_some() {
            return self.coming_spawned(spawning, pid, view);
        }
        let list = self.commands.entry(kind).or_default();
        if list.len() <= index {
            list.reserve_exact(index + 1 - list.len());
            list.resize(index + 1, ExecStatus::default());
        }
        if let Some(slot) = list.get_mut(index) {
            *slot = ExecStatus::started(pid, self.now);
        }
        match kind {
            CommandKind::Start => match self.definition.service_type {
                ServiceType::Forking => {
                    self.control = Some(Control { kind, index, pid });
                    self.enter(State::Start);
                }
                ServiceType::Simple | ServiceType::Idle => {
                    self.adopt_spawned(pid, index);
                    self.enter_start_post(view);
                }
                ServiceType::Exec
                | ServiceType::Oneshot
                | ServiceType::Dbus
                | ServiceType::Notify
                | ServiceType::NotifyReload => {
                    self.adopt_spawned(pid, index);
                    self.enter(State::Start);
                }
            },
            CommandKind::Condition => self.control_runs(kind, index, pid, State::Condition),
            CommandKind::StartPre => self.control_runs(kind, index, pid, State::StartPre),
            CommandKind::StartPost => self.control_runs(kind, index, pid, State::StartPost),
            CommandKind::Reload => self.control_runs(kind, index, pid, State::Reload(Reloader::Command)),
            CommandKind::Stop => self.control_runs(kind, index, pid, State::Stop),
            CommandKind::StopPost => self.control_runs(kind, index, pid, State::StopPost),
        }
    }

    fn control_runs(&mut self, kind: CommandKind, index: usize, pid: Pid, state: State) {
        self.control = Some(Control { kind, index, pid });
        self.enter(state);
    }

    fn adopt_spawned(&mut self, pid: Pid, index: usize) {
        self.main = Main::Alive { pid, alien: false };
        self.main_command = Some(index);
        self.main_status = ExecStatus::started(pid, self.now);
    }

    /// No process: `resources`, by the way down that the phase prescribes.
    pub(super) fn spawn_failed(&mut self, error: &str, view: &dyn View) {
        let Some(Spawning { kind, next, .. }) = self.spawning.take() else {
            return;
        };
        let phase = kind.phase();
        let text = if next {
            format!("Failed to run next '{phase}' task: {error}")
        } else {
            format!("Failed to run '{phase}' task: {error}")
        };
        if self.instance_of(kind).is_some() {
            return self.coming_not_spawned(text, view);
        }
        self.cause = text.clone();
        self.log(Level::Warning, text);
        let resources = ServiceResult::Resources;
        match (kind, next) {
            (CommandKind::Condition | CommandKind::StartPre, false) => self.enter_dead(resources, true),
            (CommandKind::Condition | CommandKind::StartPre | CommandKind::StartPost, true) => {
                self.enter_signal(State::StopSigterm, resources, view);
            }
            (CommandKind::Start, false) => self.enter_signal(State::StopSigterm, resources, view),
            (CommandKind::Start, true) => self.enter_stop(resources, view),
            (CommandKind::StartPost, false) => self.enter_stop(resources, view),
            (CommandKind::Reload, _) => {
                self.reload_result = resources;
                self.enter_running(ServiceResult::Success, view);
            }
            (CommandKind::Stop, _) => self.enter_signal(State::StopSigterm, resources, view),
            (CommandKind::StopPost, false) => self.enter_signal(State::FinalSigterm, resources, view),
            (CommandKind::StopPost, true) => self.enter_dead(resources, true),
        }
    }

    /// The watchdog's period now; none for 0 and infinity.
    pub(super) fn watchdog_usec(&self) -> Option<u64> {
        self.watchdog_of(self.watchdog_override.unwrap_or(self.definition.timeouts.watchdog))
    }

    fn watchdog_of(&self, usec: u64) -> Option<u64> {
        (usec != 0 && usec != u64::MAX).then_some(usec)
    }
}
