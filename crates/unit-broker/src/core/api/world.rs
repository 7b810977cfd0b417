//! The seam to what must be asked synchronously.

pub use unit_parser::Tested;
use unit_parser::{Condition, Edge, Unit, UnitName};

use super::event::Invocation;

/// Unit files, the machine's state, randomness. The driver has the real ones, tests a map.
pub trait World {
    /// Reads a unit's files. Never fails: a missing unit is one with `LoadState::NotFound`.
    fn load(&mut self, name: &UnitName) -> Unit;
    /// What a unit depends on, by its own definition.
    fn dependencies(&mut self, unit: &Unit) -> Vec<Edge> {
        unit.dependencies()
    }
    /// Looks at the directories of the load path again (daemon-reload).
    fn refresh(&mut self);
    /// Looks at one condition or assert.
    fn test(&mut self, unit: &Unit, condition: &Condition) -> Tested;
    /// 16 random bytes.
    fn random_id(&mut self) -> Invocation;
}
