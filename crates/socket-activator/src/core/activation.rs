//! Traffic: from a listening socket to a service, and back when the service has ended.
//!
//! `Accept=no`: the first traffic asks for the service and ends polling, since the service now owns what arrives; the
//! service's end starts polling again, and what is still pending triggers at once. `Accept=yes`: every connection asks for
//! an instance of its own, the unit stays listening. A trigger is repeated until the broker acknowledges it, so that none
//! is lost with a broker or with this daemon.

use super::event::{Action, Trigger};
use super::instance::{self, Endpoint};
use super::machine::Machine;
use super::state::{SocketResult, State};

impl Machine {
    pub(super) fn traffic(&mut self, now: u64, id: u64) {
        // What arrives in a rest is seen again after it.
        if self.state != State::Listening || self.policy.accept || self.pause.until().is_some() {
            return;
        }
        if !self.below_trigger_limit(now) {
            return;
        }
        self.trigger(Trigger {
            id,
            service: self.policy.service.clone(),
            environment: Vec::new(),
            cause: format!("traffic on {}", self.policy.unit),
            peer: String::new(),
            connection: None,
        });
        self.set_state(State::Running, "traffic");
    }

    pub(super) fn connection(&mut self, now: u64, id: u64, cookie: u64, local: &Endpoint, peer: &Endpoint) {
        // The unit may have stopped after the connection was accepted.
        if self.state != State::Listening || !self.policy.accept {
            return self.refuse(cookie);
        }
        if !self.below_trigger_limit(now) {
            return self.refuse(cookie);
        }
        let described = instance::describe(peer);
        let count = self.connections.count();
        if count as u64 >= self.policy.max_connections {
            self.log("warning", format!("Too many incoming connections ({count}), dropping connection."));
            return self.refuse(cookie);
        }
        let source = instance::source(peer);
        if let Some(host) = &source
            && self.policy.max_connections_per_source > 0
        {
            let count = self.connections.from(host);
            if count as u64 >= self.policy.max_connections_per_source {
                self.log(
                    "warning",
                    format!("Too many incoming connections ({count}) from {host}, dropping connection."),
                );
                return self.refuse(cookie);
            }
        }
        let name = instance::instance(self.connections.accepted, local, peer);
        let service = format!("{}@{name}.service", self.policy.prefix);
        self.connections.add(service.clone(), source);
        self.trigger(Trigger {
            id,
            service,
            environment: instance::environment(peer),
            cause: format!("connection from {described} to {}", self.policy.unit),
            peer: described,
            connection: Some(cookie),
        });
        self.actions.push(Action::Updated);
        self.rest_at_limit(now);
    }

    pub(super) fn broken(&mut self, now: u64, text: String) {
        match self.state {
            State::Listening => {
                self.log("err", text.clone());
                self.enter_stop_pre(now, SocketResult::Resources, &text);
            }
            State::Dead
            | State::StartPre(_)
            | State::Opening
            | State::StartChown(_)
            | State::StartPost(_)
            | State::Running
            | State::StopPre(_)
            | State::StopPreSigterm(_)
            | State::StopPreSigkill(_)
            | State::StopPost(_)
            | State::FinalSigterm(_)
            | State::FinalSigkill(_)
            | State::Failed => {}
        }
    }

    pub(super) fn service_changed(&mut self, now: u64, name: &str, sub: &str, start_limit_hit: bool) {
        let ended = matches!(
            sub,
            "dead" | "failed" | "inactive" | "auto-restart" | "auto-restart-queued" | "final-sigterm" | "final-sigkill"
        );
        let gone = ended && !matches!(sub, "final-sigterm" | "final-sigkill");
        if gone && self.connections.remove(name) {
            self.actions.push(Action::Updated);
        }
        match self.state {
            State::Listening | State::Running => {}
            State::Dead
            | State::StartPre(_)
            | State::Opening
            | State::StartChown(_)
            | State::StartPost(_)
            | State::StopPre(_)
            | State::StopPreSigterm(_)
            | State::StopPreSigkill(_)
            | State::StopPost(_)
            | State::FinalSigterm(_)
            | State::FinalSigkill(_)
            | State::Failed => return,
        }
        if start_limit_hit {
            return self.enter_stop_pre(
                now,
                SocketResult::ServiceStartLimitHit,
                &format!("{name} was started too often"),
            );
        }
        // Not only its own: a service that names it in Sockets= has it as well.
        if self.policy.accept {
            return;
        }
        // A trigger that the broker hasn't taken yet is newer than this news.
        if !self.triggers.is_empty() {
            return;
        }
        if ended && self.state == State::Running {
            self.enter_listening(now, &format!("{name} is {sub}"));
        } else if matches!(sub, "running" | "active") && self.state == State::Listening {
            self.set_state(State::Running, &format!("{name} is running"));
        }
    }

    pub(super) fn fail(&mut self, now: u64, result: SocketResult) {
        self.drop_triggers();
        match self.state {
            State::Listening | State::Running => {
                self.log("warning", format!("Failed to queue service startup job: {}", result.as_str()));
                self.enter_stop_pre(now, result, "the service could not be started");
            }
            State::Dead
            | State::StartPre(_)
            | State::Opening
            | State::StartChown(_)
            | State::StartPost(_)
            | State::StopPre(_)
            | State::StopPreSigterm(_)
            | State::StopPreSigkill(_)
            | State::StopPost(_)
            | State::FinalSigterm(_)
            | State::FinalSigkill(_)
            | State::Failed => {}
        }
    }

    /// Services may have ended while we or the broker were away.
    pub(super) fn holders(&mut self, mut services: Vec<String>) {
        services.extend(self.triggers.iter().map(|trigger| trigger.service.clone()));
        if self.connections.keep(&services.into_iter().collect()) {
            self.actions.push(Action::Updated);
        }
    }

    pub(super) fn acknowledged(&mut self, id: u64) {
        let Some(at) = self.triggers.iter().position(|t| t.id == id) else { return };
        let trigger = self.triggers.remove(at);
        if let Some(cookie) = trigger.connection {
            self.actions.push(Action::Forget { cookie });
        }
    }

    /// Connections that no service will take are closed.
    fn drop_triggers(&mut self) {
        for trigger in std::mem::take(&mut self.triggers) {
            self.connections.remove(&trigger.service);
            if let Some(cookie) = trigger.connection {
                self.refuse(cookie);
            }
        }
    }

    fn trigger(&mut self, trigger: Trigger) {
        self.triggers.push(trigger.clone());
        self.actions.push(Action::Trigger(trigger));
    }

    fn refuse(&mut self, cookie: u64) {
        self.connections.refused = self.connections.refused.wrapping_add(1);
        self.actions.push(Action::Refuse { cookie });
        self.actions.push(Action::Updated);
    }

    /// Counts an activation; at the limit the unit fails (systemd.socket(5), TriggerLimitBurst=).
    fn below_trigger_limit(&mut self, now: u64) -> bool {
        let (interval, burst) = (self.policy.trigger_limit_interval, self.policy.trigger_limit_burst);
        if self.trigger_limit.below(now, interval, burst) {
            return true;
        }
        self.log("warning", "Trigger limit hit, refusing further activation.".into());
        if !self.policy.accept {
            // What isn't accepted counts as refused too, as in systemd.
            self.connections.refused = self.connections.refused.wrapping_add(1);
        }
        self.enter_stop_pre(now, SocketResult::TriggerLimitHit, "trigger limit hit");
        false
    }
}
