//! The event loop around the engine: messages, worker connections, timers and signals in, actions out.
//!
//! [`Broker`] is the one owner of everything; nothing in it waits. What takes time (a worker's answer) comes back as another
//! input, or is awaited by a task of its own that only holds what it needs to send the answer.

mod actions;
mod config;
mod event_loop;
mod generators;
mod message_bus;
mod mounts;
mod power;
mod reports;
mod requests;
mod setup;
mod starts;
mod store;
mod workers;

use std::collections::HashMap;
use std::rc::Rc;

use bus_api::serve::{ClientId, Server};
use daemon_runtime::notify::Runner;
use zbus::Message;

use crate::core::Time;
use crate::face::call::{Caller, Origin};
use crate::model::Model;
use generators::Generation;
use message_bus::MessageBus;
use starts::Starts;
use store::Store;
use workers::Workers;

pub use config::Config;
pub use event_loop::run;

/// The broker's state.
pub struct Broker {
    /// What can be read.
    pub model: Model,
    server: Server,
    callers: HashMap<ClientId, Rc<Caller>>,
    next_caller: u64,
    bus: MessageBus,
    workers: Workers,
    starts: Starts,
    generation: Generation,
    store: Store,
    runner: Rc<Runner>,
    /// The reply of the call that is being handled, until the signals before it are sent.
    reply: PendingReply,
    /// More events are at hand: what follows from them is carried out after the last.
    together: bool,
    /// There were jobs when this was last looked at.
    had_jobs: bool,
    /// What was asked of the launcher; asked once.
    ending: Option<String>,
    /// The loop ends after this round.
    quit: bool,
}

/// A reply that has its place among signals.
#[derive(Default)]
struct PendingReply {
    message: Option<(Origin, Message)>,
    /// The reply comes before this job's JobRemoved.
    before_end_of: Option<u32>,
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker").field("clients", &self.callers.len()).finish_non_exhaustive()
    }
}

/// Both clocks now.
fn now() -> Time {
    Time { monotonic_usec: sys::clock::monotonic(), realtime_usec: sys::clock::realtime() }
}
