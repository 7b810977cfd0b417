//! Time spans (systemd.time(7), "Parsing Time Spans").

use thiserror::Error;

/// "infinity".
pub const INFINITY: u64 = u64::MAX;

/// Why a text is no time span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TimeSpanError {
    /// Not the grammar of time spans.
    #[error("not a time span")]
    Syntax,
    /// Negative, or too long for 64 bits.
    #[error("time span is out of range")]
    Range,
}

const SEC: u64 = 1_000_000;

/// Units with their length in microseconds. The first that fits counts, so longer words come first.
const USEC_UNITS: &[(&str, u64)] = &[
    ("seconds", SEC),
    ("second", SEC),
    ("sec", SEC),
    ("s", SEC),
    ("minutes", 60 * SEC),
    ("minute", 60 * SEC),
    ("min", 60 * SEC),
    ("months", 2_629_800 * SEC),
    ("month", 2_629_800 * SEC),
    ("M", 2_629_800 * SEC),
    ("msec", 1000),
    ("ms", 1000),
    ("m", 60 * SEC),
    ("hours", 3600 * SEC),
    ("hour", 3600 * SEC),
    ("hr", 3600 * SEC),
    ("h", 3600 * SEC),
    ("days", 86400 * SEC),
    ("day", 86400 * SEC),
    ("d", 86400 * SEC),
    ("weeks", 604_800 * SEC),
    ("week", 604_800 * SEC),
    ("w", 604_800 * SEC),
    ("years", 31_557_600 * SEC),
    ("year", 31_557_600 * SEC),
    ("y", 31_557_600 * SEC),
    ("usec", 1),
    ("us", 1),
    ("\u{b5}s", 1),
    ("\u{3bc}s", 1),
];

/// Units in nanoseconds that are shorter than a microsecond.
const NSEC_UNITS: &[(&str, u64)] = &[("nsec", 1), ("ns", 1)];

/// Reads a time span into microseconds; a number without a unit counts seconds.
pub fn parse(text: &str) -> Result<u64, TimeSpanError> {
    parse_with(text, SEC, &|rest| unit(rest, USEC_UNITS, 1))
}

/// Reads a time span into microseconds; a number without a unit counts microseconds.
pub fn parse_usec(text: &str) -> Result<u64, TimeSpanError> {
    parse_with(text, 1, &|rest| unit(rest, USEC_UNITS, 1))
}

/// Reads a time span into nanoseconds; a number without a unit counts nanoseconds.
pub fn parse_nsec(text: &str) -> Result<u64, TimeSpanError> {
    parse_with(text, 1, &|rest| unit(rest, NSEC_UNITS, 1).or_else(|| unit(rest, USEC_UNITS, 1000)))
}

fn unit(rest: &str, units: &[(&str, u64)], scale: u64) -> Option<(u64, usize)> {
    let (word, length) = units.iter().find(|(word, _)| rest.starts_with(word))?;
    Some((length.saturating_mul(scale), word.len()))
}

fn skip_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

fn take_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn parse_with(text: &str, default: u64, unit: &dyn Fn(&str) -> Option<(u64, usize)>) -> Result<u64, TimeSpanError> {
    let mut rest = skip_space(text);
    if let Some(after) = rest.strip_prefix("infinity") {
        return if skip_space(after).is_empty() { Ok(INFINITY) } else { Err(TimeSpanError::Syntax) };
    }
    if rest.is_empty() {
        return Err(TimeSpanError::Syntax);
    }
    let mut total = 0u64;
    while !rest.is_empty() {
        if rest.starts_with('-') {
            return Err(TimeSpanError::Range);
        }
        let (whole, after) = take_digits(rest.strip_prefix('+').unwrap_or(rest));
        let fraction = after.strip_prefix('.').map(take_digits);
        if whole.is_empty() && fraction.is_none() {
            return Err(TimeSpanError::Syntax);
        }
        let (digits, after) = fraction.unwrap_or(("", after));
        if fraction.is_some() && digits.is_empty() {
            return Err(TimeSpanError::Syntax);
        }
        let spaced = skip_space(after);
        let (length, next) = match unit(spaced) {
            Some((length, used)) => (length, spaced.get(used..).unwrap_or("")),
            // Without a unit the next number needs a space before it: no "12.34.56".
            None if spaced.len() == after.len() && !after.is_empty() => return Err(TimeSpanError::Syntax),
            None => (default, spaced),
        };
        // systemd reads signed numbers.
        let number: i64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| TimeSpanError::Range)? };
        let part = number
            .unsigned_abs()
            .checked_mul(length)
            .and_then(|n| n.checked_add(fraction_of(digits, length)))
            .ok_or(TimeSpanError::Range)?;
        total = total.checked_add(part).filter(|n| *n < INFINITY).ok_or(TimeSpanError::Range)?;
        rest = skip_space(next);
    }
    Ok(total)
}

/// The digits after the point, in units of `length`, digit by digit as systemd rounds.
fn fraction_of(digits: &str, length: u64) -> u64 {
    let mut step = length / 10;
    let mut sum = 0;
    for digit in digits.bytes() {
        sum += u64::from(digit - b'0') * step;
        step /= 10;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (text, usec) in [
            ("20", 20_000_000),
            ("5min 20s", 320_000_000),
            ("1.5h", 5_400_000_000),
            ("100ms", 100_000),
            ("250us", 250),
            ("2d 3h", 183_600_000_000),
            ("1month", 2_629_800_000_000),
            ("1y", 31_557_600_000_000),
            ("0", 0),
            ("infinity", INFINITY),
            (" infinity ", INFINITY),
            ("1h30", 3_630_000_000),
            ("3 sec", 3_000_000),
            ("55s500ms", 55_500_000),
            ("1.25", 1_250_000),
            (".5", 500_000),
            ("0.000001", 1),
            ("1M", 2_629_800_000_000),
            ("1m", 60_000_000),
            (" 7 ", 7_000_000),
            ("12.34 .56", 12_900_000),
            ("1d1h1m1s", 90_061_000_000),
        ] {
            assert_eq!(parse(text), Ok(usec), "{text}");
        }
        for bad in
            ["", "-5", "nonsense", "5 parsecs", "99999999999999999999s", "12.34.56", "3.", "3.sec", "infinitys", "1s-"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_nsec("5us"), Ok(5000));
        assert_eq!(parse_nsec("7"), Ok(7));
        assert_eq!(parse_usec("7"), Ok(7));
    }
}
