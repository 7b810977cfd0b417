//! Properties of the interface `Unit` that aren't a directive's value.

use unit_parser::{Condition, DependencyKind, LoadState, RowId, Unit, UnitType, rows};
use zbus::{Signature, Variant};

use super::literal::{array, path, string, strings, structure};
use crate::core::{ConditionView, Time, UnitView};
use crate::face::object;
use crate::model::Model;

/// The value; `None` when a directive or the default tells it.
#[must_use]
pub fn value(model: &Model, view: &UnitView<'_>, property: &str) -> Option<Variant<'static>> {
    if let Some(kind) = DependencyKind::ALL.iter().find(|kind| kind.as_str() == property) {
        return Some(strings(model.engine.dependencies(view.name, *kind).into_iter().map(|name| name.as_str())));
    }
    if let Some(value) = stamp(view, property) {
        return Some(Variant::U64(value));
    }
    let unit = view.definition;
    let file = |path: &std::path::PathBuf| path.to_string_lossy().into_owned();
    Some(match property {
        "Id" => string(view.name.as_str()),
        "Names" => strings(view.names.iter().map(|name| name.as_str())),
        "Following" => string(view.following.map_or("", |name| name.as_str())),
        "Description" => string(model.description(view).into_owned()),
        "LoadState" => string(view.load_state.as_str()),
        "ActiveState" => string(view.active.as_str()),
        "SubState" => string(view.sub),
        "FragmentPath" => string(unit.fragment.as_ref().map(file).unwrap_or_default()),
        "SourcePath" => string(unit.source.as_ref().map(file).unwrap_or_default()),
        "DropInPaths" => strings(unit.dropins.iter().map(file)),
        "UnitFileState" => string(model.unit_file_state(view)),
        "UnitFilePreset" => string(model.unit_file_preset(view)),
        "CanStart" => Variant::Bool(view.can_start),
        "CanStop" => Variant::Bool(view.can_stop),
        "CanReload" => Variant::Bool(view.can_reload),
        "CanIsolate" => Variant::Bool(view.can_isolate),
        "CanFreeze" => Variant::Bool(can_freeze(model, view)),
        "FreezerState" => string(model.freezer_state(view)),
        // Devices are waited for only so long (systemd-system.conf(5), DefaultDeviceTimeoutSec=).
        "JobRunningTimeoutUSec"
            if view.name.unit_type() == UnitType::Device
                && !unit.is_set(rows::unit::JOB_RUNNING_TIMEOUT_SEC)
                && !unit.is_set(rows::unit::JOB_TIMEOUT_SEC) =>
        {
            Variant::U64(model.facts.device_timeout)
        }
        "CanClean" => strings(cleanable(unit)),
        "IgnoreOnIsolate" if !unit.is_set(rows::unit::IGNORE_ON_ISOLATE) => {
            Variant::Bool(ignores_isolate(view.name.unit_type()))
        }
        "Job" => job(model, view),
        "NeedDaemonReload" => Variant::Bool(model.needs_reload(view)),
        "ConditionResult" => Variant::Bool(view.conditions.result),
        "AssertResult" => Variant::Bool(view.asserts.result),
        "Conditions" => conditions(unit.conditions().collect(), view.conditions),
        "Asserts" => conditions(unit.asserts().collect(), view.asserts),
        "LoadError" => load_error(view),
        "Markers" => strings(view.markers.words()),
        "Transient" => Variant::Bool(view.transient || view.name.as_str() == "init.scope"),
        "Perpetual" => Variant::Bool(view.perpetual),
        "InvocationID" if view.invocation == [0; 16] => array(&Signature::U8, []),
        "InvocationID" => array(&Signature::U8, view.invocation.iter().map(|byte| Variant::U8(*byte))),
        _ => return None,
    })
}

fn stamp(view: &UnitView<'_>, property: &str) -> Option<u64> {
    let stamps = view.stamps;
    let (name, monotonic) = match property.strip_suffix("Monotonic") {
        Some(name) => (name, true),
        None => (property, false),
    };
    let time: Time = match name {
        "StateChangeTimestamp" => stamps.state_change,
        "InactiveExitTimestamp" => stamps.inactive_exit,
        "ActiveEnterTimestamp" => stamps.active_enter,
        "ActiveExitTimestamp" => stamps.active_exit,
        "InactiveEnterTimestamp" => stamps.inactive_enter,
        "ConditionTimestamp" => stamps.condition,
        "AssertTimestamp" => stamps.assert,
        _ => return None,
    };
    Some(if monotonic { time.monotonic_usec } else { time.realtime_usec })
}

fn job(model: &Model, view: &UnitView<'_>) -> Variant<'static> {
    // Only installed jobs have an object.
    let id = view.job.filter(|id| model.engine.job(*id).is_some()).unwrap_or(0);
    let object = if id == 0 { "/".to_owned() } else { object::job_path(id) };
    structure([Variant::U32(id), path(object)].into_iter())
}

/// Kinds that an isolated target leaves alone (systemd.unit(5), IgnoreOnIsolate=).
fn ignores_isolate(unit_type: UnitType) -> bool {
    matches!(
        unit_type,
        UnitType::Device | UnitType::Mount | UnitType::Automount | UnitType::Swap | UnitType::Slice | UnitType::Scope
    )
}

/// What `CleanUnit` could remove (org.freedesktop.systemd1(5)).
pub fn cleanable(unit: &Unit) -> Vec<&'static str> {
    use rows::exec as e;
    let unit_type = unit.name.unit_type();
    if unit_type == UnitType::Timer {
        // The time stamp file.
        return if unit.bool(rows::timer::PERSISTENT) { vec!["state"] } else { Vec::new() };
    }
    let directories = [
        ("runtime", e::RUNTIME_DIRECTORY),
        ("state", e::STATE_DIRECTORY),
        ("cache", e::CACHE_DIRECTORY),
        ("logs", e::LOGS_DIRECTORY),
        ("configuration", e::CONFIGURATION_DIRECTORY),
    ];
    let set = |(_, row): &(&str, RowId)| unit_type.has_exec() && !unit.list(*row).is_empty();
    directories.into_iter().filter(set).map(|(word, _)| word).collect()
}

/// Whether the kernel's freezer can be used: a slice is frozen only if that goes for everything in it, loaded units without
/// processes (sockets) included, as in systemd.
pub fn can_freeze(model: &Model, view: &UnitView<'_>) -> bool {
    model.facts.cgroup_root.is_some() && kind_can_freeze(model, view)
}

fn kind_can_freeze(model: &Model, view: &UnitView<'_>) -> bool {
    match view.name.unit_type() {
        UnitType::Service | UnitType::Scope => true,
        UnitType::Slice => {
            let all = model.engine.units().into_iter().filter_map(|name| model.engine.unit(name));
            all.filter(|member| member.slice == Some(view.name)).all(|member| kind_can_freeze(model, &member))
        }
        UnitType::Socket
        | UnitType::Target
        | UnitType::Device
        | UnitType::Mount
        | UnitType::Automount
        | UnitType::Swap
        | UnitType::Timer
        | UnitType::Path => false,
    }
}

fn load_error(view: &UnitView<'_>) -> Variant<'static> {
    let unit = view.definition;
    let (name, text) = match (view.load_state, &unit.load_error) {
        (LoadState::Loaded | LoadState::Merged | LoadState::Stub, _) => (String::new(), String::new()),
        (_, Some((name, text))) => (name.clone(), text.clone()),
        (LoadState::NotFound, None) => {
            ("org.freedesktop.systemd1.NoSuchUnit".to_owned(), format!("Unit {} not found.", view.name))
        }
        (LoadState::Masked, None) => {
            ("org.freedesktop.systemd1.UnitMasked".to_owned(), format!("Unit {} is masked.", view.name))
        }
        (LoadState::BadSetting, None) => (
            "org.freedesktop.systemd1.BadUnitSetting".to_owned(),
            format!("Unit {} has a bad unit file setting.", view.name),
        ),
        (LoadState::Error, None) => {
            ("org.freedesktop.systemd1.LoadFailed".to_owned(), format!("Unit {} failed to load.", view.name))
        }
    };
    structure([string(name), string(text)].into_iter())
}

/// `a(sbbsi)`, the last line of the file first, as systemd lists them.
fn conditions(list: Vec<&Condition>, state: &ConditionView) -> Variant<'static> {
    let fields = [Signature::Str, Signature::Bool, Signature::Bool, Signature::Str, Signature::I32];
    let rows = list.iter().enumerate().rev().map(|(index, condition)| {
        let outcome = state.each.get(index).copied().unwrap_or(0);
        let fields = [
            string(condition.name()),
            Variant::Bool(condition.trigger),
            Variant::Bool(condition.negate),
            string(condition.parameter.clone()),
            Variant::I32(outcome),
        ];
        structure(fields.into_iter())
    });
    array(&Signature::structure(fields), rows)
}
