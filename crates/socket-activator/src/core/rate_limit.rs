//! `TriggerLimitIntervalSec=`, `TriggerLimitBurst=`: at most so many in a window that begins with the first.

use serde::{Deserialize, Serialize};

/// Where the window stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    begin: Option<u64>,
    count: u64,
}

impl RateLimit {
    /// Counts one more at `now` (µs); whether it is still allowed. An interval or burst of 0 allows everything.
    pub fn below(&mut self, now: u64, interval: u64, burst: u64) -> bool {
        if interval == 0 || burst == 0 {
            return true;
        }
        match self.begin {
            Some(begin) if now.saturating_sub(begin) <= interval => {
                self.count = self.count.saturating_add(1);
                self.count <= burst
            }
            _ => {
                *self = RateLimit { begin: Some(now), count: 1 };
                true
            }
        }
    }

    /// When the next one is allowed, if that is later than `now`.
    pub fn full_until(&self, now: u64, interval: u64, burst: u64) -> Option<u64> {
        let end = self.begin?.saturating_add(interval).saturating_add(1);
        (interval > 0 && burst > 0 && self.count >= burst && now < end).then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_a_new_window() {
        let mut limit = RateLimit::default();
        let allowed: Vec<bool> = [0, 1, 2, 100, 101, 102].iter().map(|now| limit.below(*now, 100, 3)).collect();
        assert_eq!(allowed, [true, true, true, false, true, true]);
        assert_eq!(limit.full_until(102, 100, 3), None);
        assert!(limit.below(103, 100, 3));
        assert_eq!(limit.full_until(103, 100, 3), Some(202));
        assert_eq!(limit.full_until(202, 100, 3), None);
        assert!((0..1000).all(|_| limit.below(5, 0, 3) && limit.below(5, 100, 0)));
    }
}
