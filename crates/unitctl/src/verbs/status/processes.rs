//! What runs in a unit, and how its processes ended.

use zbus::Variant;

use super::{branches, continued, line};
use crate::manager::{Manager, ManagerError};
use crate::output::{Colour, paint};
use crate::properties::{Properties, as_text};
use crate::show::{code_name, signal};

const COMMANDS: &[&str] = &[
    "ExecCondition",
    "ExecStartPre",
    "ExecStart",
    "ExecStartPost",
    "ExecReload",
    "ExecStop",
    "ExecStopPost",
    "ExecStopPre",
];

/// Commands that ran and ended.
pub fn print_commands(properties: &Properties) {
    for command in COMMANDS {
        for row in properties.rows(command) {
            let [
                _,
                Variant::Array(argv),
                _,
                Variant::U64(started),
                _,
                Variant::U64(stopped),
                _,
                Variant::U32(pid),
                code,
                status,
            ] = row
            else {
                continue;
            };
            if *started == 0 || *stopped == 0 {
                continue;
            }
            let argv = argv.inner().iter().filter_map(as_text).collect::<Vec<_>>().join(" ");
            line("Process", &format!("{pid} {command}={argv} ({})", ending(number(code), number(status))));
        }
    }
}

/// The main process: running, or how it ended.
pub fn print_main(properties: &Properties) {
    let pid = properties.number("MainPID").unwrap_or(0);
    if pid > 0 {
        return line("Main PID", &format!("{pid}{}", comm(pid)));
    }
    let ended = properties.number("ExecMainPID").unwrap_or(0);
    if ended > 0 {
        let code = properties.value("ExecMainCode").map_or(0, number);
        let status = properties.value("ExecMainStatus").map_or(0, number);
        line("Main PID", &format!("{ended} ({})", ending(code, status)));
    }
    let control = properties.number("ControlPID").unwrap_or(0);
    if control > 0 {
        line("Cntrl PID", &format!("{control}{}", comm(control)));
    }
}

/// The processes of the unit's control group.
pub async fn print_group(broker: &Manager, unit: &str, properties: &Properties) -> Result<(), ManagerError> {
    let group = properties.text("ControlGroup");
    let mut processes: Vec<(String, u32, String)> = match broker.ask("GetUnitProcesses", &(unit,)).await {
        Ok(processes) => processes,
        // Not every unit has any, and the rest of the status is worth more than this.
        Err(ManagerError::Call(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    if group.is_empty() && processes.is_empty() {
        return Ok(());
    }
    processes.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    line("CGroup", if group.is_empty() { "(none: no control groups here)" } else { group });
    let rows: Vec<String> = processes
        .iter()
        .map(|(path, pid, command)| {
            let below = path.strip_prefix(group).unwrap_or_default().trim_start_matches('/');
            let below = if below.is_empty() { String::new() } else { format!("{below}: ") };
            format!("{below}{pid} {command}")
        })
        .collect();
    branches(&rows).iter().for_each(|row| continued(&paint(row, Colour::Grey)));
    Ok(())
}

fn comm(pid: u64) -> String {
    let comm = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    if comm.is_empty() { String::new() } else { format!(" ({})", comm.trim_end()) }
}

fn number(value: &Variant<'_>) -> i32 {
    match value {
        Variant::I32(number) => *number,
        _ => 0,
    }
}

/// `code=exited, status=1/FAILURE`
fn ending(code: i32, status: i32) -> String {
    let killed = matches!(code, 2 | 3);
    let name = if killed {
        signal(status)
    } else {
        unit_parser::parse::exit_status::name(status).unwrap_or_default().to_owned()
    };
    let status = if killed { format!("signal={name}") } else { format!("status={status}{}", slash(&name)) };
    let text = format!("code={}, {status}", code_name(code));
    if status.starts_with("status=0") || code == 0 { text } else { paint(&text, Colour::Red) }
}

fn slash(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!("/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings() {
        assert_eq!(ending(1, 0), "code=exited, status=0/SUCCESS");
        assert_eq!(ending(1, 203), "code=exited, status=203/EXEC");
        assert_eq!(ending(1, 42), "code=exited, status=42");
        assert_eq!(ending(2, 9), "code=killed, signal=KILL");
    }
}
