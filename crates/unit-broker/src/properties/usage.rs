//! What units use: read from their control groups when somebody asks, as in systemd; nothing is polled.
//!
//! A service's worker tells what was counted before its run began (a control group may be that of an earlier run), and, once
//! the group is gone, what the run used in the end.

use std::path::Path;

use sys::cgroup::usage;
use unit_parser::{RowId, UnitName, UnitType, Value, rows};
use zbus::{Signature, Variant};

use super::literal::array;
use super::machine;
use crate::core::UnitView;
use crate::model::Model;

/// "Not set", or "infinity".
const NONE: u64 = u64::MAX;
/// What the supervisor tells of the counters' state when the run began: CPU, and the four of [`IO`].
const BASE: &str = "UsageBase";
/// In the order of [`usage::Io`].
const IO: [&str; 4] = ["IOReadBytes", "IOWriteBytes", "IOReadOperations", "IOWriteOperations"];

/// The value; `None` for what isn't counted in control groups, or was told by the worker.
#[must_use]
pub fn value(model: &Model, view: &UnitView<'_>, property: &str) -> Option<Variant<'static>> {
    let io = IO.iter().position(|name| *name == property);
    let counted = matches!(
        property,
        "ControlGroupId"
            | "MemoryCurrent"
            | "MemoryAvailable"
            | "TasksCurrent"
            | "CPUUsageNSec"
            | "EffectiveCPUs"
            | "EffectiveMemoryNodes"
    );
    if !(counted || io.is_some()) || !view.name.unit_type().has_cgroup() {
        return None;
    }
    let group = group(model, view);
    let group = group.as_deref();
    let confined = group.filter(|_| !is_root(view.name));
    let unit = view.definition;
    let number = match property {
        "ControlGroupId" => usage::id(group?)?,
        "MemoryCurrent" => memory(model, view).unwrap_or(NONE),
        "MemoryAvailable" => available(model, view),
        "TasksCurrent" if unit.bool(rows::cgroup::TASKS_ACCOUNTING) => tasks(model, view.name, group).unwrap_or(NONE),
        "CPUUsageNSec" if unit.bool(rows::cgroup::CPU_ACCOUNTING) => {
            let used =
                whole_machine(model, view.name).then(usage::machine::cpu).flatten().or_else(|| usage::cpu(group?));
            used?.saturating_sub(base(model, view.name, 0))
        }
        "EffectiveCPUs" => return confined.map(|group| set(usage::set(group, "cpuset.cpus.effective"))),
        "EffectiveMemoryNodes" => return confined.map(|group| set(usage::set(group, "cpuset.mems.effective"))),
        _ => match io.filter(|_| unit.bool(rows::cgroup::IO_ACCOUNTING)) {
            Some(place) => usage::io(group?)?.get(place)?.saturating_sub(base(model, view.name, place + 1)),
            // No accounting, no number, whatever was counted.
            None => NONE,
        },
    };
    Some(Variant::U64(number))
}

/// The directory of the unit's control group while it has one.
fn group(model: &Model, view: &UnitView<'_>) -> Option<std::path::PathBuf> {
    if view.name.unit_type() != UnitType::Service && !view.active.is_up_or_coming() {
        return None;
    }
    model.cgroup_directory(view.name)
}

fn is_root(unit: &UnitName) -> bool {
    unit.as_str() == "-.slice"
}

/// Whether the root slice is that of the whole machine, which the kernel counts elsewhere.
fn whole_machine(model: &Model, unit: &UnitName) -> bool {
    let facts = &model.facts;
    is_root(unit)
        && !facts.user
        && facts.cgroup_prefix.is_empty()
        && facts.cgroup_root.is_some()
        && !matches!(facts.virtualization, crate::virtualization::Virtualization::Container(_))
}

fn memory(model: &Model, view: &UnitView<'_>) -> Option<u64> {
    if !view.definition.bool(rows::cgroup::MEMORY_ACCOUNTING) {
        return None;
    }
    if whole_machine(model, view.name) {
        return usage::machine::memory();
    }
    usage::memory(&group(model, view)?)
}

fn tasks(model: &Model, unit: &UnitName, group: Option<&Path>) -> Option<u64> {
    if whole_machine(model, unit) { usage::machine::tasks() } else { usage::tasks(group?) }
}

/// What is left before the tightest limit of the unit and of the slices that it is in. The root slice is not asked, as in
/// systemd: what it has is not ours to limit.
fn available(model: &Model, view: &UnitView<'_>) -> u64 {
    let left = |view: &UnitView<'_>| {
        let limits = [rows::cgroup::MEMORY_MAX, rows::cgroup::MEMORY_HIGH].map(|row| limit(view.definition, row));
        let limit = limits.into_iter().min().filter(|limit| *limit != NONE && !is_root(view.name))?;
        Some(limit.saturating_sub(memory(model, view)?))
    };
    let mut least = left(view).unwrap_or(NONE);
    let mut above = view.slice;
    while let Some(slice) = above.and_then(|name| model.engine.unit(name)) {
        least = least.min(left(&slice).unwrap_or(NONE));
        above = slice.slice;
    }
    least
}

fn limit(unit: &unit_parser::Unit, row: RowId) -> u64 {
    match unit.value(row) {
        Value::Uint(bytes) | Value::Size(bytes) => *bytes,
        Value::Permyriad(share) => {
            u64::try_from(u128::from(machine::physical_memory()) * u128::from(*share) / 10_000).unwrap_or(NONE)
        }
        _ => NONE,
    }
}

fn base(model: &Model, unit: &UnitName, place: usize) -> u64 {
    match model.runtime_property(unit, BASE) {
        Some(Variant::Array(counters)) => match counters.inner().get(place) {
            Some(Variant::U64(counter)) => *counter,
            _ => 0,
        },
        _ => 0,
    }
}

/// `0-2,8` as the bits of bytes.
fn set(list: Option<String>) -> Variant<'static> {
    let mut bytes: Vec<u8> = Vec::new();
    for range in list.unwrap_or_default().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (Ok(first), Ok(last)) = (first.parse::<u16>(), last.parse::<u16>()) else { continue };
        for number in first..=last {
            let place = usize::from(number / 8);
            if bytes.len() <= place {
                bytes.resize(place + 1, 0);
            }
            if let Some(byte) = bytes.get_mut(place) {
                *byte |= 1 << (number % 8);
            }
        }
    }
    array(&Signature::U8, bytes.into_iter().map(Variant::U8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_bits() {
        for (list, bits) in [("0-1", &[3u8][..]), ("0,8-9", &[1, 3]), ("", &[])] {
            let expected = array(&Signature::U8, bits.iter().map(|byte| Variant::U8(*byte)));
            assert_eq!(set(Some(list.into())), expected, "{list}");
        }
    }
}
