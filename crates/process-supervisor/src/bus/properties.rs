//! What only the supervisor knows of a service, as the public properties that show it (org.freedesktop.systemd1(5)).

use std::collections::HashMap;

use zbus::{OwnedVariant, Variant};

use crate::core::command::{CommandKind, ExecStatus};
use crate::core::state::State;
use crate::core::status::Status;
use crate::core::time::Stamp;
use crate::driver::{Host, Service};

/// "Not set" of `UID` and `GID`.
const NO_ID: u32 = u32::MAX;

/// One command of a property of type `a(sasbttttuii)`.
type Command = (String, Vec<String>, bool, u64, u64, u64, u64, u32, i32, i32);
/// The same of type `a(sasasttttuii)`.
type CommandEx = (String, Vec<String>, Vec<String>, u64, u64, u64, u64, u32, i32, i32);

/// All of them.
pub(super) fn of(service: &Service, status: &Status, host: &Host) -> HashMap<String, OwnedVariant> {
    let mut map = Properties(HashMap::with_capacity(64));
    map.put("MainPID", status.main_pid);
    map.put("ControlPID", status.control_pid);
    map.put("ExecMainPID", status.main.pid);
    map.put("ExecMainCode", status.main.exit.map_or(0, |exit| exit.code()));
    map.put("ExecMainStatus", status.main.exit.map_or(0, |exit| exit.status()));
    map.stamp("ExecMainStartTimestamp", status.main.start);
    map.stamp("ExecMainExitTimestamp", status.main.exit_time);
    map.put("StatusText", status.status_text.as_str());
    map.put("StatusErrno", status.status_errno);
    map.put("NRestarts", status.restarts);
    map.put("Result", status.result.as_str());
    map.put("ReloadResult", status.reload_result.as_str());
    map.put("CleanResult", status.clean_result.as_str());
    map.put("NotifyAccess", service.machine.definition().notify_access.as_str());
    map.put("WatchdogUSec", status.watchdog_usec);
    map.stamp("WatchdogTimestamp", status.watchdog_seen);
    map.put("NFileDescriptorStore", u32::try_from(service.store.len()).unwrap_or(u32::MAX));
    let (uid, gid) = service.ids.unwrap_or((NO_ID, NO_ID));
    map.put("UID", uid);
    map.put("GID", gid);
    let group = service.cgroup.as_ref().filter(|cgroup| match status.state {
        // Kept for the next run perhaps, but as long as nothing is in it, it is nobody's business.
        State::Exited | State::AutoRestart { .. } => cgroup.populated().unwrap_or(false),
        state => !state.is_down(),
    });
    let group = group.map(|cgroup| cgroup.name());
    map.put("ControlGroup", group.unwrap_or_default());
    map.put("InvocationID", bytes(&status.invocation));
    map.stamp("StateChangeTimestamp", status.changed);
    map.stamp("InactiveExitTimestamp", status.inactive_exit);
    map.stamp("ActiveEnterTimestamp", status.active_enter);
    map.stamp("ActiveExitTimestamp", status.active_exit);
    map.stamp("InactiveEnterTimestamp", status.inactive_enter);
    if let Some(met) = status.condition {
        map.put("ConditionResult", met);
    }
    for kind in CommandKind::ALL {
        commands(&mut map, service, status, kind);
    }
    let _ = host;
    map.0
}

fn commands(map: &mut Properties, service: &Service, status: &Status, kind: CommandKind) {
    let lines = service.unit.exec(kind.row());
    if lines.is_empty() {
        return;
    }
    let ran = status.commands.iter().find(|(of, _)| *of == kind).map_or(&[][..], |(_, list)| list.as_slice());
    let mut plain: Vec<Command> = Vec::with_capacity(lines.len());
    let mut extended: Vec<CommandEx> = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let run = ran.get(index).copied().unwrap_or_default();
        let (t1, t2, t3, t4) = times(&run);
        let (code, number) = run.exit.map_or((0, 0), |exit| (exit.code(), exit.status()));
        let flags = line.flags().into_iter().map(str::to_owned).collect();
        let (path, argv) = (line.path.clone(), line.argv.clone());
        extended.push((path.clone(), argv.clone(), flags, t1, t2, t3, t4, run.pid, code, number));
        plain.push((path, argv, line.ignore_failure, t1, t2, t3, t4, run.pid, code, number));
    }
    map.put(kind.property(), plain);
    map.put(&format!("{}Ex", kind.property()), extended);
}

fn times(run: &ExecStatus) -> (u64, u64, u64, u64) {
    let start = run.start.unwrap_or_default();
    let exit = run.exit_time.unwrap_or_default();
    (start.realtime, start.monotonic, exit.realtime, exit.monotonic)
}

/// Hexadecimal digits as bytes.
fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes().chunks(2).filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

struct Properties(HashMap<String, OwnedVariant>);

impl Properties {
    fn put<'a>(&mut self, name: &str, value: impl Into<Variant<'a>>) {
        match value.into().try_into_owned() {
            Ok(value) => {
                self.0.insert(name.to_owned(), value);
            }
            Err(error) => tracing::error!("property {name}: {error}"),
        }
    }

    /// A time on both clocks.
    fn stamp(&mut self, name: &str, stamp: Option<Stamp>) {
        let stamp = stamp.unwrap_or_default();
        self.put(name, stamp.realtime);
        self.put(&format!("{name}Monotonic"), stamp.monotonic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal() {
        assert_eq!(bytes("00ff10"), [0, 255, 16]);
        assert!(bytes("").is_empty());
    }

    #[test]
    fn types_are_the_public_ones() {
        let mut map = Properties(HashMap::new());
        map.put(
            "ExecStart",
            vec![("/bin/true".to_owned(), vec!["x".to_owned()], true, 1u64, 2u64, 3u64, 4u64, 5u32, 6i32, 7i32)],
        );
        map.put(
            "ExecStartEx",
            vec![(
                "/bin/true".to_owned(),
                vec![String::new()],
                Vec::<String>::new(),
                1u64,
                2u64,
                3u64,
                4u64,
                5u32,
                6i32,
                7i32,
            )],
        );
        map.put("InvocationID", vec![1u8]);
        for (name, signature) in
            [("ExecStart", "a(sasbttttuii)"), ("ExecStartEx", "a(sasasttttuii)"), ("InvocationID", "ay")]
        {
            assert_eq!(map.0[name].value_signature().to_string(), signature, "{name}");
        }
    }
}
