//! The property tables of `org.freedesktop.systemd1`, and where each value comes from.
//!
//! A value's sources, first that has one: the unit's control group ([`usage`]), what the unit's worker told
//! ([`bus_api::worker::UnitStatus::properties`]), the engine's state ([`unit`], [`kinds`]), the unit file's directives
//! (through the parser's table: row -> property), the table's default.

pub mod convert;
pub mod dict;
pub mod interface;
pub mod kinds;
pub mod literal;
pub mod machine;
pub mod manager;
pub mod unit;
pub mod usage;

use unit_parser::{LoadState, UnitType};
use zbus::Variant;

use crate::core::UnitView;
use crate::model::Model;
use interface::{Interface, Property};

/// Prefix of all interfaces of the public face.
pub const PREFIX: &str = "org.freedesktop.systemd1.";

/// A unit's interfaces in the order in which `GetAll("")` lists them: its type's, then `Unit`.
#[must_use]
pub fn unit_interfaces(unit_type: UnitType) -> Vec<&'static Interface> {
    [unit_type.interface(), "Unit"]
        .into_iter()
        .filter_map(|name| interface::interface(&format!("{PREFIX}{name}")))
        .collect()
}

/// One property of a unit.
#[must_use]
pub fn of_unit(model: &Model, view: &UnitView<'_>, interface: &Interface, property: &Property) -> Variant<'static> {
    let short = interface.name.strip_prefix(PREFIX).unwrap_or(interface.name);
    let value = usage::value(model, view, property.name)
        .or_else(|| from_worker(model, view, property))
        .or_else(|| match short {
            "Unit" => unit::value(model, view, property.name),
            _ => kinds::value(model, view, short, property.name),
        })
        .or_else(|| from_directive(view, short, property))
        .or_else(|| property.default.try_clone().ok());
    match value {
        Some(value) if *value.value_signature() == property.signature => value,
        Some(value) => {
            // A worker or a row with another type must not break clients, which rely on the table's.
            tracing::error!(property = property.name, type_ = property.text, ?value, "a property of another type");
            literal::zero(&property.signature)
        }
        None => literal::zero(&property.signature),
    }
}

fn from_worker(model: &Model, view: &UnitView<'_>, property: &Property) -> Option<Variant<'static>> {
    // The engine knows of more results than workers do: a start limit, for instance.
    model.runtime_property(view.name, property.name).filter(|_| property.name != "Result")
}

/// Whether what its files say is shown: of a unit that was refused for a setting, what was read before that.
fn is_read(view: &UnitView<'_>) -> bool {
    matches!(view.load_state, LoadState::Loaded | LoadState::BadSetting)
}

/// Whether its files were read to the end: then what is not set has the value that follows from the rest.
fn is_complete(view: &UnitView<'_>) -> bool {
    is_read(view) && view.definition.complete
}

fn from_directive(view: &UnitView<'_>, interface: &str, property: &Property) -> Option<Variant<'static>> {
    if !is_read(view) {
        return None;
    }
    let row = convert::row_of(interface, property.name)?;
    let unit = view.definition;
    // The value lies where all directives of its sort are kept together.
    let setting = unit.setting(row.storage())?;
    convert::convert(&setting.value, property.name, property.text, &property.signature)
}
