//! Points in time as text (systemd.time(7), "Parsing Timestamps"), in microseconds since 1970.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use thiserror::Error;

use crate::calendar::{Zone, Zones, fraction, split_zone};
use crate::parse::timespan;

/// Why a text is no point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TimestampError {
    /// Not the grammar, or a date that doesn't exist.
    #[error("not a timestamp")]
    Syntax,
    /// Before 1970, or too late for 64 bits.
    #[error("timestamp is out of range")]
    Range,
}

const SYNTAX: TimestampError = TimestampError::Syntax;

/// Shows a point in time: `Mon 2026-01-05 12:00:00 CET`.
pub fn format(usec: u64, zone: &TimeZone) -> String {
    let time = i64::try_from(usec).ok().and_then(|usec| Timestamp::from_microsecond(usec).ok());
    match time {
        Some(time) => time.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M:%S %Z").to_string(),
        None => "--- XXXX-XX-XX XX:XX:XX".to_owned(),
    }
}

/// Reads a point in time; `now` is the current time.
pub fn parse(text: &str, now: u64, zones: &dyn Zones) -> Result<u64, TimestampError> {
    let span = |text: &str| timespan::parse(text).map_err(|_| SYNTAX);
    let later = |span: u64| now.checked_add(span).ok_or(TimestampError::Range);
    let earlier = |span: u64| now.checked_sub(span).ok_or(TimestampError::Range);
    if text == "now" {
        return Ok(now);
    } else if let Some(after) = text.strip_prefix('+') {
        return later(span(after)?);
    } else if let Some(before) = text.strip_prefix('-') {
        return earlier(span(before)?);
    } else if let Some(seconds) = text.strip_prefix('@') {
        return span(seconds);
    } else if let Some(before) = text.strip_suffix(" ago") {
        return earlier(span(before)?);
    } else if let Some(after) = text.strip_suffix(" left") {
        return later(span(after)?);
    }
    let (text, zone) = split_zone(text, zones);
    let (zone, summer) = match zone {
        Zone::Local => (zones.local(), None),
        Zone::Utc => (TimeZone::UTC, None),
        Zone::Named { zone, .. } => (zone, None),
        Zone::Season { summer, .. } => (zones.local(), Some(summer)),
    };
    let instant = i64::try_from(now).ok().and_then(|now| Timestamp::from_microsecond(now).ok()).ok_or(SYNTAX)?;
    let today = zone.to_datetime(instant).date();
    let civil = civil(text, today)?;
    let choice = zone.to_ambiguous_timestamp(civil);
    let time = match summer {
        // The second of two equal times is the one after the end of summer time.
        Some(false) => choice.later(),
        Some(true) | None => choice.compatible(),
    };
    let usec = time.map_err(|_| SYNTAX)?.as_microsecond();
    u64::try_from(usec).map_err(|_| TimestampError::Range)
}

/// A date with a time, one of both, or a word for a day.
fn civil(text: &str, today: Date) -> Result<DateTime, TimestampError> {
    let midnight = |date: Date| date.to_datetime(Time::midnight());
    let moved = |days: i64| today.checked_add(days.days()).map(midnight).map_err(|_| SYNTAX);
    match text {
        "today" => return moved(0),
        "yesterday" => return moved(-1),
        "tomorrow" => return moved(1),
        _ => {}
    }
    let (weekday, rest) = weekday(text);
    let mut words = rest.split_ascii_whitespace();
    let (first, second) = (words.next().ok_or(SYNTAX)?, words.next());
    if words.next().is_some() {
        return Err(SYNTAX);
    }
    let at = match second {
        Some(clock) => date(first)?.to_datetime(time(clock)?),
        None if first.contains(':') => today.to_datetime(time(first)?),
        None => midnight(date(first)?),
    };
    let fits = weekday.is_none_or(|day| at.date().weekday().to_monday_zero_offset() == day);
    if fits { Ok(at) } else { Err(SYNTAX) }
}

