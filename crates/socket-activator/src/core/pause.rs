//! `X-TriggerLimitPauseSec=`: at the trigger limit the unit takes a rest instead of failing, and goes on by itself.
//!
//! Clients wait in the backlog meanwhile. A rest that ends in the limit again is followed by one twice as long; after a
//! time without, it begins anew with the shortest.

use serde::{Deserialize, Serialize};

use super::event::Action;
use super::machine::Machine;
use super::state::State;

/// Where the rests stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// The end of the present one, µs.
    until: Option<u64>,
    /// Its length, or that of the last one, µs.
    length: u64,
    /// The end of the last one, µs.
    ended: u64,
}

impl Pause {
    /// The end of the present rest, µs.
    pub fn until(&self) -> Option<u64> {
        self.until
    }

    /// What there is to say about it to people; `None` while the unit takes no rest.
    pub fn text(&self) -> Option<String> {
        self.until?;
        let seconds = self.length as f64 / 1e6;
        Some(format!(
            "Trigger limit hit, activation pauses for {seconds} s (X-TriggerLimitPauseSec=) and goes on by itself"
        ))
    }
}

impl Machine {
    /// Takes a rest if the unit listens and its trigger limit is reached; true if it does.
    pub(super) fn rest_at_limit(&mut self, now: u64) -> bool {
        let policy = &self.policy;
        if self.state != State::Listening || policy.trigger_pause == 0 {
            return false;
        }
        let full = self.trigger_limit.full_until(now, policy.trigger_limit_interval, policy.trigger_limit_burst);
        let Some(window) = full else { return false };
        let lately = now.saturating_sub(self.pause.ended) <= self.pause.length.max(policy.trigger_limit_interval);
        let length = match self.pause.length {
            0 => policy.trigger_pause,
            last if lately => last.saturating_mul(2),
            _ => policy.trigger_pause,
        };
        let length = length.min(policy.trigger_pause_max.max(policy.trigger_pause));
        let until = now.saturating_add(length).max(window);
        self.pause = Pause { until: Some(until), length, ended: until };
        let cause = format!("trigger limit hit, paused for {} ms", until.saturating_sub(now).div_ceil(1000));
        self.log("warning", format!("Trigger limit hit, activation pauses for {} ms.", (until - now).div_ceil(1000)));
        self.actions.push(Action::Poll(false));
        self.actions.push(Action::Timer(Some(until)));
        self.actions.push(Action::Changed { state: self.state, result: self.result, cause });
        true
    }

    /// The timer of a rest: it is over.
    pub(super) fn rested(&mut self, now: u64) {
        if self.state != State::Listening || self.pause.until.is_none_or(|until| until > now) {
            return;
        }
        self.pause.until = None;
        self.log("info", "Activation goes on after the pause.".to_owned());
        self.actions.push(Action::Poll(true));
        let cause = "the pause at the trigger limit is over".to_owned();
        self.actions.push(Action::Changed { state: self.state, result: self.result, cause });
    }

    /// The state is left: whatever comes next, it isn't the rest's end.
    pub(super) fn end_rest(&mut self) {
        if self.pause.until.take().is_some() {
            self.actions.push(Action::Timer(None));
        }
    }
}
