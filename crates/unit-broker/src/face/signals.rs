//! Signals of the public face.

use serde::Serialize;
use zbus::{DynamicType, Message};

use super::call::object_path;
use super::object::{MANAGER, job_path};
use crate::core::JobResult;
use crate::model::Model;
use crate::properties::dict::PropertyDict;
use crate::properties::interface::{Emits, Interface, interface};
use crate::properties::{PREFIX, literal, manager, of_unit, unit_interfaces};
use unit_parser::UnitName;

fn manager_signal<B: Serialize + DynamicType>(member: &str, body: &B) -> Option<Message> {
    built(bus_api::message::signal_on(MANAGER, &format!("{PREFIX}Manager"), member, body))
}

fn built(message: Result<Message, zbus::Error>) -> Option<Message> {
    message.inspect_err(|error| tracing::error!(%error, "a signal that can't be sent")).ok()
}

/// `UnitNew` or `UnitRemoved`.
#[must_use]
pub fn unit(member: &str, unit: &UnitName) -> Option<Message> {
    manager_signal(member, &(unit.as_str(), object_path(&unit.bus_path())))
}

/// `JobNew`.
#[must_use]
pub fn job_new(id: u32, unit: &UnitName) -> Option<Message> {
    manager_signal("JobNew", &(id, object_path(&job_path(id)), unit.as_str()))
}

/// `JobRemoved`.
#[must_use]
pub fn job_removed(id: u32, unit: &UnitName, result: JobResult) -> Option<Message> {
    manager_signal("JobRemoved", &(id, object_path(&job_path(id)), unit.as_str(), result.as_str()))
}

/// `Reloading`.
#[must_use]
pub fn reloading(active: bool) -> Option<Message> {
    manager_signal("Reloading", &(active,))
}

/// `UnitFilesChanged`.
#[must_use]
pub fn unit_files_changed() -> Option<Message> {
    manager_signal("UnitFilesChanged", &())
}

/// `StartupFinished`: firmware, loader, kernel, initrd, userspace, total; µs.
#[must_use]
pub fn startup_finished(userspace_usec: u64) -> Option<Message> {
    let none = 0u64;
    manager_signal("StartupFinished", &(none, none, none, none, userspace_usec, userspace_usec))
}

/// `PropertiesChanged` of a unit: one for its type's interface, one for `Unit`, with all properties that tell of changes.
#[must_use]
pub fn unit_changed(model: &Model, unit: &UnitName) -> Vec<Message> {
    let Some(view) = model.engine.unit(unit) else { return Vec::new() };
    let path = view.name.bus_path();
    let signal = |interface: &'static Interface| {
        changed(&path, interface, |property| of_unit(model, &view, interface, property))
    };
    unit_interfaces(view.name.unit_type()).into_iter().filter_map(signal).collect()
}

/// `PropertiesChanged` of a job.
#[must_use]
pub fn job_changed(model: &Model, id: u32) -> Option<Message> {
    let interface = interface(&format!("{PREFIX}Job"))?;
    let state = model.engine.job(id)?.state.as_str();
    changed(&job_path(id), interface, |_| literal::string(state))
}

/// `PropertiesChanged` of the manager.
#[must_use]
pub fn manager_changed(model: &Model) -> Option<Message> {
    let interface = interface(&format!("{PREFIX}Manager"))?;
    changed(MANAGER, interface, |property| manager::of_manager(model, property))
}

fn changed(
    path: &str,
    interface: &'static Interface,
    value: impl Fn(&crate::properties::interface::Property) -> zbus::Variant<'static>,
) -> Option<Message> {
    let mut values = PropertyDict::default();
    let mut invalidated: Vec<&str> = Vec::new();
    for property in &interface.properties {
        match property.emits {
            Emits::Changes => values.push(property.name, value(property)),
            Emits::Invalidates => invalidated.push(property.name),
            Emits::Const | Emits::Nothing => {}
        }
    }
    if values.is_empty() && invalidated.is_empty() {
        return None;
    }
    let body = (interface.name, values, invalidated);
    built(bus_api::message::signal_on(path, "org.freedesktop.DBus.Properties", "PropertiesChanged", &body))
}
