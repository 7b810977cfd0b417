//! Slices (systemd.slice(5)): active or dead, at once. Their control groups and those below are made by whoever runs
//! processes in them, who is told.

use super::Step;
use crate::core::api::action::Action;
use crate::core::api::types::ActiveState;
use crate::core::engine::{Cx, Engine};
use crate::core::graph::UnitId;
use crate::core::states::change::Reached;

impl Engine {
    pub(super) fn start_slice(&mut self, cx: &mut Cx, id: UnitId) -> Step {
        self.graph[id].invocation = cx.world.random_id();
        self.reached(cx, id, Reached::own(ActiveState::Active, "active"));
        self.tell_slice(id);
        Step::Begun
    }

    pub(super) fn stop_slice(&mut self, cx: &mut Cx, id: UnitId) -> Step {
        self.reached(cx, id, Reached::own(ActiveState::Inactive, "dead"));
        self.tell_slice(id);
        Step::Begun
    }

    fn tell_slice(&mut self, id: UnitId) {
        let name = self.graph[id].name.clone();
        self.actions.push(Action::Slice(name));
    }
}
