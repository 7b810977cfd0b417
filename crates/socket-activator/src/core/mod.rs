//! What a socket unit does, without doing it: events in, actions out; time and ids are arguments.
//!
//! Start with [`state`] (the states and what they mean) and [`machine`] (which event leads where).

pub mod activation;
pub mod connections;
pub mod event;
pub mod instance;
pub mod machine;
pub mod pause;
pub mod policy;
pub mod rate_limit;
pub mod runs;
pub mod state;
pub mod timestamps;

pub use event::{Action, Event};
pub use machine::Machine;
pub use policy::Policy;
pub use state::{SocketResult, State};

#[cfg(test)]
mod scenarios;
