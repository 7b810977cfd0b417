//! `StartLimitIntervalSec=` and `StartLimitBurst=` (systemd.unit(5)): so many starts in so much time, counted from the first.

use serde::{Deserialize, Serialize};

/// Counts starts. Pure: the broker counts for the units it coordinates, the supervisor for itself when it runs alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    begin: Option<u64>,
    count: u32,
}

impl RateLimit {
    /// Whether one more start at `now` (CLOCK_MONOTONIC, µs) is within `burst` starts per `interval`; it counts if so.
    /// An interval or burst of 0 means no limit.
    pub fn admit(&mut self, now: u64, interval: u64, burst: u32) -> bool {
        if interval == 0 || burst == 0 {
            return true;
        }
        match self.begin {
            Some(begin) if now.saturating_sub(begin) < interval => {
                if self.count < burst {
                    self.count += 1;
                    true
                } else {
                    false
                }
            }
            Some(_) | None => {
                self.begin = Some(now);
                self.count = 1;
                true
            }
        }
    }

    /// `systemctl reset-failed` forgets the starts.
    pub fn reset(&mut self) {
        *self = RateLimit::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burst_then_window() {
        let mut limit = RateLimit::default();
        let admitted: Vec<bool> = [0, 1, 2, 3, 9].into_iter().map(|now| limit.admit(now, 10, 3)).collect();
        assert_eq!(admitted, [true, true, true, false, false]);
        assert!(limit.admit(10, 10, 3), "a new window begins");
        assert!(limit.admit(10, 0, 3) && limit.admit(10, 10, 0), "no limit");
        limit.admit(11, 10, 1);
        limit.reset();
        assert!(limit.admit(11, 10, 1));
    }
}
