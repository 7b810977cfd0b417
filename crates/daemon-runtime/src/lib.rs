//! What every Quintet daemon shares: flags and configuration, logs, sd_notify with the descriptor store, serving its private
//! socket, signals, state files, and the event loop it all runs on.
//!
//! | module | what |
//! |---|---|
//! | [`args`] | flags that all daemons take |
//! | [`command_line`] | parsing them, and the man page made of them |
//! | [`config`] | TOML configuration; unknown keys are rejected by name |
//! | [`dynamic_users`] | users that live as long as a service runs |
//! | [`logging`] | tracing to console, JSON or journald |
//! | [`paths`] | the runtime directory and what lies in it |
//! | [`fds`] | descriptors that the launcher passed: fixed ones and stored ones |
//! | [`notify`] | READY=1, STATUS=, the descriptor store |
//! | [`notices`] | what is told of a unit beyond its state, within limits |
//! | [`journal`] | lines about units, to journald where there is one |
//! | [`listen`] | the daemon's own private socket, passed or bound |
//! | [`state`] | values under keys, in a log that is appended to |
//! | [`readiness`] | waiting for descriptors that tokio has no type for |
//! | [`shutdown`] | the signals that end a daemon |
//! | [`event_loop`] | a current-thread runtime |
#![forbid(unsafe_code)]

pub mod args;
pub mod command_line;
pub mod config;
pub mod dynamic_users;
pub mod event_loop;
pub mod fds;
pub mod journal;
pub mod listen;
pub mod logging;
pub mod notices;
pub mod notify;
pub mod paths;
pub mod readiness;
pub mod shutdown;
pub mod state;

pub use event_loop::run;
