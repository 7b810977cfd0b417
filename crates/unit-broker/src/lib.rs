//! The unit graph, its jobs, and the public face `org.freedesktop.systemd1`.
//!
//! `core/` is the engine (pure), `driver/` feeds it with events and carries its actions out, `face/` is the public
//! D-Bus interface, `properties/` its property tables.
#![forbid(unsafe_code)]

pub mod builtin;
pub mod core;
pub mod driver;
pub mod face;
pub mod model;
pub mod properties;

pub use unit_parser::conditions::{self, glob, virtualization};
