//! The property tables of `org.freedesktop.systemd1`, and where each value comes from.
//!
//! A value's sources, first that has one: what the unit's worker told ([`bus_api::worker::UnitStatus::properties`]), the
//! engine's state, the unit file's directives (through the parser's table: row -> property), the table's default.

pub mod interface;
pub mod literal;
