//! Properties of the units' own types that aren't a directive's value as it stands.

use unit_parser::{DependencyKind, UnitType, Value, rows};
use zbus::{Signature, Variant};

use super::literal::{array, string, structure};
use super::machine;
use crate::core::UnitView;
use crate::model::Model;

/// The value; `None` when a directive or the default tells it.
#[must_use]
pub fn value(model: &Model, view: &UnitView<'_>, interface: &str, property: &str) -> Option<Variant<'static>> {
    let is_set = || super::convert::row_of(interface, property).is_some_and(|row| view.definition.is_set(row));
    if !super::is_complete(view)
        && let Some(value) = of_unloaded(interface, property)
        && !(super::is_read(view) && is_set())
    {
        return Some(value);
    }
    if let Some(limit) = property.strip_prefix("Limit") {
        return resource_limit(view, property, limit);
    }
    let unit = view.definition;
    Some(match (interface, property) {
        (_, "Result") => string(view.result),
        (_, "Slice") => string(view.slice.map_or("", |slice| slice.as_str())),
        ("Slice" | "Scope", "ControlGroup") => string(control_group(model, view)),
        (kind, "TasksMax") if kind != "Slice" && !unit.is_set(rows::cgroup::TASKS_MAX) => {
            Variant::U64(machine::default_tasks_max())
        }
        // Until the first start nobody has told the watchdog's time.
        ("Service", "WatchdogUSec") if !model.runtime.has(view.name) => Variant::U64(u64::MAX),
        ("Service", "WatchdogUSec") => Variant::U64(unit.usec(rows::service::WATCHDOG_SEC)),
        ("Service", "TimeoutStartUSec") if !unit.is_set(rows::service::TIMEOUT_START_SEC) => {
            // A one-shot service may take its time (systemd.service(5), TimeoutStartSec=).
            let oneshot = unit.word(rows::service::TYPE) == "oneshot";
            Variant::U64(if oneshot { u64::MAX } else { unit.usec(rows::service::TIMEOUT_START_SEC) })
        }
        ("Service", "TimeoutAbortUSec") if !unit.is_set(rows::service::TIMEOUT_ABORT_SEC) => {
            Variant::U64(unit.usec(rows::service::TIMEOUT_STOP_SEC))
        }
        (_, "RestartKillSignal") if !unit.is_set(rows::kill::RESTART_KILL_SIGNAL) => {
            Variant::I32(i32::try_from(unit.int(rows::kill::KILL_SIGNAL)).unwrap_or(0))
        }
        (_, "SyslogPriority") => {
            // Facility and level in one number (RFC 5424).
            let priority = unit.int(rows::exec::SYSLOG_FACILITY) << 3 | unit.int(rows::exec::SYSLOG_LEVEL);
            Variant::I32(i32::try_from(priority).unwrap_or(0))
        }
        (_, "StandardInputData") => input_data(view),
        ("Socket", "FileDescriptorName") if unit.str(rows::socket::FILE_DESCRIPTOR_NAME).is_empty() => {
            let name = if unit.bool(rows::socket::ACCEPT) { "connection" } else { view.name.as_str() };
            string(name)
        }
        ("Socket", "TriggerLimitBurst") if !unit.is_set(rows::socket::TRIGGER_LIMIT_BURST) => {
            Variant::U32(if unit.bool(rows::socket::ACCEPT) { 200 } else { 20 })
        }
        ("Timer" | "Path", "Unit") => {
            let triggers = model.engine.dependencies(view.name, DependencyKind::Triggers);
            string(triggers.first().map_or("", |name| name.as_str()))
        }
        ("Timer", "TimersCalendar") => timers(view, true),
        ("Timer", "TimersMonotonic") => timers(view, false),
        // What is mounted counts, not what the file says.
        ("Mount", "What" | "Type" | "Options") => {
            let mounted = model.machine.mounts.get(view.name)?;
            string(match property {
                "What" => &mounted.what,
                "Type" => &mounted.file_system,
                _ => &mounted.options,
            })
        }
        ("Device", "SysFSPath") => string(view.sysfs_path),
        _ => return None,
    })
}

/// `StandardInputText=` and `StandardInputData=` as the bytes that the service reads.
fn input_data(view: &UnitView<'_>) -> Variant<'static> {
    let unit = view.definition;
    let mut bytes = unit.str(rows::exec::STANDARD_INPUT_TEXT).as_bytes().to_vec();
    for line in unit.list(rows::exec::STANDARD_INPUT_DATA) {
        bytes.extend(base64(line));
    }
    array(&Signature::U8, bytes.into_iter().map(Variant::U8))
}

/// RFC 4648; characters that don't belong there are skipped.
fn base64(text: &str) -> Vec<u8> {
    let digits = text.bytes().filter_map(|byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    });
    let (mut bits, mut count, mut bytes) = (0u32, 0, Vec::new());
    for digit in digits {
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    bytes
}

/// What a unit without files shows differs from one with an empty file.
fn of_unloaded(interface: &str, property: &str) -> Option<Variant<'static>> {
    Some(match (interface, property) {
        ("Service", "Type" | "OOMPolicy") => string(""),
        (_, "Slice") => string(""),
        (_, "StandardOutput") => string("inherit"),
        _ => return None,
    })
}

/// A limit that isn't set is the manager's default; units that can't be used show its own.
fn resource_limit(view: &UnitView<'_>, property: &str, limit: &str) -> Option<Variant<'static>> {
    let row = super::convert::row_of("", property)?;
    if view.definition.is_set(row) {
        return None;
    }
    let (name, soft) = match limit.strip_suffix("Soft") {
        Some(name) => (name, true),
        None => (limit, false),
    };
    let (soft_limit, hard_limit) = match view.definition.complete {
        true => machine::default_limit(name, !view.definition.user_manager)?,
        false => machine::own_limit(name)?,
    };
    Some(Variant::U64(if soft { soft_limit } else { hard_limit }))
}

/// The control group of a slice or scope, while it is active: slices nest by the dashes in their names.
fn control_group(model: &Model, view: &UnitView<'_>) -> String {
    if model.facts.cgroup_root.is_none() || !view.active.is_up_or_coming() {
        return String::new();
    }
    let own = match view.name.unit_type() {
        UnitType::Slice => slice_path(view.name.as_str()),
        _ => {
            let slice = view.slice.map(|slice| slice_path(slice.as_str())).unwrap_or_default();
            format!("{slice}/{}", view.name)
        }
    };
    match format!("{}{own}", model.facts.cgroup_prefix) {
        root if root.is_empty() => "/".to_owned(),
        path => path,
    }
}

/// `a-b.slice` -> `/a.slice/a-b.slice`; the root slice is the empty path.
#[must_use]
pub fn slice_path(name: &str) -> String {
    let stem = name.strip_suffix(".slice").unwrap_or(name);
    if stem == "-" {
        return String::new();
    }
    let ends = stem.match_indices('-').map(|(at, _)| at).chain([stem.len()]);
    ends.filter_map(|end| stem.get(..end)).map(|part| format!("/{part}.slice")).collect()
}

/// `TimersCalendar` a(sst): directive, expression, next elapse. `TimersMonotonic` a(stt): directive, offset, next elapse.
fn timers(view: &UnitView<'_>, calendar: bool) -> Variant<'static> {
    let second = if calendar { Signature::Str } else { Signature::U64 };
    let element = Signature::structure([Signature::Str, second, Signature::U64]);
    let pairs = match view.definition.value(rows::timer::ON_CALENDAR) {
        Value::Pairs(pairs) => pairs.as_slice(),
        _ => &[],
    };
    // The last line comes first, as systemd lists them.
    let items = pairs.iter().rev().filter(|(base, _)| (base == "OnCalendar") == calendar).map(|(base, text)| {
        if calendar {
            return structure([string(base.clone()), string(text.clone()), Variant::U64(0)].into_iter());
        }
        // OnBootSec= is shown as OnBootUSec.
        let name = base.strip_suffix("Sec").map_or_else(|| base.clone(), |stem| format!("{stem}USec"));
        let usec = text.parse().unwrap_or(0);
        structure([string(name), Variant::U64(usec), Variant::U64(0)].into_iter())
    });
    array(&element, items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded() {
        assert_eq!(base64("aGVsbG8gZGF0YQo="), b"hello data\n");
        assert_eq!(base64(""), b"");
    }

    #[test]
    fn slices_nest() {
        for (name, path) in
            [("-.slice", ""), ("system.slice", "/system.slice"), ("a-b-c.slice", "/a.slice/a-b.slice/a-b-c.slice")]
        {
            assert_eq!(slice_path(name), path);
        }
    }
}
