//! The device table, sans-IO: events of udev in, changes of `.device` units out.
//!
//! - [`event`]: what happened to a device, as an owned value ([`event::DeviceEvent`]), from udev or from a recording.
//! - [`kernel`]: what of an event counts without udev.
//! - [`plug`]: which units start with which device, for `run --on-plug`.
//! - [`naming`]: which unit names a device has, and which units it wants (systemd.device(5)).
//! - [`objects`]: the units as objects of D-Bus.
//! - [`table`]: who owns which name, and what changes with an event.
//!
//! A name belongs to at most one device at a time. systemd.device(5) doesn't say who wins when two claim one; as in
//! systemd, a link below `/dev` belongs to the device that it points to, and any other name to the last claimant.
pub mod event;
pub mod kernel;
pub mod naming;
pub mod objects;
pub mod plug;
pub mod saved;
pub mod table;
pub mod words;
