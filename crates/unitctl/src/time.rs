//! Moments and spans as people read them.

use jiff::tz::TimeZone;

/// CLOCK_REALTIME µs as local time, in seconds, as systemctl prints it; empty for 0 and "never".
pub fn stamp(usec: u64) -> String {
    format(usec, "%a %Y-%m-%d %H:%M:%S %Z")
}

/// The same with milliseconds, to tell events apart.
pub fn precise(usec: u64) -> String {
    format(usec, "%a %Y-%m-%d %H:%M:%S%.3f %Z")
}

fn format(usec: u64, pattern: &str) -> String {
    let time = i64::try_from(usec).ok().filter(|usec| *usec > 0);
    let time = time.and_then(|usec| jiff::Timestamp::from_microsecond(usec).ok());
    time.map(|time| time.to_zoned(TimeZone::system()).strftime(pattern).to_string()).unwrap_or_default()
}

/// Now, CLOCK_REALTIME µs.
pub fn now() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_microsecond()).unwrap_or(0)
}

/// `3min 5s ago`, `1h left`; empty for 0.
pub fn relative(usec: u64, now: u64) -> String {
    if usec == 0 || usec == u64::MAX {
        return String::new();
    }
    let (span, word) = if usec > now { (usec - now, "left") } else { (now - usec, "ago") };
    let seconds = span / 1_000_000;
    let units = [("y", 31_557_600), ("month", 2_629_800), ("w", 604_800), ("day", 86_400), ("h", 3600), ("min", 60)];
    if seconds < 1 {
        return format!("{}ms {word}", span / 1000);
    }
    let Some(position) = units.iter().position(|(_, length)| seconds >= *length) else {
        return format!("{seconds}s {word}");
    };
    let all: Vec<(&str, u64)> = units.into_iter().chain([("s", 1)]).collect();
    let mut rest = seconds;
    let mut parts = Vec::new();
    // Two parts say enough.
    for (name, length) in all.iter().skip(position).take(2) {
        let count = rest / length;
        rest %= length;
        if count > 0 {
            let plural = if count > 1 && matches!(*name, "month" | "day") { "s" } else { "" };
            let blank = if matches!(*name, "month" | "day") { " " } else { "" };
            parts.push(format!("{count}{blank}{name}{plural}"));
        }
    }
    format!("{} {word}", parts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_parts_say_enough() {
        let now = 10_000_000_000_000;
        let table = [
            (0, ""),
            (now - 5_000_000, "5s ago"),
            (now - 20_000, "20ms ago"),
            (now - 185_000_000, "3min 5s ago"),
            (now + 3_600_000_000, "1h left"),
            (now - 2 * 86_400_000_000, "2 days ago"),
        ];
        for (usec, expected) in table {
            assert_eq!(relative(usec, now), expected);
        }
        assert_eq!(stamp(0), "");
        assert!(stamp(1_700_000_000_000_000).contains("2023"));
    }
}
