//! Devices (systemd.device(5)): they come and go by themselves, as the watcher reports.
//!
//! dead --plugged--> active, which starts what the device wants (SYSTEMD_WANTS, .wants/); --unplugged--> dead, which
//! stops what is bound to it. A start job waits for the one, a stop job for the other. The device unit of the sysfs
//! path is followed by those of its other names.

use std::borrow::Cow;
use std::collections::BTreeSet;

use unit_parser::{DependencyKind, UnitName, UnitType};

use super::Step;
use crate::core::api::action::{Action, LogLevel};
use crate::core::api::event::{Device, DeviceAction, DeviceState, StatusFlags};
use crate::core::api::types::{ActiveState, JobMode, JobResult, JobState, JobType};
use crate::core::engine::{Cx, Engine};
use crate::core::graph::UnitId;
use crate::core::graph::record::DeviceInfo;
use crate::core::states::change::Reached;

impl Engine {
    /// One event of the watcher: first what the devices are, then their states, for one may want another.
    pub(in crate::core) fn devices(&mut self, cx: &mut Cx, action: DeviceAction, units: Vec<Device>) {
        let mut known = Vec::new();
        for device in units {
            let id = self.load(cx, &device.unit);
            let (state, cause) = (device.state, device.cause.clone());
            let was = self.graph[id].device.as_ref().map(|info| info.state).unwrap_or_default();
            if state != DeviceState::Dead {
                self.describe_device(cx, id, device);
            } else {
                self.device_gone(id);
            }
            known.push((id, was, state, cause));
        }
        // Those that go before those that come: a renamed device is both.
        for gone in [true, false] {
            for (id, was, state, cause) in &known {
                if gone == (*state == DeviceState::Dead) && self.graph.contains(*id) {
                    self.device_state(cx, *id, *was, *state, action, cause);
                }
            }
        }
    }

    /// It keeps its description, but nothing in sysfs is it any more.
    fn device_gone(&mut self, id: UnitId) {
        if let Some(info) = self.graph[id].device.as_mut() {
            info.state = DeviceState::Dead;
            info.sysfs_path.clear();
            self.changed(id);
        }
    }

    fn describe_device(&mut self, cx: &mut Cx, id: UnitId, device: Device) {
        if let Some(head) = &device.following {
            self.followers.entry(head.clone()).or_default().insert(device.unit.clone());
        }
        let info = DeviceInfo {
            state: device.state,
            following: device.following,
            sysfs_path: device.sysfs_path,
            description: device.description,
            wants: device.wants,
        };
        let old = self.graph[id].device.replace(Box::new(info));
        let wanted = old.as_ref().map(|old| old.wants.as_slice()).unwrap_or_default();
        let changed = self.graph[id].device.as_ref().is_some_and(|new| new.wants != wanted);
        if changed {
            self.set_device_wants(cx, id);
        }
        self.changed(id);
    }

    fn device_state(
        &mut self,
        cx: &mut Cx,
        id: UnitId,
        was: DeviceState,
        state: DeviceState,
        action: DeviceAction,
        cause: &str,
    ) {
        let active = match state {
            DeviceState::Dead => ActiveState::Inactive,
            DeviceState::Tentative => ActiveState::Activating,
            DeviceState::Plugged => ActiveState::Active,
        };
        if was == DeviceState::Dead && state != DeviceState::Dead {
            self.graph[id].invocation = cx.world.random_id();
        }
        if self.graph[id].active != active {
            let reached = Reached {
                active,
                sub: Cow::Borrowed(state.as_str()),
                result: Cow::Borrowed("success"),
                flags: StatusFlags::default(),
                cause: cause.to_owned(),
            };
            self.reached(cx, id, reached);
        } else if was == DeviceState::Plugged && state == DeviceState::Plugged {
            match action {
                DeviceAction::Change => {
                    self.start_wanted(cx, id);
                    self.pass_reload_on(cx, id);
                }
                DeviceAction::Add => self.start_wanted(cx, id),
                DeviceAction::Enumerate | DeviceAction::Remove => {}
            }
        }
    }

