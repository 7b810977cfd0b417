//! The world of a copy: it may be looked at, and nothing else.

use unit_parser::{Condition, Edge, Unit, UnitName};

use crate::core::api::event::Invocation;
use crate::core::api::world::{Tested, World};

/// Reads unit files and conditions of the real world.
pub(super) struct Quiet<'a> {
    world: &'a mut dyn World,
    ids: u128,
}

impl<'a> Quiet<'a> {
    pub fn new(world: &'a mut dyn World) -> Quiet<'a> {
        Quiet { world, ids: 0 }
    }
}

impl World for Quiet<'_> {
    fn load(&mut self, name: &UnitName) -> Unit {
        self.world.load(name)
    }

    fn dependencies(&mut self, unit: &Unit) -> Vec<Edge> {
        self.world.dependencies(unit)
    }

    /// The load path stays as the real engine knows it.
    fn refresh(&mut self) {}

    fn is_current(&mut self, unit: &Unit) -> bool {
        self.world.is_current(unit)
    }

    fn test(&mut self, unit: &Unit, condition: &Condition) -> Tested {
        self.world.test(unit, condition)
    }

    /// Nobody sees them, so they need not be random.
    fn random_id(&mut self) -> Invocation {
        self.ids += 1;
        self.ids.to_be_bytes()
    }
}
