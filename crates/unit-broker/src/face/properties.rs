//! `org.freedesktop.DBus.Properties` of every object.

use bus_api::errors::BusError;
use zbus::{OwnedVariant, Variant};

use super::call::{Answered, Call, object_path};
use super::dispatch::Target;
use super::{access, errors};
use crate::driver::Broker;
use crate::properties::dict::PropertyDict;
use crate::properties::interface::{Interface, Property};
use crate::properties::{literal, manager, of_unit};

/// Answers `Get`, `GetAll` and `Set`.
///
/// # Errors
/// What the caller is told.
pub fn handle(broker: &mut Broker, call: &Call, target: &Target) -> Answered {
    match call.member.as_str() {
        "GetAll" => {
            let (name,): (String,) = call.arguments()?;
            let interfaces = target.interfaces();
            // systemctl asks for all interfaces with the empty name.
            let wanted: Vec<_> = interfaces.iter().filter(|i| name.is_empty() || i.name == name).collect();
            let standard = name.starts_with("org.freedesktop.DBus.");
            if wanted.is_empty() && !name.is_empty() && !standard {
                return Err(errors::unknown_interface(&name));
            }
            let mut all = PropertyDict::default();
            for interface in wanted {
                add_all(broker, target, interface, &mut all);
            }
            call.reply(&(all,))
        }
        "Get" => {
            let (interface, name): (String, String) = call.arguments()?;
            let (interface, property) = find(target, &interface, &name)?;
            call.reply(&(value(broker, target, interface, property),))
        }
        "Set" => {
            let (interface, name, new): (String, String, OwnedVariant) = call.arguments()?;
            let (_, property) = find(target, &interface, &name)?;
            if !property.writable {
                return Err(errors::read_only(&name));
            }
            if !call.caller.privileged {
                return Err(access::denied());
            }
            if *new.value_signature() != property.signature {
                let text = format!("Incorrect parameters for property '{name}', expected '{}'.", property.text);
                return Err(BusError::invalid_args(text));
            }
            broker.set_property(property, &new)?;
            call.reply(&())
        }
        _ => Err(errors::unknown_method(&call.member, &call.interface)),
    }
}

fn find(target: &Target, interface: &str, property: &str) -> Result<(&'static Interface, &'static Property), BusError> {
    let mut interfaces = target.interfaces().into_iter().filter(|i| interface.is_empty() || i.name == interface);
    interfaces
        .find_map(|found| found.property(property).map(|property| (found, property)))
        .ok_or_else(|| errors::unknown_property(interface, property))
}

fn value(broker: &Broker, target: &Target, interface: &Interface, property: &Property) -> Variant<'static> {
    let model = &broker.model;
    match target {
        Target::Manager => manager::of_manager(model, property),
        Target::LogControl => manager::of_log_control(model, property),
        Target::Unit(name) => match model.engine.unit(name) {
            Some(view) => of_unit(model, &view, interface, property),
            None => literal::zero(&property.signature),
        },
        Target::Job(id) => of_job(broker, *id, property),
        Target::Quintet | Target::Directory => literal::zero(&property.signature),
    }
}

fn add_all(broker: &Broker, target: &Target, interface: &'static Interface, all: &mut PropertyDict) {
    let model = &broker.model;
    // Looked up once for all properties.
    let view = match target {
        Target::Unit(name) => model.engine.unit(name),
        Target::Manager | Target::Job(_) | Target::LogControl | Target::Quintet | Target::Directory => None,
    };
    for property in &interface.properties {
        let value = match &view {
            Some(view) => of_unit(model, view, interface, property),
            None => value(broker, target, interface, property),
        };
        if !property.own || value != property.default {
            all.push(property.name, value);
        }
    }
}

fn of_job(broker: &Broker, id: u32, property: &Property) -> Variant<'static> {
    let Some(job) = broker.model.engine.job(id) else { return literal::zero(&property.signature) };
    match property.name {
        "Id" => Variant::U32(id),
        "JobType" => literal::string(job.job_type.as_str()),
        "State" => literal::string(job.state.as_str()),
        "Unit" => {
            let path = Variant::ObjectPath(object_path(&job.unit.bus_path()).into());
            literal::structure([literal::string(job.unit.as_str()), path].into_iter())
        }
        _ => literal::zero(&property.signature),
    }
}
