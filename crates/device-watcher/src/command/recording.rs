//! A recorded event stream: one JSON object per line; empty lines and lines that begin with `#` don't count.

use serde::{Deserialize, Serialize};

use crate::core::event::DeviceEvent;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// Pause before the event, ms.
    #[serde(default)]
    pub after_ms: u64,
    /// The event.
    pub event: DeviceEvent,
}

/// A line of a recording; `None` for one that doesn't count.
///
/// # Errors
/// What is wrong with it.
pub fn parse(line: &str) -> Result<Option<Recorded>, String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let recorded: Recorded = serde_json::from_str(line).map_err(|error| error.to_string())?;
    check(&recorded.event)?;
    Ok(Some(recorded))
}

/// What libudev would never send.
///
/// # Errors
/// What is wrong with the event.
pub fn check(event: &DeviceEvent) -> Result<(), String> {
    if event.syspath.starts_with("/sys/") {
        Ok(())
    } else {
        Err(format!("syspath \"{}\" is not below /sys/", event.syspath))
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn lines() {
        assert_eq!(parse(""), Ok(None));
        assert_eq!(parse("  # a plug"), Ok(None));
        let good = parse(r#"{"after_ms":5,"event":{"action":"remove","syspath":"/sys/devices/x"}}"#);
        assert_eq!(good.unwrap().unwrap().after_ms, 5);
        for bad in [
            "{}",
            r#"{"event":{"action":"add"}}"#,
            r#"{"event":{"action":"add","syspath":"/etc"}}"#,
            r#"{"event":{"action":"add","syspath":"/sys/x","tags":[]}}"#,
            r#"{"after_ms":-1,"event":{"action":"add","syspath":"/sys/x"}}"#,
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
