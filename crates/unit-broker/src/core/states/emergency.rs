//! `FailureAction=`, `SuccessAction=`, `StartLimitAction=`, `JobTimeoutAction=` (systemd.unit(5)).

use unit_parser::rows::unit as row;
use unit_parser::{RowId, UnitName};

use crate::core::api::action::{Action, LogLevel, PowerAction};
use crate::core::api::types::{JobMode, JobType};
use crate::core::engine::{Cx, Engine};
use crate::core::graph::UnitId;

impl Engine {
    pub(in crate::core) fn failure_action(&mut self, cx: &mut Cx, id: UnitId) {
        let record = &self.graph[id];
        let status = record.settings.failure_exit_status.map(i32::from).or_else(|| self.main_exit_status(id));
        let reason = format!("unit {} failed", record.name);
        self.emergency(cx, id, row::FAILURE_ACTION, status, reason);
    }

    pub(in crate::core) fn success_action(&mut self, cx: &mut Cx, id: UnitId) {
        let record = &self.graph[id];
        let status = record.settings.success_exit_status.map(i32::from).or_else(|| self.main_exit_status(id));
        let reason = format!("unit {} succeeded", record.name);
        self.emergency(cx, id, row::SUCCESS_ACTION, status, reason);
    }

    /// A service's exit status is the manager's unless something else is configured.
    fn main_exit_status(&self, id: UnitId) -> Option<i32> {
        const CLD_EXITED: i32 = 1;
        let exit = self.graph[id].exit;
        (exit.code == CLD_EXITED).then_some(exit.status)
    }

    /// Does what one of the `…Action=` settings says.
    pub(in crate::core) fn emergency(
        &mut self,
        cx: &mut Cx,
        id: UnitId,
        setting: RowId,
        exit_status: Option<i32>,
        reason: String,
    ) {
        let definition = self.graph[id].definition.clone();
        let action = definition.word(setting);
        if matches!(action, "none" | "") {
            return;
        }
        let argument = definition.str(match setting {
            row::JOB_TIMEOUT_ACTION => row::JOB_TIMEOUT_REBOOT_ARGUMENT,
            _ => row::REBOOT_ARGUMENT,
        });
        let text = format!("Doing {action}: {reason}.");
        self.actions.push(Action::Log(None, LogLevel::Warning, text));
        let Some(target) = shutdown_target(action) else {
            let (action, argument) = (action.to_owned(), argument.to_owned());
            self.actions.push(Action::Power(PowerAction { action, argument, exit_status, reason }));
            return;
        };
        if exit_status.is_some() {
            self.startup.exit_status = exit_status;
        }
        if let Ok(name) = UnitName::parse(target) {
            let id = self.load(cx, &name);
            let why = self.record(cx, id, "start wanted".to_owned(), reason, String::new());
            let outer = self.trail.enter(why);
            self.enqueue_by_rule(cx, id, JobType::Start, JobMode::ReplaceIrreversibly);
            self.trail.leave(outer);
        }
    }
}

/// The target that an orderly shutdown starts; `None` for the forced ones.
fn shutdown_target(action: &str) -> Option<&'static str> {
    match action {
        "reboot" => Some("reboot.target"),
        "poweroff" => Some("poweroff.target"),
        "halt" => Some("halt.target"),
        "kexec" => Some("kexec.target"),
        "exit" => Some("exit.target"),
        _ => None,
    }
}
