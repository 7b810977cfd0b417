//! process-supervisor: owns service processes.
//!
//! | layer | what |
//! |---|---|
//! | [`core`] | the service state machine, pure |
//! | [`driver`] | processes, control groups, notify sockets, fd stores, state files |
//! | [`bus`] | `org.quintet.Worker1` |
//! | [`serve`], [`run`] | the daemon under a broker, and alone |
#![forbid(unsafe_code)]

pub mod bus;
pub mod cli;
pub mod config;
pub mod core;
pub mod driver;
pub mod run;
pub mod serve;
pub mod setup;
pub mod timer;

/// Name of the daemon: its socket, its state, its configuration.
pub const NAME: &str = "process-supervisor";
