//! When a unit entered and left its states, as the Unit interface tells it (org.freedesktop.systemd1(5)).

use serde::{Deserialize, Serialize};

/// One moment on both clocks, µs; 0 for never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// CLOCK_REALTIME.
    pub realtime: u64,
    /// CLOCK_MONOTONIC.
    pub monotonic: u64,
}

/// The five pairs of the Unit interface.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timestamps {
    /// `StateChangeTimestamp`
    pub state_change: Moment,
    /// `InactiveExitTimestamp`
    pub inactive_exit: Moment,
    /// `ActiveEnterTimestamp`
    pub active_enter: Moment,
    /// `ActiveExitTimestamp`
    pub active_exit: Moment,
    /// `InactiveEnterTimestamp`
    pub inactive_enter: Moment,
}

impl Timestamps {
    /// The unit went from one ActiveState to another.
    pub fn changed(&mut self, old: &str, new: &str, now: Moment) {
        let inactive = |state| matches!(state, "inactive" | "failed");
        let active = |state| matches!(state, "active" | "reloading");
        self.state_change = now;
        if inactive(old) && !inactive(new) {
            self.inactive_exit = now;
        } else if !inactive(old) && inactive(new) {
            self.inactive_enter = now;
        }
        if !active(old) && active(new) {
            self.active_enter = now;
        } else if active(old) && !active(new) {
            self.active_exit = now;
        }
    }

    /// With the names of the D-Bus properties (the monotonic ones end in `Monotonic`).
    pub fn named(&self) -> [(&'static str, Moment); 5] {
        [
            ("StateChangeTimestamp", self.state_change),
            ("InactiveExitTimestamp", self.inactive_exit),
            ("ActiveEnterTimestamp", self.active_enter),
            ("ActiveExitTimestamp", self.active_exit),
            ("InactiveEnterTimestamp", self.inactive_enter),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_and_a_stop() {
        let mut t = Timestamps::default();
        let at = |n| Moment { realtime: n, monotonic: n };
        t.changed("inactive", "activating", at(1));
        t.changed("activating", "active", at(2));
        t.changed("active", "active", at(3));
        t.changed("active", "deactivating", at(4));
        t.changed("deactivating", "failed", at(5));
        let seen: Vec<u64> = t.named().iter().map(|(_, m)| m.realtime).collect();
        assert_eq!(seen, [5, 1, 2, 4, 5]);
    }
}
