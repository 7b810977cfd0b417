//! `FailureAction=`, `SuccessAction=`, `StartLimitAction=`, `JobTimeoutAction=` (systemd.unit(5)).

use unit_parser::rows::unit as row;
use unit_parser::{RowId, UnitName};

use crate::core::api::action::{Action, LogLevel, PowerAction};
use crate::core::api::event::ExitInfo;
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

    /// A service's exit status is the manager's unless something else is configured; 255 if a signal ended it.
    fn main_exit_status(&self, id: UnitId) -> Option<i32> {
        const NOT_EXITED: i32 = 0;
        const CLD_EXITED: i32 = 1;
        match self.graph[id].exit {
            ExitInfo { code: NOT_EXITED, .. } => None,
            ExitInfo { code: CLD_EXITED, status } => Some(status),
            ExitInfo { .. } => Some(255),
        }
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
        let text = format!("Doing {action}: {reason}.");
        let name = self.graph[id].name.clone();
        self.actions.push(Action::Log(Some(name), LogLevel::Warning, text));
        // Said now, not when all is stopped: who looks on the way there sees it, and it outlives the broker.
        if let Some(status) = exit_status.filter(|_| action.starts_with("exit")) {
            self.actions.push(Action::ExitStatus(u8::try_from(status.clamp(0, 255)).unwrap_or(u8::MAX)));
        }
        self.reboot_argument(
            id,
            action,
            match setting {
                row::JOB_TIMEOUT_ACTION => row::JOB_TIMEOUT_REBOOT_ARGUMENT,
                _ => row::REBOOT_ARGUMENT,
            },
        );
        let Some(target) = shutdown_target(action) else {
            self.actions.push(Action::Power(PowerAction { action: action.to_owned(), reason }));
            return;
        };
        if let Ok(name) = UnitName::parse(target) {
            let id = self.load(cx, &name);
            let why = self.record(cx, id, "start wanted".to_owned(), reason, String::new());
            let outer = self.trail.enter(why);
            self.enqueue_by_rule(cx, id, JobType::Start, JobMode::ReplaceIrreversibly);
            self.trail.leave(outer);
        }
    }
}

impl Engine {
    /// `RebootArgument=` and its like, for the actions that reboot.
    pub(in crate::core) fn reboot_argument(&mut self, id: UnitId, action: &str, setting: RowId) {
        let argument = self.graph[id].definition.str(setting);
        if action.starts_with("reboot") && !argument.is_empty() {
            let argument = argument.to_owned();
            self.actions.push(Action::RebootArgument(argument));
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
