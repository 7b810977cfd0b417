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

/// Microseconds in a minute.
const MINUTE: i64 = 60 * SECOND;

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
        let mut from = fields_of(zone.to_datetime(earliest));
        for _ in 0..MAX_SKIPS {
            let found = self.first_from(from, &|at| match &self.zone {
                Zone::Season { summer, .. } => is_in_season(zone, at, *summer),
                Zone::Local | Zone::Utc | Zone::Named { .. } => true,
            })?;
            match self.place(found, zone, after)? {
                Placed::At(time) => return u64::try_from(time.as_microsecond()).ok(),
                Placed::Resume(later) => from = later,
            }
        }
        None
    }

    /// The first wall-clock time from `from` on that fits, by the calendar alone. systemd asks of all
    /// times at which its search comes by, not only of the one that it finds, whether the clock is in the
    /// season that the event names, and gives up where it isn't: such an event is over until then.
    fn first_from(&self, mut from: Fields, in_season: &dyn Fn(Fields) -> bool) -> Option<Fields> {
        loop {
            let [year, ..] = from;
            if self.year.at_or_after(year) == Some(year) && !in_season(from) {
                return None;
            }
            match self.first_in(from, 0) {
                Ok(found) => return steps_to(from, found).all(in_season).then_some(found),
                Err(resume) => from = resume?,
            }
        }
    }

    /// Settles the fields from `at` on. `Err` is from where to search on when a field has no fitting
    /// value left; `None`: nowhere.
    fn first_in(&self, from: Fields, at: usize) -> Result<Fields, Option<Fields>> {
        let Some(now) = from.get(at).copied() else { return Ok(from) };
        let (chain, last) = match at {
            0 => (&self.year, MAX_YEAR),
            1 => (&self.month, 12),
            2 => return self.first_day(from),
            3 => (&self.hour, 23),
            4 => (&self.minute, 59),
            _ => (&self.second, MINUTE - 1),
        };
        let value = chain.at_or_after(now).ok_or_else(|| bump(from, at))?;
        if value > last {
            return Err(overshoot(raise(from, at, value), at));
        }
        self.first_in(raise(from, at, value), at + 1)
    }

    fn first_day(&self, mut from: Fields) -> Result<Fields, Option<Fields>> {
        let [year, month, ..] = from;
        let length = days_in(year, month).ok_or(None)?;
        let flipped: Chain;
        let chain = if self.counted_back {
            flipped = self.day.counted_back(length);
            &flipped
        } else {
            &self.day
        };
        loop {
            let [_, _, day, ..] = from;
            let value = chain.at_or_after(day).ok_or_else(|| bump(from, 2))?;
            from = raise(from, 2, value);
            if value > length {
                return Err(overshoot(from, 2));
            }
            if self.is_on_weekday(year, month, value) {
                return self.first_in(from, 3);
            }
            from = if value < length { raise(from, 2, value + 1) } else { return Err(bump(from, 2)) };
        }
    }

    fn is_on_weekday(&self, year: i64, month: i64, day: i64) -> bool {
        self.is_any_weekday()
            || date(year, month, day)
                .is_some_and(|date| self.weekdays & (1 << date.weekday().to_monday_zero_offset()) != 0)
    }

    /// The instant of a wall-clock time in a zone, or from where to search on if the zone leaves it out.
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
        let time = candidates.into_iter().flatten().filter(in_season).find(|time| *time > after);
        time.map(Placed::At).or_else(|| bump(found, 6).map(Placed::Resume))
    }
}

enum Placed {
    At(Timestamp),
    Resume(Fields),
}

/// The start of the year, month, ... on the way to a wall-clock time, for those fields that change.
fn steps_to(from: Fields, found: Fields) -> impl Iterator<Item = Fields> {
    let moved = from.iter().zip(&found).position(|(from, found)| from != found).unwrap_or(6);
    (moved..6).map(move |last| {
        let mut step = FIRST;
        for (field, value) in step.iter_mut().zip(found).take(last + 1) {
            *field = value;
        }
        step
    })
}

fn is_in_season(zone: &TimeZone, at: Fields, summer: bool) -> bool {
    let Some(civil) = datetime(at) else { return false };
    let fits = |offset: Offset| offset.to_timestamp(civil).is_ok_and(|time| is_summer(zone, time) == summer);
    match zone.to_ambiguous_timestamp(civil).offset() {
        AmbiguousOffset::Unambiguous { offset } => fits(offset),
        AmbiguousOffset::Fold { before, after } => fits(before) || fits(after),
        AmbiguousOffset::Gap { .. } => false,
    }
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
        let value = fields.get(at).copied()?;
        if value < last_of(fields, at)? {
            return Some(raise(fields, at, value + 1));
        }
    }
    None
}

fn last_of([year, month, ..]: Fields, at: usize) -> Option<i64> {
    match at {
        0 => Some(MAX_YEAR),
        1 => Some(12),
        2 => days_in(year, month),
        3 => Some(23),
        4 => Some(59),
        _ => Some(MINUTE - 1),
    }
}

/// From where systemd searches on when a repetition steps over the end of its field, at `at`. It counts
/// what is too much into the fields above, as mktime(3) does. Then it sets back the field below the
/// highest one that changed, but not those below that. So `*:1/7` doesn't come at 00:01, though it
/// comes at 01:01: from 23:57 it steps to 24:04, which is 00:04.
fn overshoot(fields: Fields, at: usize) -> Option<Fields> {
    let mut counted = fields;
    for place in (1..=at).rev() {
        loop {
            let first = FIRST.get(place).copied()?;
            let last = last_of(counted, place)?;
            let value = counted.get(place).copied()?;
            if value <= last {
                break;
            }
            *counted.get_mut(place)? = value - (last - first + 1);
            let above = counted.get_mut(place - 1)?;
            *above += 1;
            // The length of the next month is asked for only if there is one.
            if place == 2 && counted[1] > 12 {
                counted[1] = 1;
                counted[0] += 1;
            }
        }
    }
    let changed = counted.iter().zip(&fields).position(|(counted, field)| counted != field)?;
    match changed + 1 {
        // Whole seconds are set back, what is below stays.
        5 => counted[5] %= SECOND,
        below => *counted.get_mut(below)? = FIRST.get(below).copied()?,
    }
    (counted[0] <= MAX_YEAR).then_some(counted)
}
