//! `device-watcher list`: all device units.

use std::io::{self, Write};
use std::time::Duration;

use bus_api::connect::Peer;
use bus_api::devices::{DeviceUnit, Request, parse_list, parse_status};
use daemon_runtime::args::CommonArgs;

use crate::cli::Failure;
use crate::core::table::{Input, Table};
use crate::driver::database::{Filter, enumerate};

/// How long the daemon may take, which normally takes a millisecond.
const PATIENCE: Duration = Duration::from_secs(5);

/// Prints the units of the running daemon, else those of udev's database.
///
/// # Errors
/// When neither can be read.
pub fn main(common: &CommonArgs, json: bool) -> Result<(), Failure> {
    let socket = common.runtime().bus("device-watcher");
    let from_daemon = daemon_runtime::run(async {
        let (peer, _events) = Peer::connect(&socket, PATIENCE).await.ok()?;
        let reply = peer.call(Request::List.message().ok()?).await.ok()?;
        let status = peer.call(Request::Status.message().ok()?).await.ok()?;
        Some((parse_list(&reply).ok()?, parse_status(&status).ok()?))
    })?;
    let units = match from_daemon {
        Some((units, (available, reason))) => {
            if !available {
                eprintln!("device-watcher: {reason}");
            }
            units
        }
        None => {
            let mut table = Table::default();
            table.handle(Input::Enumeration(enumerate(&Filter::systemd())?));
            table.units()
        }
    };
    print(&units, json)?;
    Ok(())
}

fn print(units: &[DeviceUnit], json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        for unit in units {
            writeln!(out, "{}", serde_json::to_string(unit)?)?;
        }
        return out.flush();
    }
    let width = units.iter().map(|unit| unit.unit.len()).max().unwrap_or(0);
    for unit in units {
        writeln!(out, "{:<width$}  {:<9}  {}", unit.unit, unit.state, unit.description)?;
    }
    writeln!(out, "{} device units", units.len())?;
    out.flush()
}
