//! What follows from other settings (the manual pages' "Implicit Dependencies").

use super::DependencyKind::{
    After, Before, BindsTo, InSlice, Requires, StopPropagatedFrom, TriggeredBy, Triggers, Wants,
};
use super::{Edges, Rule, Source};
use crate::name::UnitName;
use crate::table::{RowId, rows};
use crate::unit::{LoadState, Unit};
use crate::unit_type::UnitType;
use crate::value::Value;

pub(super) fn add(edges: &mut Edges<'_>) {
    match edges.unit.name.unit_type() {
        UnitType::Service => service(edges),
        UnitType::Socket => socket(edges),
        UnitType::Timer => triggers(edges, rows::timer::UNIT),
        UnitType::Path => triggers(edges, rows::path::UNIT),
        UnitType::Mount => mount(edges),
        UnitType::Automount => automount(edges),
        UnitType::Swap => swap(edges),
        UnitType::Target | UnitType::Device | UnitType::Slice | UnitType::Scope => {}
    }
    if runs_processes(edges.unit) {
        exec(edges);
    }
}

fn service(edges: &mut Edges<'_>) {
    use rows::service as s;
    if edges.unit.word(s::TYPE) == "dbus" && !edges.unit.str(s::BUS_NAME).is_empty() {
        edges.add_all(&[Requires, After], "dbus.socket", Source::Implicit(Rule::BusOfService));
    }
    if let Value::Units(sockets) = edges.unit.value(s::SOCKETS) {
        for (name, origin) in sockets.names.iter().zip(&sockets.origins) {
            let source = edges.source(*origin, Rule::SocketsOfService);
            edges.add_all(&[Wants, After, TriggeredBy], name.as_str(), source);
        }
    }
}

fn socket(edges: &mut Edges<'_>) {
    use rows::socket as s;
    if edges.unit.has_one_service() {
        triggers(edges, s::SERVICE);
    }
    let interface = edges.unit.str(s::BIND_TO_DEVICE).to_owned();
    if interface.is_empty() || interface == "lo" {
        return;
    }
    let path = format!("/sys/subsystem/net/devices/{interface}");
    if let Ok(device) = UnitName::from_path(&path, UnitType::Device) {
        let source = Source::Implicit(Rule::BindToDevice);
        edges.add_all(&[BindsTo, After], device.as_str(), source);
    }
}

fn triggers(edges: &mut Edges<'_>, id: RowId) {
    if let Value::Units(units) = edges.unit.value(id) {
        for (name, origin) in units.names.iter().zip(&units.origins) {
            let source = edges.source(*origin, Rule::TriggersUnit);
            edges.add_all(&[Before, Triggers], name.as_str(), source);
        }
    }
}

fn device_of(path: &str) -> Option<UnitName> {
    let is_node = path.starts_with("/dev/") || path.starts_with("/sys/");
    is_node.then(|| UnitName::from_path(path, UnitType::Device).ok()).flatten()
}

fn node(edges: &mut Edges<'_>, what: &str, rule: Rule, bound: bool) {
    let Some(device) = device_of(what) else { return };
    let source = Source::Implicit(rule);
    let pulls = if bound { BindsTo } else { Requires };
    edges.add_all(&[pulls, After], device.as_str(), source);
    let check = format!("blockdev@{}.target", device.stem());
    edges.add_all(&[After], &check, source);
}

fn mount(edges: &mut Edges<'_>) {
    use rows::mount as m;
    let what = edges.unit.str(m::WHAT).to_owned();
    let options = edges.unit.str(m::OPTIONS).to_owned();
    // The type too: mount(8) knows no such file system, but systemd reads it so.
    let bind = options.split(',').chain([edges.unit.str(m::TYPE)]).any(|o| matches!(o, "bind" | "rbind"));
    if bind || edges.unit.str(m::WHERE) == "/" {
        return;
    }
    let bound = options.split(',').any(|o| o == "x-systemd.device-bound");
    node(edges, &what, Rule::MountNeedsDevice, bound);
    if let Some(device) = device_of(&what).filter(|_| !bound && edges.unit.fragment.is_some()) {
        let source = Source::Implicit(Rule::MountNeedsDevice);
        edges.add_all(&[StopPropagatedFrom], device.as_str(), source);
    }
}

