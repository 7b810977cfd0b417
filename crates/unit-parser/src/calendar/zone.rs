//! Whose clock a calendar event or a timestamp goes by.

use jiff::tz::TimeZone;

/// Access to time zones.
pub trait Zones {
    /// The local one.
    fn local(&self) -> TimeZone;
    /// A zone by its name in the time zone database, spelled exactly so.
    fn named(&self, name: &str) -> Option<TimeZone>;
    /// What the local zone calls its standard time and its summer time: `CET` and `CEST`.
    fn abbreviations(&self) -> [String; 2];
}

/// UTC is all there is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Utc;

impl Zones for Utc {
    fn local(&self) -> TimeZone {
        TimeZone::UTC
    }

    fn named(&self, _name: &str) -> Option<TimeZone> {
        None
    }

    fn abbreviations(&self) -> [String; 2] {
        ["UTC".to_owned(), "UTC".to_owned()]
    }
}

/// The zone of a calendar event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Zone {
    /// None is given: the local one, whatever it is.
    Local,
    /// UTC.
    Utc,
    /// One of the time zone database.
    Named {
        /// Its name.
        name: String,
        /// The zone.
        zone: TimeZone,
    },
    /// The local one, and only while it goes by this abbreviation.
    Season {
        /// `CET`, `CEST`, ...
        abbreviation: String,
        /// Whether that is summer time.
        summer: bool,
    },
}

/// Splits a time zone off the end of a text.
pub(crate) fn split<'a>(text: &'a str, zones: &dyn Zones) -> (&'a str, Zone) {
    let Some((before, word)) = text.rsplit_once(' ') else {
        return (text, Zone::Local);
    };
    if word.eq_ignore_ascii_case("UTC") {
        return (before, Zone::Utc);
    }
    let starts_like_a_zone = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '<');
    if !starts_like_a_zone {
        return (text, Zone::Local);
    }
    let seasons = zones.abbreviations().into_iter().zip([false, true]);
    for (abbreviation, summer) in seasons {
        if !abbreviation.is_empty() && word.eq_ignore_ascii_case(&abbreviation) {
            return (before, Zone::Season { abbreviation, summer });
        }
    }
    match zones.named(word) {
        Some(zone) => (before, Zone::Named { name: word.to_owned(), zone }),
        None => (text, Zone::Local),
    }
}
