//! Units that something is to be done with: quick to add to, in the order in which they came.

use super::record::UnitId;

/// A set of places.
#[derive(Debug, Clone, Default)]
pub(in crate::core) struct UnitSet {
    /// By place.
    members: Vec<bool>,
    /// In order, with some that were taken out since.
    order: Vec<UnitId>,
}

impl UnitSet {
    /// Adds a unit, unless it is in.
    pub fn insert(&mut self, id: UnitId) {
        let at = id.0 as usize;
        if self.members.len() <= at {
            self.members.resize(at + 1, false);
        }
        if let Some(member) = self.members.get_mut(at)
            && !std::mem::replace(member, true)
        {
            self.order.push(id);
        }
    }

    /// Takes a unit out; whether it was in.
    pub fn remove(&mut self, id: UnitId) -> bool {
        self.members.get_mut(id.0 as usize).is_some_and(std::mem::take)
    }

    /// Takes out all.
    pub fn take(&mut self) -> Vec<UnitId> {
        let mut all = std::mem::take(&mut self.order);
        // One that came twice is taken out with its first place.
        all.retain(|id| self.remove(*id));
        all
    }
}