    /// A change event reloads what has `ReloadPropagatedFrom=` the device (systemd.device(5)).
    fn pass_reload_on(&mut self, cx: &mut Cx, id: UnitId) {
        let active = |other: &UnitId| self.graph[*other].active == ActiveState::Active;
        let others: Vec<UnitId> = self.graph.of_kind(id, DependencyKind::PropagatesReloadTo).filter(active).collect();
        for other in others {
            let edge = (id, DependencyKind::PropagatesReloadTo, other);
            self.enqueue_for_edge(cx, edge, JobType::Reload, JobMode::Replace);
        }
    }

    /// Any event of a device that is there: what SYSTEMD_WANTS lists and doesn't run is started.
    fn start_wanted(&mut self, cx: &mut Cx, id: UnitId) {
        let wants = self.graph[id].device.as_ref().map(|info| info.wants.clone()).unwrap_or_default();
        for name in wants {
            let other = self.load(cx, &name);
            if !self.graph[other].active.is_up_or_coming() {
                self.start_for_device(cx, (id, DependencyKind::Wants, other));
            }
        }
    }

    /// The watcher's whole list: what isn't in it is gone.
    pub(in crate::core) fn device_list(&mut self, cx: &mut Cx, units: Vec<Device>) {
        let listed: BTreeSet<UnitName> = units.iter().map(|device| device.unit.clone()).collect();
        for id in self.graph.ids() {
            let record = &self.graph[id];
            let gone = record.name.unit_type() == UnitType::Device
                && record.active != ActiveState::Inactive
                && !listed.contains(&record.name);
            if gone {
                let was = record.device.as_ref().map(|info| info.state).unwrap_or_default();
                self.device_gone(id);
                self.device_state(cx, id, was, DeviceState::Dead, DeviceAction::Remove, "not among the devices now");
            }
        }
        self.devices(cx, DeviceAction::Enumerate, units);
    }

    /// Whether devices can be watched; if not any more, jobs that wait for one say so.
    pub(in crate::core) fn devices_available(&mut self, cx: &mut Cx, available: bool, reason: String) {
        let before = std::mem::replace(&mut self.workers.no_devices, (!available).then_some(reason));
        if self.workers.no_devices != before {
            let waiting: Vec<UnitId> =
                self.jobs.of_devices().filter(|job| job.state == JobState::Running).map(|job| job.unit).collect();
            for id in waiting {
                self.warn_of_waiting(cx, id);
            }
        }
    }

    /// A start job: wait until it is plugged.
    pub(super) fn await_device(&mut self, cx: &mut Cx, id: UnitId) -> Step {
        if self.options.no_device_units {
            let text = "/sys is read-only: no device becomes a unit here";
            self.record(cx, id, "not started", text, String::new());
            self.actions.push(Action::Log(Some(self.graph[id].name.clone()), LogLevel::Warning, text.to_owned()));
            return Step::End(JobResult::Unsupported);
        }
        self.warn_of_waiting(cx, id);
        Step::End(JobResult::Skipped)
    }

    fn warn_of_waiting(&mut self, cx: &mut Cx, id: UnitId) {
        let hint = self.device_hint(id);
        if !hint.is_empty() {
            self.record_job(cx, id, format!("waiting{hint}"));
            let name = self.graph[id].name.clone();
            let text = format!("Waiting for a device that may never come{hint}.");
            self.actions.push(Action::Log(Some(name), LogLevel::Warning, text));
        }
    }

    /// Why waiting for this unit may be in vain, or nothing.
    pub(in crate::core) fn device_hint(&self, id: UnitId) -> String {
        match &self.workers.no_devices {
            Some(reason) if self.graph[id].name.unit_type() == UnitType::Device => {
                format!(" (no device events here: {reason})")
            }
            Some(_) | None => String::new(),
        }
    }
}
