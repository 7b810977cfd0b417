//! `BusName=`: the name of the service on the system bus.

use super::super::Pid;
use super::super::action::Level;
use super::super::definition::ServiceType;
use super::super::exit::ServiceResult;
use super::super::state::State;
use super::super::view::View;
use super::Machine;

impl Machine {
    /// The name got an owner, or lost it.
    pub(super) fn bus_name_changed(&mut self, owned: bool, pid: Pid, view: &dyn View) {
        self.bus_name_owned = owned;
        let name = self.definition.bus_name.clone().unwrap_or_default();
        let dbus = self.definition.service_type == ServiceType::Dbus;
        self.log(
            Level::Debug,
            format!("D-Bus name {name} {}.", if owned { "has an owner now" } else { "has no owner any more" }),
        );
        match self.state {
            State::Running if dbus && !owned => {
                self.cause = format!("bus name {name} was given up");
                self.enter_running(ServiceResult::Success, view);
            }
            State::Start if dbus && owned => {
                self.cause = format!("bus name {name} was taken");
                self.enter_start_post(view);
            }
            State::Start
            | State::StartPost
            | State::Running
            | State::Reload(_)
            | State::ReloadSignal
            | State::ReloadNotify => {
                // A service whose main process is unknown: the owner of its name is it.
                if owned && !dbus && pid != 0 && self.main_pid().is_none() && self.judge_main(pid, view) == Ok(true) {
                    self.adopt(pid, view);
                    self.tell();
                }
            }
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
            | State::Cleaning => {}
        }
    }
}
