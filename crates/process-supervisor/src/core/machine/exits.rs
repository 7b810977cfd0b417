//! What the end of a process means.

use super::super::Pid;
use super::super::action::Level;
use super::super::command::CommandKind;
use super::super::definition::ServiceType;
use super::super::exit::{Clean, Exit, ServiceResult, judge};
use super::super::state::State;
use super::super::view::View;
use super::{Announcement, Control, Machine, Main};

impl Machine {
    /// A process of the service ended.
    pub(super) fn process_exited(&mut self, pid: Pid, exit: Exit, view: &dyn View) {
        if self.exited_beside(pid, exit, view) {
            return;
        }
        if self.main_pid() == Some(pid) {
            self.main_exited(pid, exit, view);
        } else if let Some(control) = self.control.filter(|control| control.pid == pid) {
            self.control_exited(control, exit, view);
        }
    }

    fn main_exited(&mut self, pid: Pid, exit: Exit, view: &dyn View) {
        let clean = if self.definition.service_type == ServiceType::Oneshot { Clean::Command } else { Clean::Daemon };
        let mut result = judge(exit, clean, &self.definition.restart.success);
        self.main = Main::Gone;
        self.main_status = self.main_status.ended(pid, exit, self.now);
        let command = self.main_command.unwrap_or(0);
        if self.main_command.is_some()
            && let Some(slot) = self.commands.get_mut(&CommandKind::Start).and_then(|list| list.get_mut(command))
        {
            *slot = self.main_status;
        }
        if self.definition.command(CommandKind::Start, command).is_some_and(|line| line.ignore_failure) {
            result = ServiceResult::Success;
        }
        self.cause = format!("main process {pid} exited, {}", exit.describe());
        let level = if result == ServiceResult::Success { Level::Debug } else { Level::Warning };
        self.log(level, format!("Main process exited, {}", exit.describe()));
        self.note(result);

        let oneshot = self.definition.service_type == ServiceType::Oneshot;
        let more = self.main_command.is_some_and(|at| self.definition.command(CommandKind::Start, at + 1).is_some());
        if oneshot && more && result == ServiceResult::Success && self.state == State::Start {
            self.run_next(CommandKind::Start, command + 1);
            return;
        }
        self.main_command = None;
        if self.definition.exit_type_cgroup && view.populated() == Some(true) {
            // Others carry on. A start that only waited for the program has had it.
            if self.state == State::Start && !self.waits_for_more_than_exec() {
                self.enter_start_post(view);
            } else {
                self.tell();
            }
            return;
        }
        self.without_main(result, view);
    }

    pub(super) fn waits_for_more_than_exec(&self) -> bool {
        self.definition.service_type.notifies() || self.definition.service_type == ServiceType::Dbus
    }

    /// The main process is gone, and with it the service, unless a control process is at work.
    fn without_main(&mut self, result: ServiceResult, view: &dyn View) {
        // A stop waits for other instances too; what is up is so without them.
        let alone = self.control.is_none() && (self.active().is_up() || self.beside.pids().is_empty());
        match self.state {
            // With neither process left these can never end well.
            State::StartPost | State::Reload(_) | State::ReloadSignal | State::ReloadNotify => {
                if alone {
                    self.enter_stop(result, view);
                } else {
                    self.tell();
                }
            }
            State::Stop => self.tell(),
            State::Start => match self.definition.service_type {
                ServiceType::Oneshot => {
                    if result == ServiceResult::Success {
                        self.enter_start_post(view);
                    } else {
                        self.enter_signal(State::StopSigterm, result, view);
                    }
                }
                ServiceType::Notify | ServiceType::NotifyReload => {
                    if result != ServiceResult::Success {
                        self.enter_signal(State::StopSigterm, result, view);
                    } else if !self.definition.remain_after_exit
                        || self.definition.notify_access == super::super::definition::NotifyAccess::Main
                    {
                        // Only a notification makes it active, and none can come any more.
                        self.cause.push_str(", before READY=1");
                        self.enter_signal(State::StopSigterm, ServiceResult::Protocol, view);
                    } else {
                        self.tell();
                    }
                }
                ServiceType::Simple
                | ServiceType::Exec
                | ServiceType::Forking
                | ServiceType::Dbus
                | ServiceType::Idle => self.enter_running(result, view),
            },
            State::Running => self.enter_running(result, view),
            State::StopWatchdog | State::StopSigterm | State::StopSigkill => {
                if alone {
                    self.enter_stop_post(result, view);
                } else {
                    self.tell();
                }
            }
            State::StopPost => {
                if alone {
                    self.enter_signal(State::FinalSigterm, result, view);
                } else {
                    self.tell();
                }
            }
            State::FinalWatchdog | State::FinalSigterm | State::FinalSigkill => {
                if alone {
                    self.enter_dead(result, true);
                } else {
                    self.tell();
                }
            }
            // No main process is followed in these.
            State::Dead
            | State::Failed
            | State::Condition
            | State::StartPre
            | State::Exited
            | State::AutoRestart { .. }
            | State::Cleaning => self.tell(),
        }
    }

