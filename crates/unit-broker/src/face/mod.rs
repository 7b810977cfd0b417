//! The public face: `org.freedesktop.systemd1`, dispatched by hand from messages.
//!
//! By path first ([`object`]), then by interface and member ([`dispatch`]). There are no objects: a unit's path is
//! answered by looking the unit up, which loads it, so that nothing has to be registered or removed.

mod access;
pub mod call;
mod clean;
pub mod dispatch;
mod drop_in;
pub mod errors;
mod introspect;
mod job;
mod manager;
mod markers;
pub mod object;
mod power;
pub mod processes;
mod properties;
pub mod relay;
mod set_properties;
pub mod signals;
pub mod unit;
mod unit_files;
mod why;
