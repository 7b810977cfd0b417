//! Calendar events (systemd.time(7), "Calendar Events"): text, normal form, next elapse.
//!
//! An event says which values each field of the clock may have; [`CalendarEvent::next_after`] looks
//! for the first wall-clock time that fits, field by field from the year down, and skips what the
//! time zone leaves out. Time zones come from the caller ([`Zones`]), the current time too.

mod component;
mod next;
mod parse;
mod zone;

use std::fmt;

use thiserror::Error;

pub(crate) use component::fraction;
pub use component::{Chain, Component};
pub(crate) use zone::split as split_zone;
pub use zone::{Utc, Zone, Zones};

/// Years before this one are over for every event, as in systemd.
pub(crate) const MIN_YEAR: i64 = 1970;
/// Years after this one never come.
pub(crate) const MAX_YEAR: i64 = 2199;

/// All days of the week.
const ALL_DAYS: u8 = 0b111_1111;

/// Why a text is no calendar event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CalendarError {
    /// Not the grammar, or a value that a field can't have.
    #[error("not a calendar event")]
    Syntax,
    /// A number that is too large, or a repetition of 0.
    #[error("number is out of range")]
    Range,
    /// Too many parts in one field.
    #[error("too many values")]
    TooLong,
}

/// One calendar event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarEvent {
    /// Days of the week, Monday is bit 0.
    pub weekdays: u8,
    /// Years.
    pub year: Chain,
    /// Months, from 1.
    pub month: Chain,
    /// Days of the month, from 1; with `counted_back` the last day is 1.
    pub day: Chain,
    /// Whether days count from the end of the month.
    pub counted_back: bool,
    /// Hours.
    pub hour: Chain,
    /// Minutes.
    pub minute: Chain,
    /// Seconds, in microseconds.
    pub second: Chain,
    /// Whose clock.
    pub zone: Zone,
}

impl CalendarEvent {
    /// Reads an event.
    pub fn parse(text: &str, zones: &dyn Zones) -> Result<CalendarEvent, CalendarError> {
        parse::parse(text, zones)
    }

    fn is_any_weekday(&self) -> bool {
        self.weekdays == ALL_DAYS
    }
}

/// The normal form.
impl fmt::Display for CalendarEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_any_weekday() {
            write_weekdays(f, self.weekdays)?;
            f.write_str(" ")?;
        }
        self.year.write(f, 4, false)?;
        f.write_str("-")?;
        self.month.write(f, 2, false)?;
        f.write_str(if self.counted_back { "~" } else { "-" })?;
        self.day.write(f, 2, false)?;
        f.write_str(" ")?;
        self.hour.write(f, 2, false)?;
        f.write_str(":")?;
        self.minute.write(f, 2, false)?;
        f.write_str(":")?;
        self.second.write(f, 2, true)?;
        match &self.zone {
            Zone::Local => Ok(()),
            Zone::Utc => f.write_str(" UTC"),
            Zone::Named { name, .. } => write!(f, " {name}"),
            Zone::Season { abbreviation, .. } => write!(f, " {abbreviation}"),
        }
    }
}

fn write_weekdays(f: &mut fmt::Formatter<'_>, days: u8) -> fmt::Result {
    const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let mut runs: Vec<Vec<&str>> = Vec::new();
    let mut open = false;
    for (number, name) in NAMES.iter().enumerate() {
        let on = days & (1 << number) != 0;
        match runs.last_mut() {
            Some(run) if on && open => run.push(name),
            _ if on => runs.push(vec![name]),
            _ => {}
        }
        open = on;
    }
    for (number, run) in runs.iter().enumerate() {
        if number > 0 {
            f.write_str(",")?;
        }
        match run.as_slice() {
            [first, _, .., last] => write!(f, "{first}..{last}")?,
            short => f.write_str(&short.join(","))?,
        }
    }
    Ok(())
}
