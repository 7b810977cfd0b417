//! What only the supervisor knows of a service, as the public properties that show it (org.freedesktop.systemd1(5)).

use std::collections::HashMap;
use std::hash::Hash;

use zbus::{OwnedVariant, Variant};

use crate::core::command::{CommandKind, ExecStatus};
use crate::core::state::State;
use crate::core::status::Status;
use crate::core::time::Stamp;
use crate::driver::{Service, Told};

/// "Not set" of `UID` and `GID`.
const NO_ID: u32 = u32::MAX;

/// "Not set" of what is counted.
const NOT_COUNTED: u64 = u64::MAX;
/// What the last run has used, once it is over; until then its control group tells. In the order of `Usage`.
const USAGE: [&str; 5] = ["CPUUsageNSec", "IOReadBytes", "IOWriteBytes", "IOReadOperations", "IOWriteOperations"];

/// One command of a property of type `a(sasbttttuii)`.
type Command = (String, Vec<String>, bool, u64, u64, u64, u64, u32, i32, i32);
/// The same of type `a(sasasttttuii)`.
type CommandEx = (String, Vec<String>, Vec<String>, u64, u64, u64, u64, u32, i32, i32);

/// Which of them are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All: for somebody who knows nothing yet.
    All,
    /// Those that differ from what was told last, or before that from a service's that was never started: for those who know
    /// the rest.
    Changed,
}

/// The properties of a service as of a status.
pub(super) fn of(service: &Service, status: &Status, extent: Extent) -> HashMap<String, OwnedVariant> {
    let mut map = Properties { map: HashMap::new(), extent, told: &service.told, place: 0 };
    map.number("MainPID", status.main_pid, 0);
    map.number("ControlPID", status.control_pid, 0);
    map.number("ExecMainPID", status.main.pid, 0);
    map.stamp("ExecMainStartTimestamp", status.main.start);
    map.stamp("ExecMainExitTimestamp", status.main.exit_time);
    map.text("StatusText", status.status_text.as_str(), "");
    map.number("StatusErrno", status.status_errno, 0);
    map.number("NRestarts", status.restarts, 0);
    map.value("Result", status.result.as_str());
    map.text("ReloadResult", status.reload_result.as_str(), "success");
    map.text("CleanResult", status.clean_result.as_str(), "success");
    map.value("NotifyAccess", service.machine.definition().notify_access.as_str());
    // What a service shows that was never started is the broker's to say.
    map.value("WatchdogUSec", status.watchdog_usec);
    map.stamp("WatchdogTimestamp", status.watchdog_seen);
    map.number("NFileDescriptorStore", u32::try_from(service.store.len()).unwrap_or(u32::MAX), 0);
    let (uid, gid) = service.ids.unwrap_or((NO_ID, NO_ID));
    map.number("UID", uid, NO_ID);
    map.number("GID", gid, NO_ID);
    let group = service.cgroup.as_ref().filter(|cgroup| match status.state {
        // Kept for the next run perhaps, but as long as nothing is in it, it is nobody's business.
        State::Exited | State::AutoRestart { .. } => cgroup.populated().unwrap_or(false),
        state => !state.is_down(),
    });
    let group = group.map(|cgroup| cgroup.name());
    map.text("ControlGroup", group.as_deref().unwrap_or_default(), "");
    let usage = &service.usage;
    map.value("UsageBase", usage.base.to_vec());
    map.number("ControlGroupId", usage.group, 0);
    for (name, used) in USAGE.into_iter().zip(usage.last) {
        map.number(name, used, NOT_COUNTED);
    }
    // Without these four a status can't be understood.
    map.put("ExecMainCode", status.main.exit.map_or(0, |exit| exit.code()));
    map.put("ExecMainStatus", status.main.exit.map_or(0, |exit| exit.status()));
    map.put("InvocationID", bytes(&status.invocation));
    map.put_stamp("StateChangeTimestamp", status.changed);
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
    map.map
}

fn commands(map: &mut Properties<'_>, service: &Service, status: &Status, kind: CommandKind) {
    let lines = service.unit.exec(kind.row());
    if lines.is_empty() {
        return;
    }
    let ran = status.commands.iter().find(|(of, _)| *of == kind).map_or(&[][..], |(_, list)| list.as_slice());
    if !map.is_wanted(&(lines, ran), false) {
        return;
    }
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

struct Properties<'a> {
    map: HashMap<String, OwnedVariant>,
    extent: Extent,
    told: &'a Told,
    /// How many were asked for that can be left out.
    place: usize,
}

impl Properties<'_> {
    fn put<'a>(&mut self, name: &str, value: impl Into<Variant<'a>>) {
        match value.into().try_into_owned() {
            Ok(value) => {
                self.map.insert(name.to_owned(), value);
            }
            Err(error) => tracing::error!("property {name}: {error}"),
        }
    }

    /// One whose value before a first start is not ours to say.
    fn value<'a, T: Hash + Into<Variant<'a>>>(&mut self, name: &str, value: T) {
        if self.is_wanted(&value, false) {
            self.put(name, value);
        }
    }

    fn number<'a, T: Hash + PartialEq + Into<Variant<'a>>>(&mut self, name: &str, value: T, default: T) {
        if self.is_wanted(&value, value == default) {
            self.put(name, value);
        }
    }

    fn text(&mut self, name: &str, value: &str, default: &str) {
        if self.is_wanted(&value, value == default) {
            self.put(name, value);
        }
    }

    /// A time on both clocks.
    fn stamp(&mut self, name: &str, stamp: Option<Stamp>) {
        if self.is_wanted(&stamp, stamp.is_none()) {
            self.put_stamp(name, stamp);
        }
    }

    fn put_stamp(&mut self, name: &str, stamp: Option<Stamp>) {
        let stamp = stamp.unwrap_or_default();
        self.put(name, stamp.realtime);
        self.put(&format!("{name}Monotonic"), stamp.monotonic);
    }

    /// Whether the next of those that can be left out is told.
    fn is_wanted(&mut self, value: &impl Hash, is_default: bool) -> bool {
        self.place += 1;
        self.extent == Extent::All || self.told.is_news(self.place, value, is_default)
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

    fn empty(told: &Told, extent: Extent) -> Properties<'_> {
        Properties { map: HashMap::new(), extent, told, place: 0 }
    }

    #[test]
    fn what_differs_is_told() {
        let told = Told::default();
        for (value, is_told) in [(0u32, false), (7, true), (7, false), (0, true), (0, false)] {
            let mut map = empty(&told, Extent::Changed);
            map.number("MainPID", value, 0);
            map.text("StatusText", "", "");
            assert_eq!((map.map.contains_key("MainPID"), map.map.len()), (is_told, usize::from(is_told)), "{value}");
        }
        let mut map = empty(&told, Extent::All);
        map.text("StatusText", "", "");
        assert!(map.map.contains_key("StatusText"));
    }

    #[test]
    fn types_are_the_public_ones() {
        let told = Told::default();
        let mut map = empty(&told, Extent::All);
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
            assert_eq!(map.map[name].value_signature().to_string(), signature, "{name}");
        }
    }
}
