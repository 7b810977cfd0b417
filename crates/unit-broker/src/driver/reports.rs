//! Workers' words as the engine's: parsed here once, so that nothing behind handles a unit name as text.

use std::collections::HashMap;

use bus_api::devices::DeviceUnit;
use bus_api::worker::{UnitStatus, flags};
use unit_parser::UnitName;
use zbus::{OwnedVariant, Variant};

use crate::core::{
    ActiveState, Device, DeviceAction, DeviceState, ExitInfo, Invocation, Status, StatusFlags, Time, Worker,
};

/// A worker's status; `None` (with a line in the log) when it doesn't make sense.
pub fn status(worker: Worker, status: &UnitStatus) -> Option<Status> {
    let Ok(unit) = UnitName::parse(&status.unit) else {
        tracing::error!(unit = status.unit, "a worker's unit has an invalid name");
        return None;
    };
    let Some(active) = ActiveState::parse(&status.active) else {
        tracing::error!(unit = status.unit, state = status.active, "a worker's unit is in an unknown state");
        return None;
    };
    let has = |flag| status.flags & flag != 0;
    Some(Status {
        worker,
        unit,
        active,
        sub: status.sub.clone(),
        result: status.result.clone(),
        flags: StatusFlags {
            reload_failure: has(flags::RELOAD_FAILURE),
            will_auto_restart: has(flags::WILL_AUTO_RESTART),
            skip_condition: has(flags::SKIP_CONDITION),
        },
        cause: status.cause.clone(),
        invocation: invocation(&status.properties),
        exit: exit(&status.properties),
        changed_at: changed_at(&status.properties),
    })
}

fn invocation(properties: &HashMap<String, OwnedVariant>) -> Option<Invocation> {
    let Variant::Array(bytes) = &**properties.get("InvocationID")? else { return None };
    let bytes: Option<Vec<u8>> = bytes
        .inner()
        .iter()
        .map(|byte| match byte {
            Variant::U8(byte) => Some(*byte),
            _ => None,
        })
        .collect();
    bytes?.try_into().ok()
}

fn exit(properties: &HashMap<String, OwnedVariant>) -> Option<ExitInfo> {
    let number = |name| match &**properties.get(name)? {
        Variant::I32(number) => Some(*number),
        _ => None,
    };
    Some(ExitInfo { code: number("ExecMainCode")?, status: number("ExecMainStatus")? })
}

fn changed_at(properties: &HashMap<String, OwnedVariant>) -> Option<Time> {
    let number = |name| match &**properties.get(name)? {
        Variant::U64(number) => Some(*number),
        _ => None,
    };
    Some(Time {
        realtime_usec: number("StateChangeTimestamp")?,
        monotonic_usec: number("StateChangeTimestampMonotonic")?,
    })
}

/// Device units; those with invalid names are dropped with a line in the log. `user`: a user manager wants others.
pub fn devices(units: Vec<DeviceUnit>, user: bool) -> Vec<Device> {
    units.into_iter().filter_map(|unit| device(unit, user)).collect()
}

fn device(unit: DeviceUnit, user: bool) -> Option<Device> {
    let Ok(name) = UnitName::parse(&unit.unit) else {
        tracing::error!(unit = unit.unit, "a device unit has an invalid name");
        return None;
    };
    let state = match unit.state.as_str() {
        "plugged" => DeviceState::Plugged,
        "tentative" => DeviceState::Tentative,
        _ => DeviceState::Dead,
    };
    let wants = if user { unit.user_wants } else { unit.wants };
    let parsed = |text: &String| {
        UnitName::parse(text)
            .inspect_err(|_| tracing::warn!(device = %name, wants = text, "a device wants something that is no unit"))
            .ok()
    };
    Some(Device {
        state,
        following: UnitName::parse(&unit.following).ok(),
        wants: wants.iter().filter_map(parsed).collect(),
        cause: format!("udev: {} {}", unit.action, unit.sysfs_path),
        sysfs_path: unit.sysfs_path,
        description: unit.description,
        unit: name,
    })
}

/// udev's action as far as it matters (systemd.device(5), udev(7)).
pub fn device_action(action: &str) -> DeviceAction {
    match action {
        "enumerate" => DeviceAction::Enumerate,
        "remove" => DeviceAction::Remove,
        "add" | "move" => DeviceAction::Add,
        // bind, unbind, online, offline: as systemd does
        _ => DeviceAction::Change,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read() {
        let properties = HashMap::from([
            ("InvocationID".to_owned(), OwnedVariant::try_from(Variant::new(vec![7u8; 16])).unwrap()),
            ("ExecMainCode".to_owned(), OwnedVariant::from(1i32)),
            ("ExecMainStatus".to_owned(), OwnedVariant::from(3i32)),
        ]);
        let told = UnitStatus {
            unit: "a.service".into(),
            active: "failed".into(),
            sub: "failed".into(),
            result: "exit-code".into(),
            flags: flags::WILL_AUTO_RESTART,
            cause: "test".into(),
            properties,
        };
        let read = status(Worker::Supervisor, &told).unwrap();
        assert_eq!(read.active, ActiveState::Failed);
        assert!(read.flags.will_auto_restart && !read.flags.reload_failure);
        assert_eq!(read.invocation, Some([7; 16]));
        assert_eq!(read.exit, Some(ExitInfo { code: 1, status: 3 }));
        assert_eq!(read.changed_at, None);
        assert!(status(Worker::Supervisor, &UnitStatus { unit: "a".into(), ..told.clone() }).is_none());
        assert!(status(Worker::Supervisor, &UnitStatus { active: "odd".into(), ..told }).is_none());
    }
}
