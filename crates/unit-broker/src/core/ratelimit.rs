//! How often something may happen: a burst within an interval. Used for start limits and against start/stop loops.

/// Counts events; time is an argument.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RateLimit {
    /// When the present interval began (monotonic, µs); 0: none yet.
    pub begin: u64,
    /// Events in it.
    pub count: u32,
}

impl RateLimit {
    /// Counts one more event; false when it is one too many. An interval or burst of 0 allows everything.
    pub fn allow(&mut self, now_usec: u64, interval: u64, burst: u32) -> bool {
        if interval == 0 || burst == 0 {
            return true;
        }
        if self.begin == 0 || now_usec.saturating_sub(self.begin) > interval {
            *self = RateLimit { begin: now_usec.max(1), count: 1 };
            return true;
        }
        if self.count < burst {
            self.count += 1;
            return true;
        }
        false
    }

    /// Forgets the past (`reset-failed`).
    pub fn reset(&mut self) {
        *self = RateLimit::default();
    }
}

#[cfg(test)]
mod tests {
    use super::RateLimit;

    #[test]
    fn a_burst_is_allowed_per_interval() {
        let mut limit = RateLimit::default();
        let allowed: Vec<bool> = [0, 1, 2, 3, 10, 11, 14].iter().map(|t| limit.allow(*t, 10, 3)).collect();
        assert_eq!(allowed, [true, true, true, false, false, false, true]);
    }

    #[test]
    fn no_interval_means_no_limit() {
        let mut limit = RateLimit::default();
        assert!((0..100).all(|_| limit.allow(1, 0, 1) && limit.allow(1, 1, 0)));
    }
}
