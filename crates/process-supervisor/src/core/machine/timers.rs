//! Deadlines: time-outs, the watchdog, the pause before a restart.

use super::super::action::{Action, KillOrder, Level};
use super::super::definition::TimeoutMode;
use super::super::exit::ServiceResult;
use super::super::state::{Reloader, State};
use super::super::time::span;
use super::super::view::View;
use super::Machine;

impl Machine {
    /// `Tick`: whichever deadline has passed.
    pub(super) fn tick(&mut self, view: &dyn View) {
        if self.watchdog_deadline.is_some_and(|at| at <= self.now.monotonic) {
            self.watchdog_deadline = None;
            let limit = span(self.watchdog_usec().unwrap_or(0));
            if view.watchdogs() {
                self.cause = format!("watchdog timeout (limit {limit})");
                self.log(Level::Warning, format!("Watchdog timeout (limit {limit})!"));
                self.watchdog_missed(view);
            } else {
                let text = format!("Watchdog disabled! Ignoring watchdog timeout (limit {limit})!");
                self.log(Level::Warning, text);
            }
        }
        self.drained(view);
        if self.deadline.is_some_and(|at| at <= self.now.monotonic) {
            self.deadline = None;
            self.timed_out(view);
        }
    }

    fn timed_out(&mut self, view: &dyn View) {
        let timeout = ServiceResult::Timeout;
        let kill = self.definition.kill.send_sigkill;
        let stop_mode = self.definition.timeouts.stop_mode;
        let sub = self.state.sub();
        match self.state {
            State::Condition | State::StartPre | State::Start | State::StartPost => {
                self.note_timeout(format!("{sub} operation timed out."));
                match self.definition.timeouts.start_mode {
                    TimeoutMode::Terminate => self.enter_signal(State::StopSigterm, timeout, view),
                    TimeoutMode::Abort => self.enter_signal(State::StopWatchdog, timeout, view),
                    TimeoutMode::Kill if kill => self.enter_signal(State::StopSigkill, timeout, view),
                    TimeoutMode::Kill => self.enter_stop_post(timeout, view),
                }
            }
            State::Running => {
                self.note_timeout("Service reached runtime time limit. Stopping.".into());
                self.enter_stop(timeout, view);
            }
            State::Reload(Reloader::Overlap) => self.overlap_timed_out(view),
            State::Reload(_) | State::ReloadSignal | State::ReloadNotify => {
                self.note_timeout("Reload operation timed out. Killing reload process.".into());
                if let Some(control) = self.control.take() {
                    self.act(Action::Kill(KillOrder {
                        main: None,
                        control: Some(control.pid),
                        group: false,
                        signal: 9,
                        hangup: false,
                    }));
                }
                self.reload_result = timeout;
                if self.state != State::Reload(Reloader::Service) {
                    // The announcement was of the reload that just failed. A service that began one by itself is still
                    // at it, and systemd goes on waiting.
                    self.announcement = super::Announcement::Ready;
                }
                self.enter_running(ServiceResult::Success, view);
            }
            State::Stop => {
                self.note_timeout("Stopping timed out.".into());
                match stop_mode {
                    TimeoutMode::Terminate => self.enter_signal(State::StopSigterm, timeout, view),
                    TimeoutMode::Abort => self.enter_signal(State::StopWatchdog, timeout, view),
                    TimeoutMode::Kill if kill => self.enter_signal(State::StopSigkill, timeout, view),
                    TimeoutMode::Kill => self.enter_stop_post(timeout, view),
                }
            }
            State::StopSigterm if stop_mode == TimeoutMode::Abort => {
                self.note_timeout("State 'stop-sigterm' timed out. Aborting.".into());
                self.enter_signal(State::StopWatchdog, timeout, view);
            }
            State::StopWatchdog | State::StopSigterm => {
                if kill {
                    self.note_timeout(format!("State '{sub}' timed out. Killing."));
                    self.enter_signal(State::StopSigkill, timeout, view);
                } else {
                    self.note_timeout(format!("State '{sub}' timed out. Skipping SIGKILL. Ignoring."));
                    self.enter_stop_post(timeout, view);
                }
            }
            State::StopSigkill => {
                // Not even SIGKILL helps: nobody can do more.
                self.note_timeout("Processes still around after SIGKILL. Ignoring.".into());
                self.enter_stop_post(timeout, view);
            }
            State::StopPost => {
                self.note_timeout("State 'stop-post' timed out. Terminating.".into());
                match stop_mode {
                    TimeoutMode::Terminate => self.enter_signal(State::FinalSigterm, timeout, view),
                    TimeoutMode::Abort => self.enter_signal(State::FinalWatchdog, timeout, view),
                    TimeoutMode::Kill if kill => self.enter_signal(State::FinalSigkill, timeout, view),
                    TimeoutMode::Kill => self.enter_dead(timeout, false),
                }
            }
            State::FinalSigterm if stop_mode == TimeoutMode::Abort => {
                self.note_timeout("State 'final-sigterm' timed out. Aborting.".into());
                self.enter_signal(State::FinalWatchdog, timeout, view);
            }
            State::FinalWatchdog | State::FinalSigterm => {
                if kill {
                    self.note_timeout(format!("State '{sub}' timed out. Killing."));
                    self.enter_signal(State::FinalSigkill, timeout, view);
                } else {
                    self.note_timeout(format!("State '{sub}' timed out. Skipping SIGKILL. Entering failed mode."));
                    self.enter_dead(timeout, false);
                }
            }
            State::FinalSigkill => {
                self.note_timeout("Processes still around after final SIGKILL. Entering failed mode.".into());
                self.enter_dead(timeout, true);
            }
            State::AutoRestart { due: false } => {
                // Counted here, so that the count is right whoever restarts it.
                self.restarts = self.restarts.saturating_add(1);
                self.flush_restarts = false;
                let count = self.restarts;
                self.cause = format!("scheduled restart, restart counter is at {count}");
                self.log(Level::Info, format!("Scheduled restart job, restart counter is at {count}."));
                self.enter(State::AutoRestart { due: true });
                self.act(Action::RestartDue);
            }
            State::Cleaning => {
                self.note_timeout("Cleaning timed out. Stopping it.".into());
                self.stop_cleaning(timeout);
            }
            State::Dead | State::Failed | State::Exited | State::AutoRestart { due: true } => {}
        }
    }

    fn note_timeout(&mut self, text: String) {
        let mut letters = text.trim_end_matches('.').chars();
        self.cause = letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect();
        self.log(Level::Warning, text);
    }

    /// `WATCHDOG=1`, and the end of the start.
    pub(super) fn pet_watchdog(&mut self) {
        self.watchdog_seen = Some(self.now);
        self.watchdog_deadline = match self.watchdog_usec() {
            Some(usec) => self.now.after(usec),
            None => None,
        };
    }

    /// `EXTEND_TIMEOUT_USEC=`: no deadline comes earlier than that from now.
    pub(super) fn extend(&mut self, usec: u64) {
        let Some(at) = self.now.after(usec) else { return };
        for deadline in [&mut self.deadline, &mut self.watchdog_deadline] {
            if let Some(current) = deadline
                && *current < at
            {
                *current = at;
            }
        }
    }

    /// Whether a start makes sense: the service is down, or waits for its automatic restart, which whoever coordinates may
    /// make at any moment.
    pub fn may_start(&self) -> bool {
        self.state.is_down() || matches!(self.state, State::AutoRestart { .. })
    }

    /// The restart that is due was asked for at this moment; used again when whoever coordinates was away.
    pub fn restart_is_due(&self) -> bool {
        self.state == State::AutoRestart { due: true }
    }
}
