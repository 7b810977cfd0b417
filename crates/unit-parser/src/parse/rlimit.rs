//! Resource limits (systemd.exec(5), "Process Properties").

use super::{number, timespan};
use crate::table::RlimitUnit;
use crate::value::Rlimit;

/// Reads `LIMIT` or `SOFT:HARD`; `None` if it is neither, or soft is above hard.
pub fn parse(text: &str, unit: RlimitUnit) -> Option<Rlimit> {
    let (soft, hard) = match text.split_once(':') {
        Some((soft, hard)) => (one(soft, unit)?, one(hard, unit)?),
        None => {
            let both = one(text, unit)?;
            (both, both)
        }
    };
    (soft <= hard).then_some(Rlimit { soft, hard })
}

/// The number that stands for no limit has to be said as a word; nice levels always have one.
fn one(text: &str, unit: RlimitUnit) -> Option<u64> {
    if text == "infinity" && unit != RlimitUnit::Nice {
        return Some(u64::MAX);
    }
    let limit = match unit {
        RlimitUnit::Bytes => number::size(text).ok(),
        RlimitUnit::Number => number::unsigned(text).ok(),
        RlimitUnit::Seconds => timespan::parse(text).ok().map(|usec| usec.div_ceil(1_000_000)),
        RlimitUnit::Microseconds => timespan::parse_usec(text).ok(),
        RlimitUnit::Nice => nice(text),
    };
    limit.filter(|limit| *limit != u64::MAX)
}

/// The kernel counts nice levels as 20 minus the level, 1 to 40. A number without sign is taken so.
fn nice(text: &str) -> Option<u64> {
    if text.starts_with(['+', '-']) {
        let level = text.parse::<i64>().ok().filter(|n| (-20..=19).contains(n))?;
        return u64::try_from(20 - level).ok();
    }
    number::unsigned(text).ok().filter(|n| *n <= 40)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        let inf = u64::MAX;
        for (text, unit, expected) in [
            ("1024:4096", RlimitUnit::Number, Some((1024, 4096))),
            ("4G", RlimitUnit::Bytes, Some((4 << 30, 4 << 30))),
            ("2min", RlimitUnit::Seconds, Some((120, 120))),
            ("1500ms", RlimitUnit::Seconds, Some((2, 2))),
            ("-5", RlimitUnit::Nice, Some((25, 25))),
            ("2s", RlimitUnit::Microseconds, Some((2_000_000, 2_000_000))),
            ("8M:infinity", RlimitUnit::Bytes, Some((8 << 20, inf))),
            ("5:4", RlimitUnit::Bytes, None),
            ("nonsense", RlimitUnit::Number, None),
            ("infinity", RlimitUnit::Nice, None),
            ("infinity", RlimitUnit::Number, Some((inf, inf))),
            ("18446744073709551615", RlimitUnit::Number, None),
            ("18446744073709551615", RlimitUnit::Bytes, None),
        ] {
            let expected = expected.map(|(soft, hard)| Rlimit { soft, hard });
            assert_eq!(parse(text, unit), expected, "{text}");
        }
    }
}