    fn control_exited(&mut self, control: Control, exit: Exit, view: &dyn View) {
        let Control { kind, index, pid } = control;
        // Only the first process of Type=forking may be a daemon.
        let clean = if kind == CommandKind::Start { Clean::Daemon } else { Clean::Command };
        let mut result = judge(exit, clean, &self.definition.restart.success);
        self.control = None;
        if let Some(slot) = self.commands.get_mut(&kind).and_then(|list| list.get_mut(index)) {
            *slot = slot.ended(pid, exit, self.now);
        }
        if self.definition.command(kind, index).is_some_and(|line| line.ignore_failure) {
            result = ServiceResult::Success;
        }
        if self.state == State::Condition {
            if result == ServiceResult::ExitCode && exit.status() < 255 {
                self.condition = Some(false);
                result = ServiceResult::ExecCondition;
            } else if result == ServiceResult::Success {
                self.condition = Some(true);
            }
        }
        let fine = matches!(result, ServiceResult::Success | ServiceResult::ExecCondition);
        self.cause = format!("{} process {pid} exited, {}", kind.phase(), exit.describe());
        self.log(
            if fine { Level::Debug } else { Level::Warning },
            format!("Control process ({}) exited, {}", kind.phase(), exit.describe()),
        );
        let reload = matches!(self.state, State::Reload(_) | State::ReloadSignal | State::ReloadNotify);
        if !reload {
            self.note(result);
        }
        let runs_its_phase = self.phase_of(kind);
        if runs_its_phase && result == ServiceResult::Success && self.definition.command(kind, index + 1).is_some() {
            self.run_next(kind, index + 1);
            return;
        }
        self.without_control(result, view);
    }

    /// Whether the state is the one in which the commands of this kind run, so that the next one may follow.
    fn phase_of(&self, kind: CommandKind) -> bool {
        match kind {
            CommandKind::Condition => self.state == State::Condition,
            CommandKind::StartPre => self.state == State::StartPre,
            // Type=forking has one.
            CommandKind::Start => false,
            CommandKind::StartPost => self.state == State::StartPost,
            CommandKind::Reload => matches!(self.state, State::Reload(_) | State::ReloadSignal | State::ReloadNotify),
            CommandKind::Stop => self.state == State::Stop,
            CommandKind::StopPost => self.state == State::StopPost,
        }
    }

    pub(super) fn without_control(&mut self, result: ServiceResult, view: &dyn View) {
        let fine = result == ServiceResult::Success;
        match self.state {
            State::Condition => {
                if fine {
                    self.enter_start_pre(view);
                } else {
                    self.enter_signal(State::StopSigterm, result, view);
                }
            }
            State::StartPre => {
                if fine {
                    self.enter_start(view);
                } else {
                    self.enter_signal(State::StopSigterm, result, view);
                }
            }
            State::Start => {
                if self.definition.service_type != ServiceType::Forking {
                    // The type was changed by a daemon-reload in the meantime.
                    self.tell();
                } else if fine {
                    self.daemon_forked(view);
                } else {
                    self.enter_signal(State::StopSigterm, result, view);
                }
            }
            State::StartPost => {
                if !fine {
                    self.enter_signal(State::StopSigterm, result, view);
                } else if self.definition.pid_file.is_some() {
                    if self.load_pid_file(true, view) {
                        self.enter_running(ServiceResult::Success, view);
                    } else if self.demand_pid_file(view) && view.populated() == Some(false) {
                        self.enter_stop(ServiceResult::Protocol, view);
                    }
                } else {
                    self.guess_main_pid(view);
                    self.enter_running(ServiceResult::Success, view);
                }
            }
            State::Reload(_) | State::ReloadSignal | State::ReloadNotify => {
                if fine && !self.load_pid_file(true, view) {
                    self.guess_main_pid(view);
                }
                self.reload_result = result;
                let unfinished = self.definition.service_type == ServiceType::NotifyReload
                    && self.announcement == Announcement::Reloading;
                if unfinished {
                    self.enter(State::ReloadNotify);
                } else {
                    self.enter_running(ServiceResult::Success, view);
                }
            }
            State::Stop => self.enter_signal(State::StopSigterm, result, view),
            State::StopWatchdog | State::StopSigterm | State::StopSigkill => {
                if self.main_gone_or_unknown(view) {
                    self.enter_stop_post(result, view);
                } else {
                    self.tell();
                }
            }
            State::StopPost => {
                if self.main_gone_or_unknown(view) {
                    self.enter_signal(State::FinalSigterm, result, view);
                } else {
                    self.tell();
                }
            }
            State::FinalWatchdog | State::FinalSigterm | State::FinalSigkill => {
                if self.main_gone_or_unknown(view) {
                    self.enter_dead(result, true);
                } else {
                    self.tell();
                }
            }
            State::Cleaning => self.enter(State::Dead),
            State::Dead | State::Failed | State::Running | State::Exited | State::AutoRestart { .. } => self.tell(),
        }
    }
}
