//! One field of a calendar event: `*`, or values, ranges and repetitions.

use std::fmt;

use super::CalendarError;

/// Microseconds in a second: the field of seconds counts microseconds.
pub(super) const SECOND: i64 = 1_000_000;

/// How many components one field may have.
const MAX_COMPONENTS: usize = 241;

/// The largest number in an expression.
const MAX_NUMBER: i64 = i32::MAX as i64;

/// `start`, `start..stop`, `start/repeat` or `start..stop/repeat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Component {
    /// The first value.
    pub start: i64,
    /// The last value of a range.
    pub stop: Option<i64>,
    /// The step, 0 for a single value.
    pub repeat: i64,
}

impl Component {
    fn value(start: i64) -> Component {
        Component { start, stop: None, repeat: 0 }
    }

    /// The first value from `at` on.
    fn at_or_after(&self, at: i64) -> Option<i64> {
        if self.start >= at {
            return Some(self.start);
        }
        if self.repeat <= 0 {
            return None;
        }
        let steps = (at - self.start + self.repeat - 1) / self.repeat;
        let value = self.start + steps * self.repeat;
        self.stop.is_none_or(|stop| value <= stop).then_some(value)
    }
}

/// All components of one field; none stands for `*`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chain(pub Vec<Component>);

impl Chain {
    /// Exactly these values.
    pub(super) fn values(values: &[i64]) -> Chain {
        Chain(values.iter().copied().map(Component::value).collect())
    }

    /// Any value.
    pub fn is_any(&self) -> bool {
        self.0.is_empty()
    }

    /// The first value from `at` on; `at` itself if any will do.
    pub(super) fn at_or_after(&self, at: i64) -> Option<i64> {
        if self.is_any() {
            return Some(at);
        }
        self.0.iter().filter_map(|c| c.at_or_after(at)).min()
    }

    /// The same field counted from the last day of a month of `length` days: `1` is the last day.
    pub(super) fn counted_back(&self, length: i64) -> Chain {
        let flip = |value: i64| length + 1 - value;
        let components = self.0.iter().map(|c| match c.stop {
            Some(stop) => Component { start: flip(stop), stop: Some(flip(c.start)), repeat: c.repeat },
            None => Component { start: flip(c.start), ..*c },
        });
        Chain(components.collect())
    }

    /// Two-digit years mean 1970 to 2069.
    pub(super) fn fix_years(&mut self) {
        let fix = |year: i64| match year {
            0..70 => year + 2000,
            70..100 => year + 1900,
            other => other,
        };
        for component in &mut self.0 {
            component.start = fix(component.start);
            component.stop = component.stop.map(fix);
        }
    }

    /// Ranges end with a value that they reach; sorted, without doubles.
    pub(super) fn normalize(&mut self) {
        for c in &mut self.0 {
            if let Some(stop) = &mut c.stop
                && *stop > c.start
                && c.repeat > 0
            {
                *stop -= (*stop - c.start) % c.repeat;
            }
            let unreachable = c.stop.is_some_and(|stop| stop > c.start && c.repeat > 0 && c.start + c.repeat > stop);
            if unreachable || c.stop == Some(c.start) {
                c.repeat = 0;
                c.stop = None;
            }
        }
        self.0.sort_unstable();
        self.0.dedup();
    }

    /// Whether all values are within these bounds, and each repetition happens at least once.
    pub(super) fn is_within(&self, from: i64, to: i64, counted_back: bool) -> bool {
        let mut to = to;
        self.0.iter().all(|c| {
            if counted_back {
                // Only 28 days count from the end of every month. systemd takes these three off again
                // for each further part of a list, and refuses what that leaves no room for.
                to -= 3;
            }
            let reaches = match c.stop {
                Some(stop) => stop >= from && stop <= to && c.start + c.repeat <= stop,
                None if counted_back => c.start - c.repeat >= from,
                None => c.start + c.repeat <= to,
            };
            c.start >= from && c.start <= to && c.repeat <= to - from && reaches
        })
    }

