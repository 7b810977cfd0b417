//! Owns the sockets of `.socket` units: binds them, waits for traffic, asks for the service, and hands descriptors over.
#![forbid(unsafe_code)]

pub mod core;
pub mod settings;
pub mod sockets;
