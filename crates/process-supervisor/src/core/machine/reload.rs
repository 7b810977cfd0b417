//! Reloading: `ExecReload=`, and the signal of `Type=notify-reload` (systemd 253).

use super::super::action::{Action, KillOrder, Level};
use super::super::command::CommandKind;
use super::super::definition::ServiceType;
use super::super::exit::ServiceResult;
use super::super::state::State;
use super::super::view::View;
use super::{Announcement, Machine};

impl Machine {
    /// `Reload`. Only a service that is up can; a second reload waits at whoever coordinates.
    pub(super) fn reload(&mut self, cause: String, view: &dyn View) {
        match self.state {
            State::Running | State::Exited => {}
            State::Dead
            | State::Condition
            | State::StartPre
            | State::Start
            | State::StartPost
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
            | State::Failed
            | State::AutoRestart { .. }
            | State::Cleaning => {
                let sub = self.state.sub();
                self.log(Level::Debug, format!("Reload in state {sub} ignored."));
                return;
            }
        }
        if self.spawning.is_some() {
            return;
        }
        if !cause.is_empty() {
            self.cause = cause;
        }
        self.reload_result = ServiceResult::Success;
        self.announcement = match self.announcement {
            // What was announced before this reload says nothing about it.
            Announcement::Reloading => Announcement::Ready,
            other => other,
        };
        let signalled = match (self.definition.service_type, self.main_pid()) {
            (ServiceType::NotifyReload, Some(pid)) => {
                self.reload_begin = self.now.monotonic;
                let signal = self.definition.kill.reload_signal;
                self.act(Action::Kill(KillOrder {
                    main: Some(pid),
                    control: None,
                    group: false,
                    signal,
                    hangup: false,
                }));
                true
            }
            _ => false,
        };
        if !self.definition.commands(CommandKind::Reload).is_empty() {
            self.spawn(CommandKind::Reload, 0, false, self.definition.timeouts.start);
        } else if signalled {
            self.deadline = self.now.after(self.definition.timeouts.start);
            self.enter(State::ReloadSignal);
        } else {
            self.enter_running(ServiceResult::Success, view);
        }
    }
}
