//! Units and processes: which processes a unit has, which unit a process belongs to, freezing.

use std::path::Path;

use bus_api::errors::{BusError, ErrorName};
use bus_api::worker::{Request, UnitProcess, parse_processes};
use unit_parser::{UnitName, UnitType};

use super::call::{Answered, Call};
use super::errors;
use crate::core::worker;
use crate::driver::Broker;

/// How many parents are looked at to find a process' unit without control groups.
const MAX_PARENTS: usize = 64;

/// `GetProcesses`: asked of the unit's worker; a slice's are read from its control group.
///
/// # Errors
/// What the caller is told.
pub fn of_unit(broker: &mut Broker, call: &Call, unit: &UnitName) -> Answered {
    if matches!(unit.unit_type(), UnitType::Slice | UnitType::Scope) {
        let Some(directory) = broker.model.cgroup_directory(unit) else { return call.reply(&(none(),)) };
        return call.reply(&(below(broker, &directory),));
    }
    let Some(worker) = worker(unit.unit_type()) else { return call.reply(&(none(),)) };
    if !broker.model.runtime.has(unit) {
        return call.reply(&(none(),));
    }
    let request = Request::Processes { unit: unit.to_string() };
    broker.ask_worker(worker, &request, call, |call, message| call.reply(&(parse_processes(&message)?,)))
}

fn none() -> Vec<UnitProcess> {
    Vec::new()
}

/// `KillUnit` of a slice: all processes of the units in it. None of them is its main process.
///
/// # Errors
/// `NoSuchProcess` for others than all, and for `all-fail` where there is nobody.
pub fn kill_slice(broker: &Broker, unit: &UnitName, whom: &str, signal: i32) -> Result<(), BusError> {
    if let Some(kind @ ("main" | "control")) = whom.split('-').next() {
        let text = format!("slice units have no {kind} processes");
        return Err(BusError::new(ErrorName::NoSuchProcess, text));
    }
    let directory = broker.model.cgroup_directory(unit);
    kill_below(broker, directory.as_deref(), whom, signal)
}

/// `KillUnit` of a unit that is down: what it has left behind, which its worker does not follow any more.
///
/// # Errors
/// As [`kill_slice`].
pub fn kill_left(broker: &Broker, unit: &UnitName, whom: &str, signal: i32) -> Result<(), BusError> {
    let directory = broker.model.left_cgroup_directory(unit);
    kill_below(broker, directory.as_deref(), whom, signal)
}

fn kill_below(broker: &Broker, directory: Option<&Path>, whom: &str, signal: i32) -> Result<(), BusError> {
    let processes = directory.map(|directory| below(broker, directory)).unwrap_or_default();
    if processes.is_empty() && whom == "all-fail" {
        return Err(BusError::new(ErrorName::NoSuchProcess, "No matching processes to kill"));
    }
    for pid in processes.into_iter().filter_map(|(_, pid, _)| i32::try_from(pid).ok()) {
        // One that is gone meanwhile needs no signal.
        let _ = sys::signals::kill(pid, signal);
    }
    Ok(())
}

/// All processes in a control group and those below it.
fn below(broker: &Broker, directory: &Path) -> Vec<UnitProcess> {
    let Some(root) = broker.model.facts.cgroup_root.as_ref() else { return none() };
    let mut found = none();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        let path = directory.strip_prefix(root).unwrap_or(&directory);
        let path = format!("{}/{}", broker.model.facts.cgroup_prefix, path.display());
        let path = path.trim_end_matches('/').to_owned();
        let pids = std::fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
        // Processes of other PID namespaces read as 0, which makes systemctl abort.
        for pid in pids.lines().filter_map(|line| line.parse::<u32>().ok()).filter(|pid| *pid > 0) {
            let command = i32::try_from(pid).ok().and_then(|pid| sys::process::cmdline(pid).ok());
            found.push((path.clone(), pid, command.unwrap_or_default()));
        }
        let entries = std::fs::read_dir(&directory).into_iter().flatten().flatten();
        open.extend(entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|e| e.path()));
    }
    found
}

/// The unit of a process: by its control group, else by the PIDs that the supervisor told of it and its parents.
///
/// # Errors
/// `NoUnitForPID`.
pub fn unit_of_pid(broker: &Broker, pid: u32) -> Result<UnitName, BusError> {
    let error = || BusError::new(ErrorName::NoUnitForPid, format!("PID {pid} does not belong to any loaded unit."));
    let first = i32::try_from(pid).ok().filter(|pid| *pid > 0).ok_or_else(error)?;
    if let Some(unit) = by_cgroup(broker, first) {
        return Ok(unit);
    }
    let mut pid = first;
    for _ in 0..MAX_PARENTS {
        let known = broker.model.runtime.units().find(|unit| {
            ["MainPID", "ControlPID"].iter().any(|property| {
                broker.model.runtime_u32(unit, property).is_some_and(|told| i32::try_from(told) == Ok(pid))
            })
        });
        if let Some(unit) = known {
            return Ok(unit.clone());
        }
        match sys::process::Stat::read(pid) {
            Ok(stat) if stat.ppid > 1 => pid = stat.ppid,
            Ok(_) | Err(_) => break,
        }
    }
    Err(error())
}

fn by_cgroup(broker: &Broker, pid: i32) -> Option<UnitName> {
    by_cgroup_path(broker, &sys::process::cgroup(pid).ok()?)
}

/// The unit of a control group: the innermost loaded unit whose name is on the path.
pub fn by_cgroup_path(broker: &Broker, path: &str) -> Option<UnitName> {
    let prefix = broker.model.facts.cgroup_prefix.as_str();
    let inside = path.strip_prefix(prefix)?;
    let mut parts = inside.rsplit('/').filter_map(|part| UnitName::parse(part).ok());
    parts.find_map(|name| broker.model.engine.unit(&name).map(|view| view.name.clone()))
}

/// `FreezeUnit` and `ThawUnit` (systemctl(1), freeze): the kernel's freezer of the unit's control group.
///
/// # Errors
/// What the caller is told.
pub fn freeze(broker: &mut Broker, call: &Call, unit: &UnitName, frozen: bool) -> Answered {
    if !matches!(unit.unit_type(), UnitType::Service | UnitType::Slice | UnitType::Scope) {
        return Err(BusError::new(ErrorName::NotSupported, format!("Unit '{unit}' does not support freezing.")));
    }
    if unit.as_str() == "init.scope" {
        // We are in there.
        return Err(BusError::new(ErrorName::AccessDenied, "Access denied"));
    }
    let view = broker.model.engine.unit(unit);
    if view.as_ref().is_some_and(|view| view.job.is_some()) {
        return Err(BusError::new(ErrorName::UnitBusy, "Unit has a pending job."));
    }
    if view.as_ref().is_none_or(|view| view.active.is_down()) {
        return Err(BusError::new(ErrorName::UnitInactive, "Unit is inactive."));
    }
    if unit.unit_type() == UnitType::Slice
        && frozen
        && !view.is_some_and(|view| crate::properties::unit::can_freeze(&broker.model, &view))
    {
        // As in systemd: nothing happens. What is in a slice may be what the caller waits for, such as the message bus.
        return call.reply(&());
    }
    let directory =
        broker.model.cgroup_directory(unit).ok_or_else(|| errors::not_supported("Freezing without control groups"))?;
    std::fs::write(directory.join("cgroup.freeze"), if frozen { "1" } else { "0" })
        .map_err(|error| BusError::from_io(&error))?;
    call.reply(&())
}
