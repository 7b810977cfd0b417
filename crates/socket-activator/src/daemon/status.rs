//! A unit as its D-Bus properties tell it.

use std::collections::HashMap;

use bus_api::worker::UnitStatus;
use zbus::{OwnedVariant, Variant};

use super::Daemon;
use super::unit::SocketUnit;
use crate::core::{SocketResult, State};

impl SocketUnit {
    /// Its status in a state that it may have left already.
    pub fn status(&self, state: &State, result: SocketResult, cause: String) -> UnitStatus {
        let mut properties = HashMap::new();
        let mut set = |name: &str, value: Variant<'static>| {
            if let Ok(value) = OwnedVariant::try_from(value) {
                properties.insert(name.to_owned(), value);
            }
        };
        let connections = &self.machine.connections;
        set("Result", Variant::from(result.as_str().to_owned()));
        set("ControlPID", Variant::from(state.control().and_then(|c| c.pid).unwrap_or(0)));
        set("NConnections", Variant::from(u32::try_from(connections.count()).unwrap_or(u32::MAX)));
        set("NAccepted", Variant::from(connections.accepted));
        set("NRefused", Variant::from(connections.refused));
        set("InvocationID", Variant::from(self.invocation_id.clone()));
        for (name, moment) in self.timestamps.named() {
            set(name, Variant::from(moment.realtime));
            set(&format!("{name}Monotonic"), Variant::from(moment.monotonic));
        }
        UnitStatus {
            unit: self.name.to_string(),
            active: state.active().to_owned(),
            sub: state.sub().to_owned(),
            result: result.as_str().to_owned(),
            flags: 0,
            cause,
            properties,
        }
    }

    /// Its status now.
    pub fn current(&self) -> UnitStatus {
        self.status(self.machine.state(), self.machine.result(), String::new())
    }
}

impl Daemon {
    /// Adds `ControlGroup`, where commands of the unit run in one.
    pub(crate) fn with_cgroup(&self, name: &str, mut status: UnitStatus) -> UnitStatus {
        let cgroup = self.units.get(name).and_then(|unit| self.cgroup(unit)).filter(|cgroup| cgroup.exists());
        let path = cgroup.map(|cgroup| cgroup.name()).unwrap_or_default();
        if let Ok(value) = OwnedVariant::try_from(Variant::from(path)) {
            status.properties.insert("ControlGroup".to_owned(), value);
        }
        status
    }
}
