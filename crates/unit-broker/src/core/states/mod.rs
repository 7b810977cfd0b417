//! What follows from a unit's change of state.

pub(in crate::core) mod change;
pub(in crate::core) mod collect;
pub(in crate::core) mod conditions;
pub(in crate::core) mod deferred;
pub(in crate::core) mod emergency;
pub(in crate::core) mod startup;
pub(in crate::core) mod sync;
pub(in crate::core) mod triggers;
