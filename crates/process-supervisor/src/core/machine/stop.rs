//! The way down: stop, the signals, stop-post, the last signals, dead or failed, auto-restart (systemd.kill(5)).

use super::super::action::{Action, KillOrder, Level};
use super::super::command::CommandKind;
use super::super::definition::{KillMode, OomPolicy};
use super::super::exit::ServiceResult;
use super::super::restart;
use super::super::state::{Reloader, State};
use super::super::view::View;
use super::{Machine, Main};

/// What signals are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Terminate,
    Restart,
    Watchdog,
    Kill,
}

impl Machine {
    /// `Stop`.
    pub(super) fn stop(&mut self, restart: bool, cause: String, view: &dyn View) {
        self.forbid_restart = true;
        self.restarting = restart;
        if !cause.is_empty() {
            self.cause = cause;
        }
        match self.state {
            State::Dead | State::Failed => {}
            State::Stop
            | State::StopWatchdog
            | State::StopSigterm
            | State::StopSigkill
            | State::StopPost
            | State::FinalWatchdog
            | State::FinalSigterm
            | State::FinalSigkill => {}
            State::AutoRestart { .. } => {
                self.enter(State::Dead);
                if !restart {
                    self.act(Action::ReleaseFds);
                }
            }
            // It is as up as it was before.
            State::Reload(Reloader::Overlap) => self.enter_stop(ServiceResult::Success, view),
            State::Condition
            | State::StartPre
            | State::Start
            | State::StartPost
            | State::Reload(_)
            | State::ReloadSignal
            | State::ReloadNotify => self.enter_signal(State::StopSigterm, ServiceResult::Success, view),
            State::Cleaning => self.stop_cleaning(ServiceResult::Signal),
            State::Running | State::Exited => self.enter_stop(ServiceResult::Success, view),
        }
    }

    pub(super) fn enter_stop(&mut self, result: ServiceResult, view: &dyn View) {
        self.note(result);
        self.control = None;
        if self.definition.commands(CommandKind::Stop).is_empty() {
            self.enter_signal(State::StopSigterm, ServiceResult::Success, view);
        } else {
            self.spawn(CommandKind::Stop, 0, false, self.definition.timeouts.stop);
        }
    }

    pub(super) fn enter_stop_post(&mut self, result: ServiceResult, view: &dyn View) {
        self.note(result);
        self.control = None;
        if self.definition.commands(CommandKind::StopPost).is_empty() {
            self.enter_signal(State::FinalSigterm, ServiceResult::Success, view);
        } else {
            self.spawn(CommandKind::StopPost, 0, false, self.definition.timeouts.stop);
        }
    }

    /// Sends the signals of a state and enters it; where nobody is left to wait for, goes on to the next step at once.
    pub(super) fn enter_signal(&mut self, state: State, result: ServiceResult, view: &dyn View) {
        self.note(result);
        let purpose = match state {
            State::StopWatchdog | State::FinalWatchdog => Purpose::Watchdog,
            State::StopSigterm if self.restarting => Purpose::Restart,
            State::StopSigkill | State::FinalSigkill => Purpose::Kill,
            State::StopSigterm | State::FinalSigterm => Purpose::Terminate,
            State::Dead
            | State::Condition
            | State::StartPre
            | State::Start
            | State::StartPost
            | State::Running
            | State::Exited
            | State::Reload(_)
            | State::ReloadSignal
            | State::ReloadNotify
            | State::Stop
            | State::StopPost
            | State::Failed
            | State::AutoRestart { .. }
            | State::Cleaning => return,
        };
        if self.send_signals(purpose, view) {
            let timeouts = &self.definition.timeouts;
            let timeout = if purpose == Purpose::Watchdog { timeouts.abort } else { timeouts.stop };
            self.deadline = self.now.after(timeout);
            self.enter(state);
            return;
        }
        let kill = self.definition.kill.send_sigkill;
        let fine = ServiceResult::Success;
        match state {
            State::StopWatchdog | State::StopSigterm if kill => self.enter_signal(State::StopSigkill, fine, view),
            State::StopWatchdog | State::StopSigterm | State::StopSigkill => self.enter_stop_post(fine, view),
            State::FinalWatchdog | State::FinalSigterm if kill => self.enter_signal(State::FinalSigkill, fine, view),
            State::FinalWatchdog | State::FinalSigterm | State::FinalSigkill => self.enter_dead(fine, true),
            State::Dead
            | State::Condition
            | State::StartPre
            | State::Start
            | State::StartPost
            | State::Running
            | State::Exited
            | State::Reload(_)
            | State::ReloadSignal
            | State::ReloadNotify
            | State::Stop
            | State::StopPost
            | State::Failed
            | State::AutoRestart { .. }
            | State::Cleaning => {}
        }
    }

