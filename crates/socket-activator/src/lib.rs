//! Owns the sockets of `.socket` units: binds them, waits for traffic, asks for the service, and hands descriptors over.
//!
//! [`core`] decides, [`sockets`] makes sockets, [`daemon`] connects both to D-Bus and to whoever runs it;
//! [`standalone`] does without.
#![forbid(unsafe_code)]

pub mod cli;
pub mod core;
pub mod daemon;
pub mod ownership;
pub mod settings;
pub mod sockets;
pub mod standalone;
