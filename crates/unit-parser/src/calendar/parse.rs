//! Text to calendar events.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::component::Chain;
use super::zone::{self, Zone, Zones};
use super::{ALL_DAYS, CalendarError, CalendarEvent, MAX_YEAR, MIN_YEAR};

const SYNTAX: CalendarError = CalendarError::Syntax;

/// Days of the week; longer words first, the first that fits counts.
const WEEKDAYS: &[(&str, u8)] = &[
    ("monday", 0),
    ("mon", 0),
    ("tuesday", 1),
    ("tue", 1),
    ("wednesday", 2),
    ("wed", 2),
    ("thursday", 3),
    ("thu", 3),
    ("friday", 4),
    ("fri", 4),
    ("saturday", 5),
    ("sat", 5),
    ("sunday", 6),
    ("sun", 6),
];

pub(super) fn parse(text: &str, zones: &dyn Zones) -> Result<CalendarEvent, CalendarError> {
    let (text, zone) = zone::split(text, zones);
    let mut event = CalendarEvent {
        weekdays: ALL_DAYS,
        year: Chain::default(),
        month: Chain::default(),
        day: Chain::default(),
        counted_back: false,
        hour: Chain::default(),
        minute: Chain::default(),
        second: Chain::default(),
        zone,
    };
    if text.is_empty() {
        return Err(SYNTAX);
    }
    if !shorthand(text, &mut event) {
        let rest = weekdays(text, &mut event)?;
        match rest.strip_prefix('@') {
            Some(number) => timestamp(number, &mut event)?,
            None => {
                let rest = date(rest, &mut event)?;
                time(rest, &mut event)?;
            }
        }
    }
    normalize(&mut event);
    if is_possible(&event) { Ok(event) } else { Err(SYNTAX) }
}

/// `daily` and its like.
fn shorthand(text: &str, event: &mut CalendarEvent) -> bool {
    let zero = || Chain::values(&[0]);
    let word = text.to_ascii_lowercase();
    let (month, day, hour, minute) = match word.as_str() {
        "minutely" => (Chain::default(), Chain::default(), Chain::default(), Chain::default()),
        "hourly" => (Chain::default(), Chain::default(), Chain::default(), zero()),
        "daily" | "weekly" => (Chain::default(), Chain::default(), zero(), zero()),
        "monthly" => (Chain::default(), Chain::values(&[1]), zero(), zero()),
        // The word with one n is in systemd's list too.
        "annually" | "yearly" | "anually" => (Chain::values(&[1]), Chain::values(&[1]), zero(), zero()),
        "quarterly" => (Chain::values(&[1, 4, 7, 10]), Chain::values(&[1]), zero(), zero()),
        "biannually" | "bi-annually" | "semiannually" | "semi-annually" => {
            (Chain::values(&[1, 7]), Chain::values(&[1]), zero(), zero())
        }
        _ => return false,
    };
    if word == "weekly" {
        event.weekdays = 1;
    }
    (event.month, event.day, event.hour, event.minute, event.second) = (month, day, hour, minute, zero());
    true
}

fn weekday(text: &str) -> Option<(u8, &str)> {
    WEEKDAYS.iter().find_map(|(name, number)| {
        let head = text.get(..name.len())?;
        head.eq_ignore_ascii_case(name).then(|| (*number, text.get(name.len()..).unwrap_or("")))
    })
}

/// Reads days of the week from the start of the text; the rest.
fn weekdays<'a>(text: &'a str, event: &mut CalendarEvent) -> Result<&'a str, CalendarError> {
    if weekday(text).is_none() {
        return Ok(text);
    }
    event.weekdays = 0;
    let mut rest = text;
    let mut range_from: Option<u8> = None;
    loop {
        let (day, after) = weekday(rest).ok_or(SYNTAX)?;
        let first = range_from.unwrap_or(day);
        if first > day {
            return Err(SYNTAX);
        }
        for number in first..=day {
            event.weekdays |= 1 << number;
        }
        if after.is_empty() || after.starts_with(' ') {
            return Ok(after.trim_start_matches(' '));
        }
        // A single dash is how ranges were written in the beginning.
        if let Some(next) = after.strip_prefix("..").or(after.strip_prefix('-')) {
            if range_from.is_some() {
                return Err(SYNTAX);
            }
            range_from = Some(day);
            rest = next;
        } else if let Some(next) = after.strip_prefix(',') {
            range_from = None;
            rest = next;
        } else {
            return Err(SYNTAX);
        }
        // A comma may be the last, a range must have its end.
        if rest.is_empty() || rest.starts_with(' ') {
            return if range_from.is_none() { Ok(rest.trim_start_matches(' ')) } else { Err(SYNTAX) };
        }
    }
}

