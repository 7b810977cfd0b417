//! What is on disk, so that a kill -9 loses nothing: a log of the units, and one of
//! the engine, the manager's facts and the message bus's clients.

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
        let mut batch = self.units.batch();
        for unit in units {
            match engine.saved_unit(unit) {
                Some(saved) => batch.save(unit.as_str(), &saved),
                None => batch.remove(unit.as_str()),
            }
        }
        batch.commit();
        self.manager.save(ENGINE, &reserved(engine.saved_manager()));
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

/// Numbers are given away for good, also by a broker that comes back: they are written down a hundred ahead, so that the file
/// changes rarely. The rest of a hundred is skipped then.
fn reserved(saved: SavedManager) -> SavedManager {
    /// Numbers for each time that the file is written.
    const AHEAD: u32 = 100;
    let last_job = saved.last_job.checked_next_multiple_of(AHEAD).unwrap_or(saved.last_job);
    let next_why = saved.next_why.checked_next_multiple_of(AHEAD.into()).unwrap_or(saved.next_why);
    SavedManager { last_job, next_why, ..saved }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_down_ahead() {
        for (last_job, next_why, expected) in [
            (0, 0, (0, 0)),
            (1, 1, (100, 100)),
            (100, 99, (100, 100)),
            (101, 101, (200, 200)),
            (u32::MAX, 5, (u32::MAX, 100)),
        ] {
            let saved = reserved(SavedManager { last_job, next_why, ..SavedManager::default() });
            assert_eq!((saved.last_job, saved.next_why), expected);
        }
    }
}
