//! Whether a unit would be loaded as it was: without reading its files again.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Loader, dropins};
use crate::name::UnitName;
use crate::unit::Unit;

/// Directories that belong to a unit.
const SUFFIXES: [&str; 4] = [".d", ".wants", ".requires", ".upholds"];

impl Loader {
    /// Whether none of the unit's files, links and directories changed since it was loaded, nor others came that would
    /// count now. Sees what there was at the last [`Loader::refresh`], and every later change of a file.
    pub fn is_current(&self, unit: &Unit) -> bool {
        unit.stamp != 0 && self.stamp(unit) == Some(unit.stamp)
    }

    /// A number for the state of all files that a unit is made of; `None` if it can't be told yet.
    pub(super) fn stamp(&self, unit: &Unit) -> Option<u64> {
        let (files, index) = (self.files.as_ref(), self.index.borrow());
        let found = index.find(&unit.name);
        if found.aliases != unit.aliases || found.fragment != unit.fragment || found.name != unit.name {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        if let Some(fragment) = &unit.fragment {
            files.stamp(fragment)?.hash(&mut hasher);
        }
        if let Some(source) = &unit.source {
            // Where it is not, nothing is made from it.
            files.modified(source).ok().hash(&mut hasher);
        }
        let names: Vec<&UnitName> = std::iter::once(&unit.name).chain(&unit.aliases).collect();
        for suffix in SUFFIXES {
            for directory in dropins::directories(&index, &names, suffix) {
                directory.hash(&mut hasher);
                files.stamp(&directory)?.hash(&mut hasher);
            }
        }
        for dropin in &unit.dropins {
            files.stamp(dropin)?.hash(&mut hasher);
        }
        for link in &unit.links {
            // A mask may be more than a link.
            files.is_null(&link.path).hash(&mut hasher);
        }
        // 0 is kept for "unknown".
        Some(hasher.finish().max(1))
    }
}
