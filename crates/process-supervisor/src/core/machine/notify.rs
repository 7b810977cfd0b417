//! What a notification means (sd_notify(3)).

use super::super::Pid;
use super::super::action::Level;
use super::super::definition::{NotifyAccess, ServiceType};
use super::super::exit::ServiceResult;
use super::super::notification::{Announced, Notification, Ping};
use super::super::state::{Reloader, State};
use super::super::view::View;
use super::{Announcement, Machine};

impl Machine {
    /// Whether `NotifyAccess=` lets this process speak for the service.
    pub fn may_notify(&self, sender: Pid) -> bool {
        let main = self.main_pid() == Some(sender);
        let control = self.control_pid() == Some(sender);
        if self.speaks_for_coming(sender) {
            return true;
        }
        match self.definition.notify_access {
            NotifyAccess::None => false,
            NotifyAccess::Main => main,
            NotifyAccess::Exec => main || control,
            NotifyAccess::All => true,
        }
    }

    pub(super) fn notify(&mut self, sender: Pid, uid: u32, message: Notification, view: &dyn View) {
        if self.state.is_down() {
            return;
        }
        if self.notify_beside(sender, &message, view) {
            return;
        }
        if !self.may_notify(sender) {
            let access = self.definition.notify_access.as_str();
            let main = self.main_pid().map_or_else(|| "unknown".to_owned(), |pid| pid.to_string());
            self.log(
                Level::Warning,
                format!("Notification of process {sender} ignored: NotifyAccess={access}, main process {main}."),
            );
            return;
        }
        for line in &message.bad {
            self.log(
                Level::Warning,
                format!("Notification of process {sender} has a line that makes no sense: {line:?}"),
            );
        }
        let before = (self.state, self.main_pid());
        let mut told = false;
        if let Some(text) = message.status.clone()
            && text != self.status_text
        {
            self.status_text = text;
            told = true;
        }
        if let Some(errno) = message.errno
            && errno != self.status_errno
        {
            self.status_errno = errno;
            told = true;
        }
        if let Some(pid) = message.main_pid {
            self.main_pid_announced(pid, uid, view);
        }
        match message.announced {
            Some(Announced::Ready) if message.ready_and_reloading => self.ready_after_reload(&message, view),
            Some(Announced::Ready) => self.ready(view),
            Some(Announced::Reloading) => {
                if message.ready_and_reloading {
                    self.ready_after_reload(&message, view);
                } else {
                    self.reloading(&message);
                }
            }
            Some(Announced::Stopping) => {
                self.announcement = Announcement::Stopping;
                if self.state == State::Running {
                    self.cause = "the service said STOPPING=1".into();
                    self.enter_stop_by_service();
                }
            }
            None => {}
        }
        if let Some(usec) = message.extend_timeout {
            self.extend(usec);
        }
        match message.watchdog {
            Some(Ping::Alive) if self.state.has_watchdog() => self.pet_watchdog(),
            Some(Ping::Trigger) if self.state.has_watchdog() && view.watchdogs() => {
                self.watchdog_deadline = None;
                self.cause = "the service asked for its watchdog (WATCHDOG=trigger)".into();
                self.log(Level::Warning, "Watchdog request!");
                self.watchdog_missed(view);
            }
            Some(Ping::Alive | Ping::Trigger) | None => {}
        }
        if let Some(usec) = message.watchdog_usec {
            self.watchdog_override = Some(usec);
            if self.state.has_watchdog() {
                self.pet_watchdog();
            }
        }
        // A transition has told everything already, or will when its process is there.
        let settled = before.0 == self.state && self.spawning.is_none();
        if message.watchdog_usec.is_some() || settled && (told || before.1 != self.main_pid()) {
            self.tell();
        }
    }

    fn main_pid_announced(&mut self, pid: Pid, uid: u32, view: &dyn View) {
        match self.state {
            State::Start
            | State::StartPost
            | State::Running
            | State::Reload(_)
            | State::ReloadSignal
            | State::ReloadNotify => {}
            State::Dead
            | State::Failed
            | State::Condition
            | State::StartPre
            | State::Exited
            | State::Stop
            | State::StopWatchdog
            | State::StopSigterm
            | State::StopSigkill
            | State::StopPost
            | State::FinalWatchdog
            | State::FinalSigterm
            | State::FinalSigkill
            | State::AutoRestart { .. }
            | State::Cleaning => return,
        }
        if self.main_pid() == Some(pid) {
            return;
        }
        match self.judge_main(pid, view) {
            Ok(true) => self.adopt(pid, view),
            // Suspicious, but root may say so.
            Ok(false) if uid == 0 => {
                self.log(Level::Debug, format!("New main PID {pid} is not this unit's; root asked for it."));
                self.adopt(pid, view);
            }
            Ok(false) => self.log(Level::Warning, format!("New main PID {pid} does not belong to service, refusing.")),
            Err(why) => self.log(Level::Warning, why),
        }
    }

    fn ready(&mut self, view: &dyn View) {
        self.announcement = Announcement::Ready;
        match self.state {
            State::Start if self.definition.service_type.notifies() => {
                self.cause = "the service said READY=1".into();
                self.enter_start_post(view);
            }
            State::Reload(Reloader::Service) | State::ReloadNotify => {
                self.cause = "the service said READY=1".into();
                self.enter_running(ServiceResult::Success, view);
            }
            // The command of the reload decides when it is over.
            State::Reload(Reloader::Command | Reloader::Overlap)
            | State::Start
            | State::ReloadSignal
            | State::Dead
            | State::Failed
            | State::Condition
            | State::StartPre
            | State::StartPost
            | State::Running
            | State::Exited
            | State::Stop
            | State::StopWatchdog
            | State::StopSigterm
            | State::StopSigkill
            | State::StopPost
            | State::FinalWatchdog
            | State::FinalSigterm
            | State::FinalSigkill
            | State::AutoRestart { .. }
            | State::Cleaning => {}
        }
    }

    fn reloading(&mut self, message: &Notification) {
        self.announcement = Announcement::Reloading;
        match self.state {
            State::Running => {
                self.cause = "the service said RELOADING=1".into();
                self.enter_reload_by_service();
            }
            // Only one that was sent after the signal answers it.
            State::ReloadSignal if message.monotonic_usec.is_some_and(|at| at >= self.reload_begin) => {
                self.cause = "the service said RELOADING=1".into();
                self.enter(State::ReloadNotify);
            }
            State::ReloadSignal
            | State::Dead
            | State::Failed
            | State::Condition
            | State::StartPre
            | State::Start
            | State::StartPost
            | State::Exited
            | State::Reload(_)
            | State::ReloadNotify
            | State::Stop
            | State::StopWatchdog
            | State::StopSigterm
            | State::StopSigkill
            | State::StopPost
            | State::FinalWatchdog
            | State::FinalSigterm
            | State::FinalSigkill
            | State::AutoRestart { .. }
            | State::Cleaning => {}
        }
    }

    /// `RELOADING=1` and `READY=1` at once: a reload that is over already, or the last one of `notify` wins.
    fn ready_after_reload(&mut self, message: &Notification, view: &dyn View) {
        let answered = self.state == State::ReloadSignal
            && self.definition.service_type == ServiceType::NotifyReload
            && message.monotonic_usec.is_some_and(|at| at >= self.reload_begin);
        if answered {
            self.announcement = Announcement::Ready;
            self.cause = "the service said RELOADING=1 and READY=1".into();
            self.enter_running(ServiceResult::Success, view);
        } else if message.announced == Some(Announced::Ready) {
            self.ready(view);
        } else {
            self.reloading(message);
        }
    }
}
