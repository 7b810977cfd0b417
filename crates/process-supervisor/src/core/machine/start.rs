//! The way up: condition, start-pre, start, start-post, running (systemd.service(5)).

use super::super::Pid;
use super::super::action::{Action, Level};
use super::super::command::{CommandKind, ExecStatus};
use super::super::definition::{KillMode, ServiceType};
use super::super::event::StartOrder;
use super::super::exit::ServiceResult;
use super::super::state::{Reloader, State};
use super::super::view::View;
use super::{Announcement, Machine, Main};

impl Machine {
    /// `Start`. Whoever coordinates waits for the end of a stop before; a second start of a running service is none.
    pub(super) fn start(&mut self, order: StartOrder, view: &dyn View) {
        match self.state {
            State::Dead | State::Failed => {}
            State::AutoRestart { .. } if self.definition.restart.direct => {}
            // The restart that was asked for: the stop, which has nothing to do, is not told of by itself.
            State::AutoRestart { .. } => {
                let before = self.active();
                self.state = State::Dead;
                self.deadline = None;
                self.stamp(before);
            }
            State::Condition
            | State::StartPre
            | State::Start
            | State::StartPost
            | State::Running
            | State::Exited
            | State::Reload(_)
            | State::ReloadSignal
            | State::ReloadNotify
            | State::Stop
            | State::StopWatchdog
            | State::StopSigterm
            | State::StopSigkill
            | State::StopPost
            | State::FinalWatchdog
            | State::FinalSigterm
            | State::FinalSigkill
            | State::Cleaning => {
                let sub = self.state.sub();
                self.log(Level::Debug, format!("Start in state {sub} ignored."));
                return;
            }
        }
        if self.spawning.is_some() {
            return;
        }
        self.cause = order.cause;
        self.failure.clear();
        self.invocation = order.invocation;
        self.result = ServiceResult::Success;
        self.reload_result = ServiceResult::Success;
        self.main = Main::Unknown;
        self.main_command = None;
        self.control = None;
        self.main_status = ExecStatus::default();
        self.forbid_restart = false;
        self.restarting = false;
        self.status_text.clear();
        self.status_errno = 0;
        self.announcement = Announcement::Nothing;
        self.watchdog_override = None;
        self.watchdog_started = Some(self.definition.timeouts.watchdog);
        self.watchdog_seen = None;
        self.condition = None;
        self.runtime_deadline = None;
        self.runtime_extra =
            order.random.checked_rem(self.definition.timeouts.runtime_extra.saturating_add(1)).unwrap_or(0);
        self.commands.clear();
        self.beside.clear();
        if self.flush_restarts {
            self.restarts = 0;
            self.flush_restarts = false;
        }
        self.act(Action::Prepare);
        if view.populated() == Some(true) {
            self.log(Level::Warning, "Processes of an earlier run are still there while the service starts.");
        }
        self.enter_condition(view);
    }

    fn enter_condition(&mut self, view: &dyn View) {
        if self.definition.commands(CommandKind::Condition).is_empty() {
            self.enter_start_pre(view);
        } else {
            self.spawn(CommandKind::Condition, 0, false, self.definition.timeouts.start);
        }
    }

    pub(super) fn enter_start_pre(&mut self, view: &dyn View) {
        if self.definition.commands(CommandKind::StartPre).is_empty() {
            self.enter_start(view);
        } else if self.refuses_leftovers(view) {
            self.enter_dead(ServiceResult::Resources, true);
        } else {
            self.spawn(CommandKind::StartPre, 0, false, self.definition.timeouts.start);
        }
    }

    /// Whether processes of an earlier run are in the way: where `KillMode=` says that all are to be ended, and
    /// `SendSIGKILL=no` that not by force, somebody has to look first (systemd.kill(5)).
    fn refuses_leftovers(&mut self, view: &dyn View) -> bool {
        let kill = &self.definition.kill;
        let thorough = matches!(kill.mode, KillMode::ControlGroup | KillMode::Mixed);
        if !thorough || kill.send_sigkill || view.populated() != Some(true) {
            return false;
        }
        self.cause = "processes of an earlier run are left, and SendSIGKILL=no forbids to kill them".into();
        self.log(
            Level::Warning,
            "Not started: processes of an earlier run are left, and SendSIGKILL=no forbids to kill them.",
        );
        true
    }

