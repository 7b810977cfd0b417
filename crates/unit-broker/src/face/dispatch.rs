//! From a message to its handler.

use unit_parser::UnitName;
use unit_parser::escape::bus_label_unescape;

use super::call::{Answer, Answered, Call};
use super::object::{self, Object};
use super::{access, errors, introspect, job, manager, processes, properties, unit, why};
use crate::core::{Event, Reply};
use crate::driver::Broker;
use crate::properties::interface::{Interface, interface};
use crate::properties::{PREFIX, unit_interfaces};

/// What a path turned out to be, with units loaded and jobs looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The manager.
    Manager,
    /// A loaded unit, by its primary name.
    Unit(UnitName),
    /// An installed job.
    Job(u32),
    /// Log control.
    LogControl,
    /// Quintet's own object.
    Quintet,
    /// A path that only has others below it.
    Directory,
}

impl Target {
    /// The interfaces that the object has besides the standard ones.
    #[must_use]
    pub fn interfaces(&self) -> Vec<&'static Interface> {
        let one = |name: &str| interface(name).into_iter().collect();
        match self {
            Self::Manager => one(&format!("{PREFIX}Manager")),
            Self::Unit(name) => unit_interfaces(name.unit_type()),
            Self::Job(_) => one(&format!("{PREFIX}Job")),
            Self::LogControl => one("org.freedesktop.LogControl1"),
            Self::Quintet => one(bus_api::names::BROKER),
            Self::Directory => Vec::new(),
        }
    }
}

/// Answers a call.
///
/// # Errors
/// What the caller is told.
pub fn dispatch(broker: &mut Broker, call: &Call) -> Answered {
    // The bus driver isn't here; go-systemd waits for an answer to its AddMatch all the same.
    if call.interface == "org.freedesktop.DBus" {
        return match call.member.as_str() {
            "AddMatch" | "RemoveMatch" => call.reply(&()),
            _ => Err(errors::unknown_method(&call.member, &call.interface)),
        };
    }
    let target = resolve(broker, call)?;
    match call.interface.as_str() {
        "org.freedesktop.DBus.Introspectable" => return introspected(broker, call, &target),
        "org.freedesktop.DBus.Properties" => return properties::handle(broker, call, &target),
        "org.freedesktop.DBus.Peer" => {
            // What the library answers for every daemon.
            let reply = bus_api::serve::default_reply(&call.message, &|_| Some(String::new()));
            return Ok(reply.map_or(Answer::Later, Answer::Reply));
        }
        _ => {}
    }
    let unknown = || errors::unknown_method(&call.member, &call.interface);
    let interfaces = target.interfaces();
    let found = interfaces
        .into_iter()
        .filter(|interface| call.interface.is_empty() || interface.name == call.interface)
        .find_map(|interface| interface.method(&call.member).map(|method| (interface, method)));
    let Some((interface, method)) = found else { return Err(unknown()) };
    let given = call.message.body().signature().to_string_no_parens();
    let wanted = method.input_signature();
    if given != wanted {
        return Err(bus_api::errors::BusError::invalid_args(format!(
            "Invalid arguments '{given}' to call {}.{}(), expecting '{wanted}'.",
            interface.name, method.name
        )));
    }
    let owns = match (&target, method.name) {
        (Target::Job(id), _) => broker.asked_for(&call.caller, *id),
        // One that isn't there is refused as such.
        (Target::Manager, "CancelJob") => call
            .arguments::<(u32,)>()
            .is_ok_and(|(id,)| broker.asked_for(&call.caller, id) || broker.model.engine.job(id).is_none()),
        _ => false,
    };
    access::check(&call.caller, interface.name, method.name, owns)?;
    let short = interface.name.strip_prefix(PREFIX).unwrap_or(interface.name);
    match (target, short, method.name) {
        (Target::Manager, _, member) => manager::handle(broker, call, member),
        (Target::Unit(name), _, "GetProcesses") => processes::of_unit(broker, call, &name),
        (Target::Unit(name), "Unit", member) => unit::handle(broker, call, &name, member),
        (Target::Unit(_), _, "BindMount") => manager::bind_mount(call, 0),
        (Target::Unit(_), _, member) => Err(errors::not_supported(member)),
        (Target::Job(id), _, member) => job::handle(broker, call, id, member),
        (Target::Quintet, _, _) => why::handle(broker, call),
        (Target::LogControl | Target::Directory, _, _) => Err(unknown()),
    }
}

/// Finds the object of a call; a unit is loaded by that.
fn resolve(broker: &mut Broker, call: &Call) -> Result<Target, bus_api::errors::BusError> {
    match object::parse(&call.path) {
        Object::Manager => Ok(Target::Manager),
        Object::Unit(name) if name.is_template() => Err(errors::invalid_name_or_id(name.as_str())),
        Object::Unit(name) => match broker.handle(Event::Load(name.clone())) {
            Ok(Reply::Unit(primary)) => Ok(Target::Unit(primary)),
            Ok(Reply::Done | Reply::Queued(_)) => Ok(Target::Unit(name)),
            Err(error) => Err(errors::of_engine(&error)),
        },
        // The last part may be an invocation ID as well (sd-bus' unit/HEX form).
        Object::BadUnit(label) => match by_invocation_id(broker, &label) {
            Some(name) => Ok(Target::Unit(name)),
            None => {
                let name = bus_label_unescape(&label).unwrap_or(label);
                Err(errors::invalid_name_or_id(&name))
            }
        },
        Object::OwnUnit => processes::unit_of_pid(broker, call.caller.pid).map(Target::Unit),
        Object::Job(id) if broker.model.engine.job(id).is_some() => Ok(Target::Job(id)),
        Object::LogControl => Ok(Target::LogControl),
        Object::Quintet => Ok(Target::Quintet),
        Object::Units | Object::Jobs | Object::Above(_) => Ok(Target::Directory),
        Object::Job(_) | Object::None => Err(errors::unknown_object(&call.path)),
    }
}

/// The unit of an invocation ID in hexadecimal; a path's label has an escaped first digit.
pub fn by_invocation_id(broker: &Broker, text: &str) -> Option<UnitName> {
    let text = match text.strip_prefix("_3") {
        Some(rest) => rest.to_owned(),
        None => text.to_owned(),
    };
    if text.len() != 32 || !text.chars().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let id = u128::from_str_radix(&text, 16).ok()?.to_be_bytes();
    let engine = &broker.model.engine;
    let mut names = engine.units().into_iter();
    names.find(|name| engine.unit(name).is_some_and(|view| view.invocation == id)).cloned()
}

fn introspected(broker: &Broker, call: &Call, target: &Target) -> Answered {
    if call.member != "Introspect" {
        return Err(errors::unknown_method(&call.member, &call.interface));
    }
    let engine = &broker.model.engine;
    let children: Vec<String> = match object::parse(&call.path) {
        Object::Manager => vec!["unit".into(), "job".into()],
        Object::Units => {
            let label = |name: &&UnitName| name.bus_path().rsplit('/').next().map(str::to_owned);
            engine.units().iter().filter_map(label).collect()
        }
        Object::Jobs => engine.jobs().iter().map(|job| job.id.to_string()).collect(),
        Object::Above(names) => names.iter().map(|name| (*name).to_owned()).collect(),
        Object::Unit(_)
        | Object::BadUnit(_)
        | Object::OwnUnit
        | Object::Job(_)
        | Object::LogControl
        | Object::Quintet
        | Object::None => Vec::new(),
    };
    call.reply_string(&introspect::xml(&target.interfaces(), children))
}
