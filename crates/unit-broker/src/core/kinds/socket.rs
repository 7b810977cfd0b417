//! Sockets (systemd.socket(5)), as far as the graph decides: the activator listens and reports.

use unit_parser::{DependencyKind, LoadState, UnitType};

use super::Step;
use crate::core::api::action::{Action, LogLevel};
use crate::core::api::types::{ActiveState, JobResult};
use crate::core::engine::{Cx, Engine};
use crate::core::graph::UnitId;
use crate::core::jobs::JobId;

impl Engine {
    pub(super) fn start_socket(&mut self, cx: &mut Cx, id: UnitId, job: JobId) -> Step {
        if let Some(reason) = self.socket_obstacle(id) {
            self.record(cx, id, "not started".to_owned(), reason.clone(), String::new());
            let name = self.graph[id].name.clone();
            self.actions.push(Action::Log(Some(name), LogLevel::Error, reason));
            return Step::End(JobResult::Failed);
        }
        self.send_start(cx, id, job, Vec::new(), Vec::new(), None)
    }

    /// A socket with `Accept=no` needs its service to be there, and not to run without it.
    fn socket_obstacle(&self, id: UnitId) -> Option<String> {
        if self.graph[id].settings.accept {
            return None;
        }
        self.graph.of_kind(id, DependencyKind::Triggers).find_map(|service| {
            let service = &self.graph[service];
            if service.name.unit_type() != UnitType::Service {
                return None;
            }
            if service.load_state != LoadState::Loaded {
                return Some(format!("Socket service {} not loaded, refusing.", service.name));
            }
            let idle = service.active.is_down()
                || (service.active == ActiveState::Activating && service.sub == "auto-restart");
            (!idle).then(|| format!("Socket service {} already active, refusing.", service.name))
        })
    }
}
