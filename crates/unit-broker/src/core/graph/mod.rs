//! Units and their dependencies.

pub(in crate::core) mod atom;
pub(in crate::core) mod dependencies;
pub(in crate::core) mod load;
pub(in crate::core) mod record;
pub(in crate::core) mod settings;
pub(in crate::core) mod store;
pub(in crate::core) mod unit_set;

pub(in crate::core) use atom::Atom;
pub(in crate::core) use record::UnitId;
pub(in crate::core) use store::Graph;
pub(in crate::core) use unit_set::UnitSet;
