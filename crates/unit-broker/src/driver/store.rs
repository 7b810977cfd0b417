//! What is on disk, so that a kill -9 loses nothing: a file a unit, one for the engine, one for the manager's facts.

use daemon_runtime::paths::RuntimeDir;
use daemon_runtime::state::StateDir;
use unit_parser::UnitName;

use super::message_bus::interests::Interests;
use crate::core::{Engine, SavedManager, SavedUnit};
use crate::model::SavedFacts;

const DAEMON: &str = "unit-broker";
const ENGINE: &str = "engine";
const FACTS: &str = "manager";
const INTERESTS: &str = "message-bus";

/// The state files.
#[derive(Debug, Clone)]
pub struct Store {
    units: StateDir,
    manager: StateDir,
}

/// What an earlier broker of this boot left.
#[derive(Debug)]
pub struct Saved {
    pub engine: SavedManager,
    pub units: Vec<SavedUnit>,
    pub facts: SavedFacts,
}

impl Store {
    /// Opens, and creates, the directories below `<runtime>/state/unit-broker`.
    pub fn open(runtime: &RuntimeDir) -> std::io::Result<Self> {
        let manager = runtime.state(DAEMON);
        let units = manager.join("units");
        Ok(Self { units: StateDir::open(units)?, manager: StateDir::open(manager)? })
    }

    /// Reads it all; `None` on the first start of a boot.
    pub fn load(&self) -> Option<Saved> {
        let engine = self.manager.load::<SavedManager>(ENGINE)?;
        let facts = self.manager.load::<SavedFacts>(FACTS).unwrap_or_default();
        let units = self.units.load_all::<SavedUnit>().into_iter().map(|(_, unit)| unit).collect();
        Some(Saved { engine, units, facts })
    }

    /// Saves the records of some units, and the engine's own.
    pub fn save_units(&self, engine: &Engine, units: &[UnitName]) {
        for unit in units {
            match engine.saved_unit(unit) {
                Some(saved) => {
                    self.units.save(unit.as_str(), &saved);
                }
                None => self.units.remove(unit.as_str()),
            }
        }
        self.manager.save(ENGINE, &engine.saved_manager());
    }

    /// Saves what clients on the message bus want.
    pub fn save_interests(&self, interests: &Interests) {
        self.manager.save(INTERESTS, interests);
    }

    /// What they wanted.
    pub fn load_interests(&self) -> Interests {
        self.manager.load::<Interests>(INTERESTS).unwrap_or_default()
    }

    /// Saves the manager's facts.
    pub fn save_facts(&self, facts: &SavedFacts) {
        self.manager.save(FACTS, facts);
    }
}
