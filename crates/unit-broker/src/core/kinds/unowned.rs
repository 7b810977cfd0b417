//! Unit types that nothing here can start yet: mounts, automounts, swaps, timers, paths.

use super::Step;
use crate::core::api::action::{Action, LogLevel};
use crate::core::api::types::JobResult;
use crate::core::engine::{Cx, Engine};
use crate::core::graph::UnitId;

impl Engine {
    /// Ends a start with `unsupported`, and says why.
    pub(super) fn refuse_unowned(&mut self, cx: &mut Cx, id: UnitId) -> Step {
        let name = self.graph[id].name.clone();
        let text = format!("{} units can't be started by this version.", name.unit_type());
        self.record(cx, id, "not started".to_owned(), text.clone(), String::new());
        self.actions.push(Action::Log(Some(name), LogLevel::Warning, text));
        Step::End(JobResult::Unsupported)
    }
}
