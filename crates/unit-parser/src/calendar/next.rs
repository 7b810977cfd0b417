//! When a calendar event comes next.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::component::{Chain, SECOND};
use super::zone::Zone;
use super::{CalendarEvent, MAX_YEAR};

/// How many times that the zone leaves out are skipped; more than a century of summer times.
const MAX_SKIPS: usize = 100_000;

/// A wall-clock time as the fields that are searched: year, month, day, hour, minute, microsecond.
type Fields = [i64; 6];

/// The least values of the fields.
const FIRST: Fields = [0, 1, 1, 0, 0, 0];

impl CalendarEvent {
    /// The first elapse after `usec` (microseconds since 1970), `None` if there is none before the
    /// year 2200. `local` is the zone for events that name none.
    pub fn next_after(&self, usec: u64, local: &TimeZone) -> Option<u64> {
        let zone = match &self.zone {
            Zone::Local | Zone::Season { .. } => local,
            Zone::Utc => &TimeZone::UTC,
            Zone::Named { zone, .. } => zone,
        };
        let after = i64::try_from(usec).ok().and_then(|usec| Timestamp::from_microsecond(usec).ok())?;
        let earliest = Timestamp::from_microsecond(after.as_microsecond().checked_add(1)?).ok()?;
        if matches!(&self.zone, Zone::Season { summer, .. } if is_summer(zone, earliest) != *summer) {
            return None;
        }
        let mut from = fields_of(zone.to_datetime(earliest));
        for _ in 0..MAX_SKIPS {
            let found = self.first_from(from)?;
            match self.place(found, zone, after)? {
                Placed::At(time) => return u64::try_from(time.as_microsecond()).ok(),
                Placed::Resume(later) => from = later,
            }
        }
        None
    }

    /// The first wall-clock time from `from` on that fits, by the calendar alone.
    fn first_from(&self, mut from: Fields) -> Option<Fields> {
        loop {
            match self.first_in(from, 0) {
                Ok(found) => return Some(found),
                Err(field) => from = bump(from, field)?,
            }
        }
    }

    /// Settles the fields from `at` on. `Err(n)`: field n has no fitting value left, the one before
    /// it has to move on.
    fn first_in(&self, from: Fields, at: usize) -> Result<Fields, usize> {
        let Some(now) = from.get(at).copied() else { return Ok(from) };
        let (chain, last) = match at {
            0 => (&self.year, MAX_YEAR),
            1 => (&self.month, 12),
            2 => return self.first_day(from),
            3 => (&self.hour, 23),
            4 => (&self.minute, 59),
            _ => (&self.second, 60 * SECOND - 1),
        };
        let value = chain.at_or_after(now).filter(|value| *value <= last).ok_or(at)?;
        self.first_in(raise(from, at, value), at + 1)
    }

    fn first_day(&self, from: Fields) -> Result<Fields, usize> {
        let [year, month, mut day, ..] = from;
        let length = days_in(year, month).ok_or(2usize)?;
        let flipped: Chain;
        let chain = if self.from_end {
            flipped = self.day.from_end(length);
            &flipped
        } else {
            &self.day
        };
        loop {
            let value = chain.at_or_after(day).filter(|value| *value <= length).ok_or(2usize)?;
            if self.is_on_weekday(year, month, value) {
                return self.first_in(raise(from, 2, value), 3);
            }
            day = value + 1;
        }
    }

    fn is_on_weekday(&self, year: i64, month: i64, day: i64) -> bool {
        self.is_any_weekday()
            || date(year, month, day)
                .is_some_and(|date| self.weekdays & (1 << date.weekday().to_monday_zero_offset()) != 0)
    }

    /// The instant of a wall-clock time in a zone, or from where to search on if the zone leaves it
    /// out. `None`: it is not in the season that the event names. systemd looks no further then, so
    /// such an event is over until the clock is in its season again.
    fn place(&self, found: Fields, zone: &TimeZone, after: Timestamp) -> Option<Placed> {
        let civil = datetime(found)?;
        let instant = |offset: Offset| offset.to_timestamp(civil).ok();
        let in_season = |time: &Timestamp| match &self.zone {
            Zone::Season { summer, .. } => is_summer(zone, *time) == *summer,
            Zone::Local | Zone::Utc | Zone::Named { .. } => true,
        };
        let candidates = match zone.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => [instant(offset), None],
            AmbiguousOffset::Fold { before, after } => [instant(before), instant(after)],
            // The clock jumps over it: search on from where it lands.
            AmbiguousOffset::Gap { before, after } => {
                let jump = i64::from(after.seconds() - before.seconds());
                return gap_end(zone, instant(after)?, jump).map(Placed::Resume);
            }
        };
        let in_season: Vec<Timestamp> = candidates.into_iter().flatten().filter(in_season).collect();
        if in_season.is_empty() {
            return None;
        }
        match in_season.into_iter().find(|time| *time > after) {
            Some(time) => Some(Placed::At(time)),
            None => bump(found, 6).map(Placed::Resume),
        }
    }
}

enum Placed {
    At(Timestamp),
    Resume(Fields),
}

fn is_summer(zone: &TimeZone, time: Timestamp) -> bool {
    zone.to_offset_info(time).dst().is_dst()
}

/// The wall-clock time right after a jump of the clock; `before` is less than the jump before it.
fn gap_end(zone: &TimeZone, before: Timestamp, jump: i64) -> Option<Fields> {
    let earlier = Timestamp::from_second(before.as_second().checked_sub(jump)?).ok()?;
    let transition = zone.following(earlier).next()?;
    Some(fields_of(zone.to_datetime(transition.timestamp())))
}

fn fields_of(at: DateTime) -> Fields {
    let micro = i64::from(at.subsec_nanosecond() / 1000);
    [
        i64::from(at.year()),
        i64::from(at.month()),
        i64::from(at.day()),
        i64::from(at.hour()),
        i64::from(at.minute()),
        i64::from(at.second()) * SECOND + micro,
    ]
}

fn date(year: i64, month: i64, day: i64) -> Option<Date> {
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn days_in(year: i64, month: i64) -> Option<i64> {
    date(year, month, 1).map(|date| i64::from(date.days_in_month()))
}

fn datetime([year, month, day, hour, minute, micro]: Fields) -> Option<DateTime> {
    let small = |value: i64| i8::try_from(value).ok();
    let nanosecond = i32::try_from(micro % SECOND * 1000).ok()?;
    let (hour, minute, second) = (small(hour)?, small(minute)?, small(micro / SECOND)?);
    Some(date(year, month, day)?.at(hour, minute, second, nanosecond))
}

/// Sets a field; the lower ones start over if that is later than before.
fn raise(mut fields: Fields, at: usize, value: i64) -> Fields {
    let old = fields.get(at).copied().unwrap_or(value);
    for (number, (field, first)) in fields.iter_mut().zip(FIRST).enumerate() {
        if number == at {
            *field = value;
        } else if number > at && value != old {
            *field = first;
        }
    }
    fields
}

/// The first wall-clock time after all those that share the fields before `field` with this one.
fn bump(fields: Fields, field: usize) -> Option<Fields> {
    let mut at = field;
    // The field before moves on, and its own predecessor if it is at its end.
    while at > 0 {
        at -= 1;
        let [year, month, ..] = fields;
        let last = match at {
            0 => i64::MAX,
            1 => 12,
            2 => days_in(year, month)?,
            3 => 23,
            4 => 59,
            _ => 60 * SECOND - 1,
        };
        let value = fields.get(at).copied()?;
        if value < last {
            return Some(raise(fields, at, value + 1));
        }
    }
    None
}
