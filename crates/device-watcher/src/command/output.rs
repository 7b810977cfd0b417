//! How units are printed.

use std::io::{self, Write};

use bus_api::devices::DeviceUnit;
use serde_json::{Value, json};

use crate::core::event::DeviceEvent;

/// A unit as one indented line below its event.
///
/// # Errors
/// When the output can't be written.
pub fn unit_line(out: &mut impl Write, unit: &DeviceUnit) -> io::Result<()> {
    write!(out, "    {:<9} {}", unit.state, unit.unit)?;
    if !unit.following.is_empty() {
        write!(out, "  follows {}", unit.following)?;
    }
    for (word, list) in [("wants", &unit.wants), ("user-wants", &unit.user_wants)] {
        if !list.is_empty() {
            write!(out, "  {word} {}", list.join(" "))?;
        }
    }
    writeln!(out)
}

/// An event as one line.
///
/// # Errors
/// When the output can't be written.
pub fn event_line(out: &mut impl Write, event: &DeviceEvent) -> io::Result<()> {
    write!(out, "{:<8} {}", event.action.as_str(), event.syspath)?;
    if let Some(node) = &event.devname {
        write!(out, " {node}")?;
    }
    if !event.subsystem.is_empty() {
        write!(out, " ({})", event.subsystem)?;
    }
    writeln!(out)
}

/// An event and its units as one JSON object.
pub fn event_json(event: &DeviceEvent, units: &[DeviceUnit]) -> Value {
    json!({
        "action": event.action.as_str(),
        "syspath": event.syspath,
        "subsystem": event.subsystem,
        "devname": event.devname,
        "seqnum": event.seqnum,
        "units": units,
        "properties": event.properties,
    })
}
