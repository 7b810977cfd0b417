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
    /// Another event is about to be handled: what was found out about files for the last one counts no more.
    fn begin_event(&mut self) {}
    /// Looks at the directories of the load path again (daemon-reload).
    fn refresh(&mut self);
    /// Whether loading the unit again would give the same. What can't tell says no.
    fn is_current(&mut self, unit: &Unit) -> bool;
    /// Looks at one condition or assert.
    fn test(&mut self, unit: &Unit, condition: &Condition) -> Tested;
    /// 16 random bytes.
    fn random_id(&mut self) -> Invocation;
}
