//! What the worker of a unit has to tell of it beyond its state, for `status` and `why`.

use bus_api::broker::Request;
use bus_api::worker::{UnitNotice, parse_notices};
use serde_json::json;
use unit_parser::UnitName;

use crate::manager::Manager;
use crate::time;

/// The notices of a unit, oldest first; none when nobody can be asked (a broker of an earlier version, a worker that is away).
pub async fn of(manager: &Manager, unit: &UnitName) -> Vec<UnitNotice> {
    let Ok(message) = Request::Notices { unit: unit.to_string() }.message() else { return Vec::new() };
    match manager.send(message).await {
        Ok(reply) => parse_notices(&reply).unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}

/// One in words: `Notification ignored: ... (17 times, last 3s ago)`.
pub fn text((realtime_usec, _, text, count): &UnitNotice, now: u64) -> String {
    let when = time::relative(*realtime_usec, now);
    match count {
        0 | 1 => format!("{text} ({when})"),
        count => format!("{text} ({count} times, last {when})"),
    }
}

/// For programs, in the form of an entry of `why` that nothing caused.
pub fn json(unit: &UnitName, (realtime_usec, level, text, count): &UnitNotice) -> serde_json::Value {
    json!({
        "realtime_usec": realtime_usec, "unit": unit.as_str(), "change": text, "cause": "", "source": "", "parent": -1,
        "level": level, "count": count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_often_and_when() {
        let second = 1_000_000;
        let once = (10 * second, "warning".to_owned(), "full".to_owned(), 1);
        assert_eq!(text(&once, 13 * second), "full (3s ago)");
        let often = (10 * second, "warning".to_owned(), "full".to_owned(), 17);
        assert_eq!(text(&often, 13 * second), "full (17 times, last 3s ago)");
    }
}
