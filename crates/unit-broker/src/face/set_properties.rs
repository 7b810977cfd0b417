//! `SetUnitProperties` and `SetProperties`: what `systemctl set-property` asks for. All of it or nothing: first everything is
//! checked, then the drop-ins are written and the unit is read again.

use std::fs;
use std::io;
use std::path::Path;

use bus_api::errors::BusError;
use unit_parser::{Severity, UnitName};
use zbus::OwnedVariant;

use super::call::{Answered, Call};
use super::drop_in::{self, DropIn};
use super::markers;
use crate::core::Event;
use crate::driver::Broker;

/// Answers the call. `runtime`: until the next boot.
///
/// # Errors
/// What is wrong with a property (then nothing is set), or why a file can't be written.
pub fn handle(
    broker: &mut Broker,
    call: &Call,
    unit: &UnitName,
    runtime: bool,
    properties: &[(String, OwnedVariant)],
) -> Answered {
    let old = broker.model.engine.unit(unit).map(|view| view.markers).unwrap_or_default();
    let mut marked = old;
    let mut drop_ins: Vec<DropIn> = Vec::new();
    for (name, value) in properties {
        if name == "Markers" {
            marked = markers::of(marked, value)?;
        } else {
            drop_ins.push(drop_in::of(unit.unit_type(), name, value)?);
        }
    }
    let directory = broker.model.control_directory(runtime).join(format!("{unit}.d"));
    let mut files = Vec::new();
    for drop_in in drop_ins {
        let Some(view) = broker.model.engine.unit(unit) else { continue };
        let text = drop_in.text(view.definition);
        check(broker, unit, &text)?;
        files.push((drop_in, text));
    }
    for (drop_in, text) in &files {
        let written = write(&directory, &directory.join(&drop_in.file), text);
        written.map_err(|error| BusError::from_io(&error))?;
        // There hardly ever is one.
        let _ = fs::remove_file(directory.join(drop_in.rival()));
    }
    if !files.is_empty() {
        broker.request(Event::ReloadUnit(unit.clone()))?;
        broker.model.forget_unit_file_states();
    }
    if marked != old {
        broker.request(Event::Mark(unit.clone(), marked))?;
    }
    call.reply(&())
}

/// What the parser doesn't take, the caller is told of instead of the log.
fn check(broker: &Broker, unit: &UnitName, text: &str) -> Result<(), BusError> {
    let read = broker.model.machine.loader.load_text(unit, text, None);
    // Line 0: what the unit lacks beyond this drop-in.
    let wrong = read.diagnostics.into_iter().find(|found| found.line > 0 && found.severity != Severity::Note);
    wrong.map_or(Ok(()), |found| Err(BusError::invalid_args(found.message)))
}

/// Whole or not at all, for whoever reads it at the moment.
fn write(directory: &Path, path: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let temporary = path.with_extension("new");
    fs::write(&temporary, text)?;
    fs::rename(&temporary, path)
}
