//! The manager's own state: booting, running, degraded, stopping (systemctl(1), is-system-running).

use unit_parser::UnitName;

use crate::core::api::action::Action;
use crate::core::api::types::{JobType, SystemState};
use crate::core::engine::{Cx, Engine};

/// How far the boot is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::core) enum Phase {
    /// Nothing was asked for yet.
    #[default]
    Idle,
    /// The boot's jobs run.
    Booting,
    /// They were all done once.
    Finished,
}

/// The boot.
#[derive(Debug, Clone, Default)]
pub(in crate::core) struct Startup {
    pub phase: Phase,
}

impl Startup {
    /// The boot's job is about to be queued.
    pub fn begin(&mut self) {
        if self.phase == Phase::Idle {
            self.phase = Phase::Booting;
        }
    }
}

impl Engine {
    /// Jobs have ended: perhaps that was the boot.
    pub(in crate::core) fn check_startup(&mut self, _cx: &mut Cx) {
        if self.startup.phase == Phase::Booting && self.jobs.is_empty() {
            self.startup.phase = Phase::Finished;
            self.actions.push(Action::StartupFinished);
            self.actions.push(Action::ManagerChanged);
        }
    }

    fn named(&self, name: &str) -> Option<crate::core::graph::UnitId> {
        UnitName::parse(name).ok().and_then(|name| self.graph.find(&name))
    }

    fn is_up_or_wanted(&self, name: &str) -> bool {
        let Some(id) = self.named(name) else { return false };
        let job = self.graph[id].job.and_then(|job| self.jobs.get(job)).map(|job| job.job_type);
        self.graph[id].active.is_up_or_coming()
            || matches!(job, Some(JobType::Start | JobType::Restart | JobType::ReloadOrStart))
    }

    /// `SystemState`.
    pub fn system_state(&self) -> SystemState {
        if self.is_up_or_wanted("shutdown.target") {
            return SystemState::Stopping;
        }
        if self.startup.phase != Phase::Finished {
            let basic = self.named("basic.target").is_some_and(|id| self.graph[id].active.is_up());
            return if basic { SystemState::Starting } else { SystemState::Initializing };
        }
        if !self.options.user && (self.is_up_or_wanted("rescue.target") || self.is_up_or_wanted("emergency.target")) {
            return SystemState::Maintenance;
        }
        if self.failed.is_empty() { SystemState::Running } else { SystemState::Degraded }
    }
}