fn automount(edges: &mut Edges<'_>) {
    if let Ok(mount) = edges.unit.name.with_type(UnitType::Mount) {
        let source = Source::Implicit(Rule::TriggersUnit);
        edges.add_all(&[Before, Triggers], mount.as_str(), source);
    }
}

fn swap(edges: &mut Edges<'_>) {
    let what = edges.unit.str(rows::swap::WHAT).to_owned();
    if device_of(&what).is_some() {
        node(edges, &what, Rule::SwapNeedsDevice, false);
    } else {
        let source = Source::Implicit(Rule::SwapFileIsWritten);
        edges.add_all(&[After], "systemd-remount-fs.service", source);
    }
}

/// A socket has the dependencies of processes only if it runs commands.
fn runs_processes(unit: &Unit) -> bool {
    use rows::socket as s;
    let commands = [s::EXEC_START_PRE, s::EXEC_START_POST, s::EXEC_STOP_PRE, s::EXEC_STOP_POST];
    match unit.name.unit_type() {
        UnitType::Service | UnitType::Swap | UnitType::Mount => true,
        UnitType::Socket => commands.iter().any(|id| !unit.exec(*id).is_empty()),
        UnitType::Target
        | UnitType::Device
        | UnitType::Automount
        | UnitType::Timer
        | UnitType::Path
        | UnitType::Slice
        | UnitType::Scope => false,
    }
}

/// systemd.exec(5), "Implicit Dependencies".
fn exec(edges: &mut Edges<'_>) {
    use rows::exec as e;
    let unit = edges.unit;
    if unit.user_manager {
        return;
    }
    let below_var = [e::STATE_DIRECTORY, e::CACHE_DIRECTORY, e::LOGS_DIRECTORY];
    if below_var.iter().any(|id| !unit.list(*id).is_empty()) {
        let source = Source::Implicit(Rule::WritesBelowVar);
        edges.add_all(&[After], "systemd-remount-fs.service", source);
    }
    if !matches!(unit.word(e::PRIVATE_TMP), "no" | "") {
        let source = Source::Implicit(Rule::PrivateTmp);
        edges.add_all(&[Wants, After], "tmp.mount", source);
        edges.add_all(&[After], "systemd-tmpfiles-setup.service", source);
    }
    if !unit.str(e::ROOT_IMAGE).is_empty() {
        let source = Source::Implicit(Rule::RootImage);
        edges.add_all(&[After], "systemd-udevd.service", source);
    }
    let source = Source::Implicit(Rule::LogsToJournal);
    let namespace = unit.str(e::LOG_NAMESPACE).to_owned();
    let logs = |id| matches!(unit.word(id), "journal" | "journal+console" | "kmsg" | "kmsg+console");
    if !namespace.is_empty() {
        for socket in ["systemd-journald@", "systemd-journald-varlink@"] {
            edges.add_all(&[Requires, After], &format!("{socket}{namespace}.socket"), source);
        }
    } else if logs(e::STANDARD_OUTPUT) || logs(e::STANDARD_ERROR) {
        edges.add_all(&[After], "systemd-journald.socket", source);
    }
}

/// A unit is below its slice (systemd.slice(5)).
pub(super) fn slice(edges: &mut Edges<'_>) {
    let unit = edges.unit;
    if !unit.name.unit_type().has_cgroup() || unit.name.as_str() == "-.slice" {
        return;
    }
    if let Value::Units(slices) = unit.value(rows::cgroup::SLICE) {
        for (name, origin) in slices.names.iter().zip(&slices.origins) {
            let source = edges.source(*origin, Rule::SliceOfUnit);
            // What is refused has a slice all the same, but nothing is asked of it.
            if unit.load_state == LoadState::Loaded {
                edges.add_all(&[Requires, After], name.as_str(), source);
            }
            edges.add_all(&[InSlice], name.as_str(), source);
        }
    }
}
