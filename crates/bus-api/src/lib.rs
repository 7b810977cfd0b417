//! Every private D-Bus contract of Quintet, once: names, wire types, errors, and how to connect and serve.
//!
//! Workers (process-supervisor, socket-activator, device-watcher) *serve*; the broker *connects*. All speak D-Bus peer to
//! peer on `<runtime directory>/<daemon>.bus`, path [`names::PATH`]. `docs/architecture.md` shows the flows.
//!
//! | layer | modules |
//! |---|---|
//! | contracts, both directions of each message | [`worker`], [`supervisor`], [`sockets`], [`devices`], [`broker`] |
//! | what all messages share | [`names`], [`namespaces`], [`errors`], [`message`] |
//! | the transport | [`serve`] (server side), [`connect`] (client side), [`message_bus`] (as a client of a bus), `socket` (framing and SASL under both) |
#![forbid(unsafe_code)]

pub mod broker;
pub mod connect;
pub mod devices;
pub mod errors;
pub mod message;
pub mod message_bus;
pub mod names;
pub mod namespaces;
pub mod serve;
mod socket;
pub mod sockets;
pub mod supervisor;
pub mod worker;
