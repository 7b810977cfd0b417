//! A unit as its D-Bus properties tell it.

use std::collections::HashMap;

use bus_api::worker::{self, UnitStatus};
use unit_parser::ExecCommand;
use zbus::{OwnedVariant, Variant};

use super::Daemon;
use super::unit::SocketUnit;
use crate::core::state::Phase;
use crate::core::{SocketResult, State};
use crate::settings;

/// A command in a property of type `a(sasbttttuii)`.
type Command = (String, Vec<String>, bool, u64, u64, u64, u64, u32, i32, i32);

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
        // As of a service: systemctl(1) and unitctl show it in `status`.
        set("StatusText", Variant::from(self.machine.pause.text().unwrap_or_default()));
        for phase in [Phase::StartPre, Phase::StartPost, Phase::StopPre, Phase::StopPost] {
            if let (Some(directive), Some(commands)) = (phase.directive(), self.commands(phase)) {
                set(directive, Variant::from(commands));
            }
        }
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

    /// The property of a list of commands; `None` for an empty list, which the definition shows as well.
    fn commands(&self, phase: Phase) -> Option<Vec<Command>> {
        let commands = settings::commands(&self.unit, phase);
        let one = |(index, command): (usize, &ExecCommand)| {
            let run = self.runs.of(phase, index);
            let (path, argv, ignored) = (command.path.clone(), command.argv.clone(), command.ignore_failure);
            let (start, end) = (run.start, run.end);
            let times = (start.realtime, start.monotonic, end.realtime, end.monotonic);
            (path, argv, ignored, times.0, times.1, times.2, times.3, run.pid, run.code, run.status)
        };
        (!commands.is_empty()).then(|| commands.iter().enumerate().map(one).collect())
    }

    /// Its status now.
    pub fn current(&self) -> UnitStatus {
        self.status(self.machine.state(), self.machine.result(), String::new())
    }
}

impl Daemon {
    /// Tells all of a change: what they don't know yet.
    pub(crate) fn tell_changed(&mut self, name: &str, status: UnitStatus) {
        let mut status = self.with_cgroup(name, status);
        let Some(unit) = self.units.get_mut(name) else { return };
        status.properties.retain(|property, value| unit.told.get(property) != Some(value));
        unit.told.extend(status.properties.iter().map(|(property, value)| (property.clone(), value.clone())));
        self.tell(&worker::Event::Changed(status));
    }

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
