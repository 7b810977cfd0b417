//! Errors of the public face: everything becomes a D-Bus name and a text here, both systemd's.

use bus_api::connect::CallError;
use bus_api::errors::{BusError, ErrorName};

use unit_parser::install::InstallError;

use crate::core::EngineError;

/// An engine's refusal.
#[must_use]
pub fn of_engine(error: &EngineError) -> BusError {
    let name = ErrorName::from_wire(error.dbus_name()).unwrap_or(ErrorName::Failed);
    BusError::new(name, error.to_string())
}

/// A worker's refusal, passed on as it is.
#[must_use]
pub fn of_worker(error: &CallError) -> BusError {
    match error {
        CallError::Remote { text, .. } => BusError::new(error.name().unwrap_or(ErrorName::Failed), text.clone()),
        CallError::Away => BusError::new(ErrorName::NoReply, "The daemon that owns the unit is away, try again."),
        CallError::Unsendable(text) => BusError::new(ErrorName::LimitsExceeded, text.clone()),
    }
}

/// An install verb's failure.
#[must_use]
pub fn of_install(error: &InstallError) -> BusError {
    let errno = match error {
        InstallError::Errno { errno, .. } => Some(ErrorName::from_errno(*errno)),
        _ => None,
    };
    let name = ErrorName::from_wire(error.bus_name()).or(errno).unwrap_or(ErrorName::Failed);
    BusError::new(name, error.to_string())
}

/// The path has no object.
#[must_use]
pub fn unknown_object(path: &str) -> BusError {
    BusError::new(ErrorName::UnknownObject, format!("Unknown object '{path}'."))
}

/// The object has no such method.
#[must_use]
pub fn unknown_method(member: &str, interface: &str) -> BusError {
    BusError::new(ErrorName::UnknownMethod, format!("Unknown method {member} or interface {interface}."))
}

/// The object has no such interface.
#[must_use]
pub fn unknown_interface(interface: &str) -> BusError {
    BusError::new(ErrorName::UnknownInterface, format!("Unknown interface '{interface}'."))
}

/// The object has no such property.
#[must_use]
pub fn unknown_property(interface: &str, property: &str) -> BusError {
    BusError::new(ErrorName::UnknownProperty, format!("Unknown interface {interface} or property {property}."))
}

/// The property can't be set.
#[must_use]
pub fn read_only(property: &str) -> BusError {
    BusError::new(ErrorName::PropertyReadOnly, format!("Property '{property}' is not writable."))
}

/// The unit isn't loaded.
#[must_use]
pub fn not_loaded(unit: &str) -> BusError {
    BusError::new(ErrorName::NoSuchUnit, format!("Unit {unit} not loaded."))
}

/// Not a unit name.
#[must_use]
pub fn invalid_name(name: &str) -> BusError {
    BusError::invalid_args(format!("Unit name {name} is not valid."))
}

/// Not a unit name where an invocation ID would do too.
#[must_use]
pub fn invalid_name_or_id(name: &str) -> BusError {
    BusError::invalid_args(format!("Unit name {name} is neither a valid invocation ID nor unit name."))
}

/// Something that Quintet doesn't do.
#[must_use]
pub fn not_supported(what: &str) -> BusError {
    BusError::new(ErrorName::NotSupported, format!("{what} is not supported by Quintet."))
}