fn weekday(text: &str) -> (Option<i8>, &str) {
    const NAMES: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let Some((word, rest)) = text.split_once([' ', ',']) else { return (None, text) };
    let word = word.to_ascii_lowercase();
    let found = (0..).zip(NAMES).find(|(_, name)| word == *name || name.get(..3) == Some(word.as_str()));
    match found {
        Some((number, _)) => (Some(number), rest),
        None => (None, text),
    }
}

fn number<T: std::str::FromStr>(text: Option<&str>) -> Result<T, TimestampError> {
    let digits = text.filter(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit())).ok_or(SYNTAX)?;
    digits.parse().map_err(|_| SYNTAX)
}

fn date(text: &str) -> Result<Date, TimestampError> {
    let mut parts = text.split('-');
    let year = parts.next();
    let short = year.is_some_and(|year| year.len() <= 2);
    let year: i16 = match number(year)? {
        year @ 0..69 if short => year + 2000,
        year if short => year + 1900,
        year => year,
    };
    let (month, day) = (number(parts.next())?, number(parts.next())?);
    if parts.next().is_some() {
        return Err(SYNTAX);
    }
    Date::new(year, month, day).map_err(|_| SYNTAX)
}

fn time(text: &str) -> Result<Time, TimestampError> {
    let (clock, decimals) = match text.split_once('.') {
        Some((clock, decimals)) => (clock, Some(decimals)),
        None => (text, None),
    };
    let mut parts = clock.split(':');
    let (hour, minute) = (number(parts.next())?, number(parts.next())?);
    let second = parts.next();
    if parts.next().is_some() || (second.is_none() && decimals.is_some()) {
        return Err(SYNTAX);
    }
    let second: i8 = if second.is_some() { number(second)? } else { 0 };
    let micro = match decimals {
        Some(text) if text.bytes().all(|b| b.is_ascii_digit()) => fraction(text).ok_or(SYNTAX)?,
        Some(_) => return Err(SYNTAX),
        None => 0,
    };
    let nano = i32::try_from(micro.min(999_999) * 1000).map_err(|_| SYNTAX)?;
    Time::new(hour, minute, second, nano).map_err(|_| SYNTAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Utc;

    #[test]
    fn points_in_time() {
        const NOW: u64 = 1_767_614_400_000_000; // Mon 2026-01-05 12:00:00 UTC
        for (text, shown) in [
            ("now", "Mon 2026-01-05 12:00:00 UTC"),
            ("today", "Mon 2026-01-05 00:00:00 UTC"),
            ("yesterday", "Sun 2026-01-04 00:00:00 UTC"),
            ("tomorrow", "Tue 2026-01-06 00:00:00 UTC"),
            ("+3h30min", "Mon 2026-01-05 15:30:00 UTC"),
            ("-5s", "Mon 2026-01-05 11:59:55 UTC"),
            ("11min ago", "Mon 2026-01-05 11:49:00 UTC"),
            ("@1395716396", "Tue 2014-03-25 02:59:56 UTC"),
            ("Fri 2012-11-23 11:12:13", "Fri 2012-11-23 11:12:13 UTC"),
            ("2012-11-23 11:12:13 UTC", "Fri 2012-11-23 11:12:13 UTC"),
            ("12-11-23 11:12", "Fri 2012-11-23 11:12:00 UTC"),
            ("2012-11-23", "Fri 2012-11-23 00:00:00 UTC"),
            ("11:12:13.9", "Mon 2026-01-05 11:12:13 UTC"),
            ("11:12", "Mon 2026-01-05 11:12:00 UTC"),
        ] {
            let usec = parse(text, NOW, &Utc).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(format(usec, &TimeZone::UTC), shown, "{text}");
        }
        for bad in ["", "Mon 2012-11-23", "2012-13-01", "25:00", "1 2 3", "soon", "2012-11-23 11:12:13 XYZ", "1.5"] {
            assert!(parse(bad, NOW, &Utc).is_err(), "{bad}");
        }
    }
}
