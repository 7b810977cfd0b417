//! Time zones of this machine: the time zone database and the local one.

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::{Dst, TimeZone};

use crate::calendar::Zones;

/// The zones of this machine, looked up when they are asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct ZoneInfo;

/// A name can't lead out of the database (systemd's rules for zone names).
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '/');
    !name.starts_with('/') && !name.ends_with('/') && !name.contains("//") && name.chars().all(plain)
}

impl Zones for ZoneInfo {
    fn local(&self) -> TimeZone {
        TimeZone::system()
    }

    fn named(&self, name: &str) -> Option<TimeZone> {
        if name.is_empty() || !is_name(name) {
            return None;
        }
        let database = std::env::var_os("TZDIR").map_or_else(|| PathBuf::from("/usr/share/zoneinfo"), PathBuf::from);
        let bytes = std::fs::read(database.join(name)).ok()?;
        TimeZone::tzif(name, &bytes).ok()
    }

    fn abbreviations(&self) -> [String; 2] {
        let zone = self.local();
        let now = zone.to_offset_info(Timestamp::now());
        let (abbreviation, dst) = (now.abbreviation().to_owned(), now.dst());
        // The other one was in use the last time that the clock was changed to it.
        let other = zone.preceding(Timestamp::now()).find(|t| t.dst() != dst).map(|t| t.abbreviation().to_owned());
        let other = other.unwrap_or_else(|| abbreviation.clone());
        if dst == Dst::No { [abbreviation, other] } else { [other, abbreviation] }
    }
}