    /// Reads one field from the start of the text; the rest.
    pub(super) fn parse(text: &str, seconds: bool) -> Result<(Chain, &str), CalendarError> {
        if let Some(rest) = text.strip_prefix('*') {
            let every = Component { start: 0, stop: None, repeat: SECOND };
            return Ok((Chain(if seconds { vec![every] } else { Vec::new() }), rest));
        }
        let mut chain = Vec::new();
        let mut rest = text;
        loop {
            if chain.len() >= MAX_COMPONENTS {
                return Err(CalendarError::TooLong);
            }
            let (component, after) = parse_component(rest, seconds)?;
            chain.push(component);
            match after.strip_prefix(',') {
                Some(next) => rest = next,
                None => return Ok((Chain(chain), after)),
            }
        }
    }

    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>, width: usize, seconds: bool) -> fmt::Result {
        let every_second = seconds && self.0 == [Component { start: 0, stop: None, repeat: SECOND }];
        if self.is_any() || every_second {
            return f.write_str("*");
        }
        let unit = if seconds { SECOND } else { 1 };
        for (number, c) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str(",")?;
            }
            write_number(f, c.start, width, unit)?;
            if let Some(stop) = c.stop.filter(|stop| *stop > 0) {
                f.write_str("..")?;
                write_number(f, stop, width, unit)?;
            }
            // A plain range has steps of one, which goes without saying.
            if c.repeat > 0 && !(c.stop.is_some_and(|stop| stop > 0) && c.repeat == unit) {
                f.write_str("/")?;
                write_number(f, c.repeat, 0, unit)?;
            }
        }
        Ok(())
    }
}

fn write_number(f: &mut fmt::Formatter<'_>, number: i64, width: usize, unit: i64) -> fmt::Result {
    write!(f, "{:0width$}", number / unit)?;
    match number % unit {
        0 => Ok(()),
        fraction => write!(f, ".{fraction:06}"),
    }
}

fn parse_component(text: &str, seconds: bool) -> Result<(Component, &str), CalendarError> {
    let (start, mut rest) = parse_number(text, seconds)?;
    let mut component = Component::value(start);
    if let Some(after) = rest.strip_prefix("..") {
        let (stop, after) = parse_number(after, seconds)?;
        component.stop = Some(stop);
        component.repeat = if seconds { SECOND } else { 1 };
        rest = after;
    }
    if let Some(after) = rest.strip_prefix('/') {
        let (repeat, after) = parse_number(after, seconds)?;
        if repeat == 0 {
            return Err(CalendarError::Range);
        }
        component.repeat = repeat;
        rest = after;
    } else if seconds && component.stop.is_some_and(|stop| start + component.repeat > stop) {
        // A range within one second would need steps below a second, which must be given.
        return Err(CalendarError::Syntax);
    }
    if rest.starts_with([' ', ',', '-', '~', ':']) || rest.is_empty() {
        Ok((component, rest))
    } else {
        Err(CalendarError::Syntax)
    }
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// A number; of seconds with up to six decimals, in microseconds.
fn parse_number(text: &str, seconds: bool) -> Result<(i64, &str), CalendarError> {
    let (whole, rest) = digits(text);
    if whole.is_empty() {
        return Err(CalendarError::Syntax);
    }
    let number: i64 = whole.parse().map_err(|_| CalendarError::Range)?;
    if number > MAX_NUMBER {
        return Err(CalendarError::Range);
    }
    if !seconds {
        return Ok((number, rest));
    }
    if number > MAX_NUMBER / SECOND {
        return Err(CalendarError::Range);
    }
    let micro = number * SECOND;
    match rest.strip_prefix('.') {
        // Two points separate the ends of a range.
        Some(after) if !after.starts_with('.') => {
            let (decimals, rest) = digits(after);
            let sum = micro + fraction(decimals).ok_or(CalendarError::Syntax)?;
            if sum > MAX_NUMBER { Err(CalendarError::Range) } else { Ok((sum, rest)) }
        }
        _ => Ok((micro, rest)),
    }
}

/// Decimals in microseconds, rounded by the seventh digit.
pub(crate) fn fraction(decimals: &str) -> Option<i64> {
    if decimals.is_empty() {
        return None;
    }
    let mut bytes = decimals.bytes();
    let mut sum = 0;
    for _ in 0..6 {
        sum = sum * 10 + i64::from(bytes.next().unwrap_or(b'0') - b'0');
    }
    Some(sum + i64::from(bytes.next().is_some_and(|digit| digit >= b'5')))
}
