//! What the broker knows, in one place: the engine, what workers told of their units, the manager's own facts.
//!
//! The public face reads it; only the driver changes it.

mod cgroup;
mod description;
mod environment;
mod facts;
mod install;
mod machine;
mod mounts;
mod runtime;

use std::collections::HashMap;

use unit_parser::{LoadState, UnitName};
use zbus::Variant;

use crate::core::{Engine, UnitView};

pub use environment::Environment;
pub use facts::{Facts, SavedFacts, VERSION};
use install::FileStates;
pub use machine::{Machine, Renamed};
pub use mounts::MountTable;
pub use runtime::RuntimeProperties;

/// Everything that can be read.
#[derive(Debug)]
pub struct Model {
    /// Units, edges, jobs.
    pub engine: Engine,
    /// Unit files, conditions, random numbers.
    pub machine: Machine,
    /// Runtime properties that workers told, by unit.
    pub runtime: RuntimeProperties,
    /// The manager's own facts.
    pub facts: Facts,
    /// The other ends of accepted connections, by the service that got them.
    pub peers: HashMap<UnitName, String>,
    file_states: FileStates,
}

impl Model {
    /// A model in which no worker has told anything yet.
    #[must_use]
    pub fn new(engine: Engine, machine: Machine, facts: Facts) -> Self {
        Self {
            engine,
            machine,
            runtime: RuntimeProperties::default(),
            facts,
            peers: HashMap::new(),
            file_states: FileStates::default(),
        }
    }

    /// Whether a unit's files changed since they were read.
    #[must_use]
    pub fn needs_reload(&self, view: &UnitView<'_>) -> bool {
        view.load_state != LoadState::Merged && self.machine.loader.needs_reload(view.definition)
    }

    /// A runtime property of a unit, if its worker told one.
    #[must_use]
    pub fn runtime_property(&self, unit: &UnitName, property: &str) -> Option<Variant<'static>> {
        self.runtime.get(unit, property)
    }

    /// A runtime property that is a string.
    #[must_use]
    pub fn runtime_string(&self, unit: &UnitName, property: &str) -> Option<String> {
        match self.runtime_property(unit, property)? {
            Variant::Str(text) => Some(text.as_str().to_owned()),
            _ => None,
        }
    }

    /// A runtime property that is a `u`.
    #[must_use]
    pub fn runtime_u32(&self, unit: &UnitName, property: &str) -> Option<u32> {
        match self.runtime_property(unit, property)? {
            Variant::U32(number) => Some(number),
            _ => None,
        }
    }
}