    pub(super) fn enter_start(&mut self, view: &dyn View) {
        if self.definition.commands(CommandKind::Start).is_empty() {
            // Only Type=oneshot may be without: the loader sees to that.
            if self.definition.service_type == ServiceType::Oneshot {
                self.enter_start_post(view);
            } else {
                self.log(Level::Warning, "There is no command for the start.");
                self.enter_signal(State::StopSigterm, ServiceResult::Resources, view);
            }
            return;
        }
        if self.refuses_leftovers(view) {
            self.enter_signal(State::StopSigterm, ServiceResult::Resources, view);
            return;
        }
        let timeout = match self.definition.service_type {
            ServiceType::Simple | ServiceType::Idle => u64::MAX,
            ServiceType::Exec
            | ServiceType::Forking
            | ServiceType::Oneshot
            | ServiceType::Dbus
            | ServiceType::Notify
            | ServiceType::NotifyReload => self.definition.timeouts.start,
        };
        self.spawn(CommandKind::Start, 0, false, timeout);
    }

    pub(super) fn enter_start_post(&mut self, view: &dyn View) {
        self.control = None;
        self.pet_watchdog();
        if self.definition.commands(CommandKind::StartPost).is_empty() {
            self.enter_running(ServiceResult::Success, view);
        } else {
            self.spawn(CommandKind::StartPost, 0, false, self.definition.timeouts.start);
        }
    }

    /// Up, if there is something to be up; else down, or `exited`.
    pub(super) fn enter_running(&mut self, result: ServiceResult, view: &dyn View) {
        self.note(result);
        self.control = None;
        if self.result != ServiceResult::Success {
            self.enter_signal(State::StopSigterm, result, view);
        } else if self.is_good(view) {
            match self.announcement {
                Announcement::Reloading => self.enter_reload_by_service(),
                Announcement::Stopping => self.enter_stop_by_service(),
                Announcement::Nothing | Announcement::Ready => self.settle(State::Running),
            }
        } else if self.definition.remain_after_exit {
            self.settle(State::Exited);
        } else {
            self.enter_stop(ServiceResult::Success, view);
        }
    }

    /// Enters running or exited, out of a reload perhaps.
    fn settle(&mut self, state: State) {
        let reloaded = matches!(self.state, State::Reload(_) | State::ReloadSignal | State::ReloadNotify);
        let failed = reloaded && self.reload_result != ServiceResult::Success;
        let already = self.state == state;
        if state == State::Running {
            if !self.active().is_up() || self.runtime_deadline.is_none() {
                let timeouts = &self.definition.timeouts;
                self.runtime_deadline = match timeouts.runtime_max {
                    u64::MAX => None,
                    max => self.now.after(max.saturating_add(self.runtime_extra)),
                };
            }
            self.deadline = self.runtime_deadline;
        }
        if already {
            self.tell();
        } else {
            self.enter_telling(state, |status| status.reload_failed = failed);
        }
    }

    /// Whether a service of this kind is up, as far as anybody can tell.
    fn is_good(&self, view: &dyn View) -> bool {
        if self.definition.service_type == ServiceType::Dbus && !self.bus_name_owned {
            return false;
        }
        match self.main_alive(view) {
            Some(true) => true,
            Some(false) if !self.definition.exit_type_cgroup => false,
            // Nothing is known of a main process: whatever process there is makes the service.
            Some(false) | None => view.populated() != Some(false),
        }
    }

    /// `Type=exec`: the program runs.
    pub(super) fn exec_succeeded(&mut self, pid: Pid, view: &dyn View) {
        if self.coming_executed(pid, view) {
            return;
        }
        let waiting = self.state == State::Start && self.definition.service_type == ServiceType::Exec;
        if waiting && self.main_pid() == Some(pid) {
            self.enter_start_post(view);
        }
    }

    pub(super) fn enter_reload_by_service(&mut self) {
        self.deadline = self.now.after(self.definition.timeouts.start);
        let state = if self.definition.service_type == ServiceType::NotifyReload {
            State::ReloadNotify
        } else {
            State::Reload(Reloader::Service)
        };
        self.enter(state);
    }

    /// The service stops by itself: as if it had been signalled.
    pub(super) fn enter_stop_by_service(&mut self) {
        self.deadline = self.now.after(self.definition.timeouts.stop);
        self.enter(State::StopSigterm);
    }

    /// The next command of the same directive after one that went well.
    pub(super) fn run_next(&mut self, kind: CommandKind, index: usize) {
        let timeout = match kind {
            CommandKind::Condition
            | CommandKind::StartPre
            | CommandKind::Start
            | CommandKind::StartPost
            | CommandKind::Reload => self.definition.timeouts.start,
            CommandKind::Stop | CommandKind::StopPost => self.definition.timeouts.stop,
        };
        self.spawn(kind, index, true, timeout);
    }
}