    /// Orders the signals of `KillMode=`; tells whether there is an end to wait for.
    fn send_signals(&mut self, purpose: Purpose, view: &dyn View) -> bool {
        let kill = &self.definition.kill;
        if kill.mode == KillMode::None {
            return false;
        }
        let signal = match purpose {
            Purpose::Terminate => kill.signal,
            Purpose::Restart => kill.restart_signal.unwrap_or(kill.signal),
            Purpose::Watchdog => kill.watchdog_signal,
            Purpose::Kill => kill.final_signal,
        };
        // Not for the stop half of a restart, as in systemd.
        let hangup = kill.send_sighup && purpose == Purpose::Terminate && signal != 1;
        let everybody = match kill.mode {
            KillMode::ControlGroup => true,
            KillMode::Mixed => purpose == Purpose::Kill,
            KillMode::Process | KillMode::None => false,
        };
        let main = self.main_pid();
        let control = self.control_pid();
        let ours = matches!(self.main, Main::Alive { alien: false, .. });
        let group = everybody && view.populated() != Some(false);
        let beside = self.beside.pids();
        if main.is_none() && control.is_none() && !group && beside.is_empty() {
            return false;
        }
        self.act(Action::Kill(KillOrder { main, control, group, signal, hangup }));
        for pid in beside.iter().copied().filter(|_| !group) {
            self.act(Action::Kill(KillOrder { main: Some(pid), control: None, group: false, signal, hangup }));
        }
        // Where nobody can tell whether processes are left (no control group, no list), there is nothing to wait for.
        ours || control.is_some() || !beside.is_empty() || (everybody && view.populated() == Some(true))
    }

    /// The end of the way down.
    pub(super) fn enter_dead(&mut self, result: ServiceResult, allow_restart: bool) {
        self.note(result);
        let policy = &self.definition.restart;
        let again = allow_restart
            && !self.forbid_restart
            && restart::wanted(policy.restart, self.result, self.main_status.exit, &policy.prevent, &policy.force);
        let direct = policy.direct;
        let delay = restart::delay(policy.delay, policy.steps, policy.max_delay, self.restarts);
        let end = match self.result {
            ServiceResult::Success => {
                self.log(Level::Debug, "Deactivated successfully.");
                State::Dead
            }
            ServiceResult::ExecCondition => {
                self.log(Level::Info, "Skipped due to 'exec-condition'.");
                State::Dead
            }
            ServiceResult::Resources
            | ServiceResult::Protocol
            | ServiceResult::Timeout
            | ServiceResult::ExitCode
            | ServiceResult::Signal
            | ServiceResult::CoreDump
            | ServiceResult::Watchdog
            | ServiceResult::StartLimitHit
            | ServiceResult::OomKill => {
                let word = self.result.as_str();
                self.log(Level::Warning, format!("Failed with result '{word}'."));
                State::Failed
            }
        };
        if self.result != ServiceResult::Success && !self.failure.is_empty() {
            // What went wrong first, rather than what ended last.
            self.cause.clone_from(&self.failure);
        }
        let keep_fds = again || self.restarting;
        if !(again && direct) {
            self.enter_telling(end, |status| status.will_restart = again);
        }
        self.act(Action::Release { comes_back: keep_fds });
        self.forbid_restart = false;
        if again {
            self.deadline = self.now.after(delay);
            self.enter(State::AutoRestart { due: false });
        } else {
            self.flush_restarts = true;
        }
        if !keep_fds {
            self.act(Action::ReleaseFds);
        }
        self.restarting = false;
    }

