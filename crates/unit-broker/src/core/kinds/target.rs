//! Targets (systemd.target(5)): active or dead, at once. dead --start--> active --stop--> dead.
//!
//! The shutdown targets end the manager once they are reached and everything before them is done.

use super::Step;
use crate::core::api::action::{Action, PowerAction};
use crate::core::api::types::ActiveState;
use crate::core::engine::{Cx, Engine};
use crate::core::graph::UnitId;
use crate::core::states::change::Reached;

impl Engine {
    pub(super) fn start_target(&mut self, cx: &mut Cx, id: UnitId) -> Step {
        self.graph[id].invocation = cx.world.random_id();
        self.reached(cx, id, Reached::own(ActiveState::Active, "active"));
        if let Some(action) = self.graph[id].name.as_str().strip_suffix(".target").and_then(final_action) {
            let reason = format!("{} was reached", self.graph[id].name);
            self.reboot_argument(id, action, unit_parser::rows::unit::REBOOT_ARGUMENT);
            self.actions.push(Action::Power(PowerAction { action: action.to_owned(), reason }));
        }
        Step::Begun
    }

    pub(super) fn stop_target(&mut self, cx: &mut Cx, id: UnitId) -> Step {
        self.reached(cx, id, Reached::own(ActiveState::Inactive, "dead"));
        Step::Begun
    }
}

/// What reaching a target does, for those that end the manager.
fn final_action(stem: &str) -> Option<&'static str> {
    match stem {
        "poweroff" => Some("poweroff-force"),
        "reboot" => Some("reboot-force"),
        "halt" => Some("halt-force"),
        "kexec" => Some("kexec-force"),
        "exit" => Some("exit-force"),
        _ => None,
    }
}