/// `@` and the seconds since 1970.
fn timestamp(text: &str, event: &mut CalendarEvent) -> Result<(), CalendarError> {
    let digits = text.trim_start();
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(SYNTAX);
    }
    let seconds: i64 = digits.parse().map_err(|_| CalendarError::Range)?;
    let instant = Timestamp::from_second(seconds).map_err(|_| SYNTAX)?;
    let at = TimeZone::UTC.to_datetime(instant);
    let value = |number: i8| Chain::values(&[i64::from(number)]);
    event.year = Chain::values(&[i64::from(at.year())]);
    (event.month, event.day, event.hour, event.minute) =
        (value(at.month()), value(at.day()), value(at.hour()), value(at.minute()));
    event.second = Chain::values(&[i64::from(at.second()) * super::component::SECOND]);
    event.zone = Zone::Utc;
    Ok(())
}

fn is_end_of_date(text: &str) -> bool {
    text.is_empty() || text.starts_with(' ')
}

/// Reads `year-month-day`, `month-day` or nothing from the start of the text; the rest.
fn date<'a>(text: &'a str, event: &mut CalendarEvent) -> Result<&'a str, CalendarError> {
    if text.is_empty() {
        return Ok(text);
    }
    let (first, rest) = Chain::parse(text, false)?;
    if rest.is_empty() || rest.starts_with(':') {
        // It is a time.
        return Ok(text);
    }
    let (counted_back, rest) = date_separator(rest)?;
    let (second, rest) = Chain::parse(rest, false)?;
    event.counted_back = counted_back;
    if is_end_of_date(rest) {
        (event.month, event.day) = (first, second);
        return Ok(rest.trim_start_matches(' '));
    }
    if counted_back {
        return Err(SYNTAX);
    }
    let (counted_back, rest) = date_separator(rest)?;
    let (third, rest) = Chain::parse(rest, false)?;
    if !is_end_of_date(rest) {
        return Err(SYNTAX);
    }
    event.counted_back = counted_back;
    (event.year, event.month, event.day) = (first, second, third);
    Ok(rest.trim_start_matches(' '))
}

/// `-`, or `~` where the days count from the end of the month.
fn date_separator(text: &str) -> Result<(bool, &str), CalendarError> {
    if let Some(rest) = text.strip_prefix('~') {
        return Ok((true, rest));
    }
    text.strip_prefix('-').map(|rest| (false, rest)).ok_or(SYNTAX)
}

/// Reads `hour:minute:second`, `hour:minute` or nothing, which is midnight.
fn time(text: &str, event: &mut CalendarEvent) -> Result<(), CalendarError> {
    let zero = || Chain::values(&[0]);
    if text.is_empty() {
        (event.hour, event.minute, event.second) = (zero(), zero(), zero());
        return Ok(());
    }
    let (hour, rest) = Chain::parse(text, false)?;
    let (minute, rest) = Chain::parse(rest.strip_prefix(':').ok_or(SYNTAX)?, false)?;
    let second = if rest.is_empty() {
        zero()
    } else {
        let (second, rest) = Chain::parse(rest.strip_prefix(':').ok_or(SYNTAX)?, true)?;
        if !rest.is_empty() {
            return Err(SYNTAX);
        }
        second
    };
    (event.hour, event.minute, event.second) = (hour, minute, second);
    Ok(())
}

fn normalize(event: &mut CalendarEvent) {
    if matches!(&event.zone, Zone::Named { name, .. } if name == "UTC") {
        event.zone = Zone::Utc;
    }
    if event.day.is_any() {
        event.counted_back = false;
    }
    event.year.fix_years();
    for chain in fields(event) {
        chain.normalize();
    }
}

fn fields(event: &mut CalendarEvent) -> [&mut Chain; 6] {
    let CalendarEvent { year, month, day, hour, minute, second, .. } = event;
    [year, month, day, hour, minute, second]
}

fn is_possible(event: &CalendarEvent) -> bool {
    event.year.is_within(MIN_YEAR, MAX_YEAR, false)
        && event.month.is_within(1, 12, false)
        && event.day.is_within(1, 31, event.counted_back)
        && event.hour.is_within(0, 23, false)
        && event.minute.is_within(0, 59, false)
        && event.second.is_within(0, 60 * super::component::SECOND - 1, false)
}
