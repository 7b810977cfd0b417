//! The service state machine and everything about it that needs no system call.
//!
//! Events in, actions out; time is an argument. Nothing here knows tokio, D-Bus, files or clocks, so a restart limit is
//! tested without sleeping, and a recorded run replays exactly.
//!
//! ```text
//! machine/   one service: states, what each event does to them
//! definition what the machine reads from a unit
//! command    Exec*= lines by kind
//! view       what the machine may ask of the world while it decides
//! ```

pub mod action;
pub mod command;
pub mod definition;
pub mod event;
pub mod exit;
pub mod instance;
pub mod machine;
pub mod notification;
pub mod rate_limit;
pub mod restart;
pub mod state;
pub mod status;
pub mod time;
pub mod view;

/// Process id, as in D-Bus properties; 0 is never a process.
pub type Pid = u32;
