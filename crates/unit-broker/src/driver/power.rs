//! The end: units are stopped in order, then the launcher is asked to end the manager or the machine.

use unit_parser::{LoadState, UnitName};

use super::Broker;
use crate::core::{Cause, Event, JobMode, JobRequest, JobType, PowerAction, UnitView};

/// systemd's place for the argument of reboot(2).
const REBOOT_PARAMETER: &str = "/run/systemd/reboot-param";

impl Broker {
    /// Asks the launcher for the end now; units that still run are killed by that.
    pub fn end_now(&mut self, request: &str, cause: &str) {
        if self.ending.as_deref() == Some(request) {
            return;
        }
        self.ending = Some(request.to_owned());
        let status = self.model.facts.saved.exit_code;
        tracing::info!(request, status, cause, "asking the launcher for the end");
        self.runner.send(&format!("X_QUINTET_REQUEST={request}\nX_QUINTET_EXIT_STATUS={status}"));
        if !self.runner.is_present() {
            tracing::warn!("no launcher: the broker itself exits");
            self.quit = true;
        }
    }

    /// Leaves the argument where the launcher looks for it, and where systemctl leaves that of its `--reboot-argument=`.
    pub(super) fn set_reboot_argument(&self, argument: &str) {
        if !self.model.facts.user
            && let Err(error) = std::fs::write(REBOOT_PARAMETER, argument)
        {
            tracing::warn!(argument, %error, "the reboot will be without its argument");
        }
    }

    /// `FailureAction=` and its like, and shutdown targets that were reached.
    pub(super) fn on_power(&mut self, action: &PowerAction) {
        let word = action.action.trim_end_matches("-force").trim_end_matches("-immediate");
        let word = if word == "soft-reboot" { "reboot" } else { word };
        // A target that was reached doesn't mean that everything is stopped: that depends on what it conflicts with.
        let orderly = UnitName::parse(&format!("{word}.target"))
            .is_ok_and(|target| self.model.engine.unit(&target).is_some_and(|view| view.active.is_up()));
        if orderly {
            self.begin_shutdown(word);
        } else {
            self.end_now(word, &action.reason);
        }
    }

    /// Stops all units in order; when that is done the launcher is asked for the end.
    pub(super) fn begin_shutdown(&mut self, request: &str) {
        if self.model.facts.saved.shutdown.is_some() {
            tracing::debug!(request, "a shutdown is under way already");
            return;
        }
        tracing::info!(request, "shutting down");
        self.model.facts.saved.shutdown = Some(request.to_owned());
        self.store.save_facts(&self.model.facts.saved);
        if !self.isolate(request) {
            self.stop_everything();
        }
        self.settle();
    }

    /// Starts `REQUEST.target` and stops what it doesn't want; `false` when there is no such target.
    fn isolate(&mut self, request: &str) -> bool {
        let Ok(target) = UnitName::parse(&format!("{request}.target")) else { return false };
        if self.handle(Event::Load(target.clone())).is_err() {
            return false;
        }
        let loaded = self.model.engine.unit(&target).is_some_and(|view| view.load_state == LoadState::Loaded);
        if !loaded {
            return false;
        }
        let request = JobRequest {
            unit: target,
            job_type: JobType::Start,
            mode: JobMode::Isolate,
            reload_if_possible: false,
            manual: false,
            cause: Cause::Manager("shutdown".to_owned()),
        };
        self.handle(Event::Enqueue(request))
            .inspect_err(|error| tracing::error!(%error, "the shutdown target can't be started"))
            .is_ok()
    }

    fn stop_everything(&mut self) {
        let engine = &self.model.engine;
        let stoppable = |view: &UnitView<'_>| !view.active.is_down() && !view.perpetual && view.can_stop;
        let units: Vec<UnitName> = engine
            .units()
            .into_iter()
            .filter(|name| engine.unit(name).is_some_and(|view| stoppable(&view)))
            .cloned()
            .collect();
        for unit in units {
            let request = JobRequest {
                unit: unit.clone(),
                job_type: JobType::Stop,
                mode: JobMode::Replace,
                reload_if_possible: false,
                manual: false,
                cause: Cause::Manager("shutdown".to_owned()),
            };
            if let Err(error) = self.handle(Event::Enqueue(request)) {
                tracing::warn!(%unit, %error, "can't be stopped");
            }
        }
    }

    /// A shutdown whose jobs are all done ends.
    pub(super) fn check_end(&mut self) {
        if self.ending.is_some() || self.model.engine.job_count() > 0 {
            return;
        }
        if let Some(request) = self.model.facts.saved.shutdown.clone() {
            self.end_now(&request, "all units are stopped");
        }
    }
}
