//! `device-watcher info DEVICE`: a device's units, and why it has them or not.

use std::io::{self, Write};

use super::output::{event_json, event_line, unit_line};
use crate::cli::Failure;
use crate::core::table::{Input, Table};
use crate::driver::database::find;

/// Prints what the database says about one device.
///
/// # Errors
/// When there is no such device.
pub fn main(device: &str, json: bool) -> Result<(), Failure> {
    let event = find(device).map_err(|error| Failure::about(device, error))?;
    let mut table = Table::default();
    let changes = table.handle(Input::Enumeration(vec![event.clone()]));
    // In the order of the device, not of the alphabet: main unit, node, links, aliases.
    let units: Vec<_> = changes.iter().flat_map(|change| change.units.clone()).collect();
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", event_json(&event, &units))?;
        return Ok(out.flush()?);
    }
    event_line(&mut out, &event)?;
    for unit in &units {
        unit_line(&mut out, unit)?;
    }
    for complaint in changes.iter().flat_map(|change| &change.complaints) {
        writeln!(out, "    ! {complaint}")?;
    }
    if units.is_empty() {
        let why = if event.property("USEC_INITIALIZED").is_none() {
            "udev hasn't seen it yet (`udevadm trigger` makes it look)"
        } else if !event.has_current_tag("systemd") {
            "udev's rules don't tag it \"systemd\""
        } else if event.property("ID_RENAMING").is_some() {
            "udev is renaming it"
        } else {
            "SYSTEMD_READY= says that it isn't ready"
        };
        writeln!(out, "    no units: {why}")?;
    }
    for (name, value) in &event.properties {
        writeln!(out, "  {name}={value}")?;
    }
    Ok(out.flush()?)
}
