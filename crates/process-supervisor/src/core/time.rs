//! Time as an argument.

use serde::{Deserialize, Serialize};

/// "Never", as systemd writes it in `*USec` properties.
pub const INFINITY: u64 = u64::MAX;

/// One moment on both clocks, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// CLOCK_MONOTONIC: what deadlines are measured on.
    pub monotonic: u64,
    /// CLOCK_REALTIME: what people read.
    pub realtime: u64,
}

impl Stamp {
    /// The deadline `usec` from this moment; `None` for "never".
    pub fn after(self, usec: u64) -> Option<u64> {
        if usec == INFINITY { None } else { Some(self.monotonic.saturating_add(usec)) }
    }
}

/// Time spans as log lines show them ("1min 30s").
pub fn span(usec: u64) -> String {
    if usec == INFINITY {
        return "infinity".into();
    }
    if usec == 0 {
        return "0".into();
    }
    const UNITS: [(u64, &str); 7] = [
        (86_400_000_000, "d"),
        (3_600_000_000, "h"),
        (60_000_000, "min"),
        (1_000_000, "s"),
        (1_000, "ms"),
        (1, "us"),
        (0, ""),
    ];
    let mut left = usec;
    let mut words = Vec::new();
    for (size, name) in UNITS {
        if size > 0 && left >= size {
            words.push(format!("{}{name}", left / size));
            left %= size;
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (usec, text) in [(0, "0"), (90_000_000, "1min 30s"), (500_000, "500ms"), (INFINITY, "infinity"), (1, "1us")]
        {
            assert_eq!(span(usec), text);
        }
    }

    #[test]
    fn infinity_is_no_deadline() {
        assert_eq!(Stamp { monotonic: 5, realtime: 0 }.after(INFINITY), None);
        assert_eq!(Stamp { monotonic: 5, realtime: 0 }.after(7), Some(12));
    }
}
