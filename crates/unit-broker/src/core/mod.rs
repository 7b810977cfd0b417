//! The engine of the broker: units, their dependencies, jobs and transactions. Pure: events in, actions out.
//!
//! ```text
//! driver:   let reply = engine.handle(now, event, &mut world);   // answers a request, applies an event
//!           for action in engine.drain() { ... }                 // in this order: save first, then the rest
//!           sleep until engine.next_deadline(), then Event::Time
//!           nothing else to do: Event::Idle (garbage collection), drain again
//! ```
//!
//! [`World`] is what must be asked synchronously (unit files, conditions, random ids); everything else comes as
//! an [`Event`]. Nothing in here blocks, looks at a clock or touches a file, so that a copy of the engine can play
//! "what if" ([`Engine`] is `Clone`) and a log of events replays to the same state.
//!
//! Folders: `api/` what the driver sees; `graph/` units and edges; `transaction/` from a request to a consistent set
//! of jobs; `jobs/` the installed jobs and how they run; `kinds/` one file per unit type; `states/` what follows
//! from a state change.
//!
//! How things are decided (who, when, why):
//! - A request becomes a *transaction*: an anchor job and all that its dependencies pull in. It is checked, trimmed
//!   and merged as a whole before anything is touched; then its jobs are installed, one per unit.
//! - An installed job waits in the run queue until ordering lets it run, then asks the unit's kind to act. Kinds that
//!   a worker owns emit an action and wait for the worker's [`Event::Status`]; targets and slices act at once.
//! - A state change finishes jobs, propagates (stop of bound units, OnFailure=, ...) and wakes waiting jobs.
//! - A worker that is away is away: its units keep their last state, their jobs wait ([`Event::WorkerAway`]).

mod api;
mod cycles;
mod dispatch;
mod engine;
mod graph;
mod jobs;
mod kinds;
mod preview;
mod ratelimit;
mod saved;
mod states;
mod transaction;
mod view;
mod why;

pub(crate) use kinds::worker;

pub use api::action::{Action, LogLevel, PowerAction, StartCommand};
pub use api::cause::Cause;
pub use api::error::EngineError;
pub use api::event::{
    Device, DeviceAction, DeviceState, Event, ExitInfo, Invocation, JobRequest, Status, StatusFlags, Worker,
};
pub use api::reply::{Affected, Queued, Reply};
pub use api::types::{ActiveState, JobMode, JobResult, JobState, JobType, Markers, SystemState, Time};
pub use api::view::{ConditionView, JobView, Stamps, UnitView};
pub use api::world::{Tested, World};
pub use engine::{Engine, Options};
pub use preview::{Fate, Happening, PlannedJob};
pub use saved::{SavedJob, SavedManager, SavedUnit};
pub use why::WhyEntry;
