//! `device-watcher monitor`: the table's changes as text or JSON, without a daemon.

use std::io::{self, Write};

use super::output::{event_json, event_line, unit_line};
use crate::cli::Failure;
use crate::core::event::{DeviceEvent, Origin};
use crate::core::table::{Input, Table};
use crate::driver::database::{Filter, Source, enumerate};
use crate::driver::monitor::Monitor;
use crate::driver::presence::Presence;

/// Prints events until the output is closed.
///
/// # Errors
/// When udev's socket or database can't be read, or the output not be written.
pub fn main(filter: &Filter, json: bool) -> Result<(), Failure> {
    daemon_runtime::run(print(filter, json))?
}

async fn print(filter: &Filter, json: bool) -> Result<(), Failure> {
    let (well, reason) = status();
    if !well {
        eprintln!("device-watcher: {reason}");
    }
    let monitor = Monitor::listen(filter)?;
    let mut table = Table::default();
    table.handle(Input::Enumeration(enumerate(filter)?));
    loop {
        let received = monitor.receive().await?;
        for event in received.events {
            print_event(&mut table, event, json)?;
        }
        if received.overflow {
            eprintln!("device-watcher: the kernel dropped events; what they changed follows");
            for event in enumerate(filter)? {
                print_event(&mut table, event, json)?;
            }
        }
    }
}

fn status() -> (bool, String) {
    let presence = Presence::look(Source::Udev);
    let (well, reason) = presence.status();
    (well, reason.to_owned())
}

fn print_event(table: &mut Table, event: DeviceEvent, json: bool) -> io::Result<()> {
    let changes = table.handle(Input::Event(Origin::Udev, event.clone()));
    let units: Vec<_> = changes.iter().flat_map(|change| change.units.clone()).collect();
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", event_json(&event, &units))?;
    } else {
        event_line(&mut out, &event)?;
        for unit in &units {
            unit_line(&mut out, unit)?;
        }
        for complaint in changes.iter().flat_map(|change| &change.complaints) {
            writeln!(out, "    ! {complaint}")?;
        }
    }
    out.flush()
}