    /// The last process is gone. The end of a known process says more, so that is waited for where one is known.
    pub(super) fn emptied(&mut self, view: &dyn View) {
        if self.spawning.is_some() {
            return;
        }
        let no_main = self.main_alive(view) == Some(false);
        let no_control = self.control.is_none();
        let nobody = self.main_gone_or_unknown(view) && no_control;
        let fine = ServiceResult::Success;
        match self.state {
            State::Start if self.definition.service_type.notifies() && no_main && no_control => {
                self.cause = "no process is left that could say READY=1".into();
                self.enter_stop_post(ServiceResult::Protocol, view);
            }
            State::Start | State::StartPost if self.watching_pid_file => {
                if no_control && self.main_pid().is_none() {
                    self.cause = "the daemon never wrote its PID file".into();
                    self.log(Level::Warning, "Daemon never wrote its PID file. Failing.");
                    if self.state == State::Start {
                        self.enter_stop_post(ServiceResult::Protocol, view);
                    } else {
                        self.enter_stop(ServiceResult::Protocol, view);
                    }
                }
            }
            State::Start => {
                // ExitType=cgroup: everything was over before the start was.
                if self.definition.exit_type_cgroup && nobody && !self.waits_for_more_than_exec() {
                    self.enter_start_post(view);
                }
            }
            State::Running => {
                // A process that is known to be there stays the truth, whatever its control group says.
                if self.main_gone_or_unknown(view) {
                    self.cause = "the last process has exited".into();
                    self.enter_running(fine, view);
                }
            }
            State::StopWatchdog | State::StopSigterm | State::StopSigkill => {
                if nobody {
                    self.enter_stop_post(fine, view);
                }
            }
            State::StopPost | State::FinalWatchdog | State::FinalSigterm | State::FinalSigkill => {
                if nobody {
                    self.enter_dead(fine, true);
                }
            }
            State::Dead | State::Failed => {
                // Only its control group is left to remove: the rest went, or stays, with the end of the run.
                self.act(Action::Release { comes_back: true });
            }
            State::Condition
            | State::StartPre
            | State::StartPost
            | State::Exited
            | State::Reload(_)
            | State::ReloadSignal
            | State::ReloadNotify
            | State::Stop
            | State::AutoRestart { .. }
            | State::Cleaning => {}
        }
    }

    /// `OOMPolicy=`.
    pub(super) fn out_of_memory(&mut self, view: &dyn View) {
        self.log(Level::Warning, "A process of this unit has been killed by the OOM killer.");
        let policy = self.definition.oom_policy;
        let oom = ServiceResult::OomKill;
        // Of two instances the one that it took tells by its end; the other is not to suffer for it.
        if policy == OomPolicy::Continue || self.is_overlapping() {
            return;
        }
        self.cause = "a process was killed by the OOM killer".into();
        match self.state {
            State::Condition | State::StartPre | State::Start | State::StartPost | State::Stop => match policy {
                OomPolicy::Kill => self.enter_signal(State::FinalSigkill, oom, view),
                OomPolicy::Stop | OomPolicy::Continue => self.enter_signal(State::StopSigterm, oom, view),
            },
            State::Running | State::Exited | State::Reload(_) | State::ReloadSignal | State::ReloadNotify => {
                match policy {
                    OomPolicy::Kill => self.enter_signal(State::FinalSigkill, oom, view),
                    OomPolicy::Stop | OomPolicy::Continue => self.enter_stop(oom, view),
                }
            }
            State::StopWatchdog | State::StopSigterm => self.enter_signal(State::StopSigkill, oom, view),
            State::StopSigkill | State::FinalSigkill => self.note(oom),
            State::StopPost | State::FinalSigterm | State::FinalWatchdog => {
                self.enter_signal(State::FinalSigkill, oom, view);
            }
            State::Dead | State::Failed | State::AutoRestart { .. } | State::Cleaning => {}
        }
    }

    /// `ResetFailed`.
    pub(super) fn reset_failed(&mut self) {
        self.result = ServiceResult::Success;
        self.reload_result = ServiceResult::Success;
        self.clean_result = ServiceResult::Success;
        self.restarts = 0;
        self.flush_restarts = false;
        self.cause = "reset-failed".into();
        if self.state == State::Failed {
            self.enter(State::Dead);
        } else {
            self.tell();
        }
    }

    /// The start was refused before it began (`start-limit-hit`): the service fails without having run.
    pub(super) fn refused(&mut self, result: ServiceResult, cause: String, _view: &dyn View) {
        match self.state {
            State::Dead | State::Failed | State::AutoRestart { .. } => {
                self.cause = cause;
                self.restarting = false;
                self.enter_dead(result, false);
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
            | State::Cleaning => {}
        }
    }
}
