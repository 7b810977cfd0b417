//! Every private D-Bus contract of Quintet, once: names, wire types, errors, and how to connect and serve.
//!
//! Workers (process-supervisor, socket-activator, device-watcher) *serve*; the broker *connects*. All speak D-Bus peer to
//! peer on `<runtime directory>/<daemon>.bus`, path [`names::PATH`]. `docs/architecture.md` shows the flows.
#![forbid(unsafe_code)]

pub mod broker;
pub mod devices;
pub mod names;
pub mod sockets;
pub mod worker;
