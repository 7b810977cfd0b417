//! What a unit depends on: explicit, implicit and default edges (systemd.unit(5)).

mod kind;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use kind::DependencyKind;

use crate::name::UnitName;
use crate::unit::Unit;

/// One dependency of one unit on another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Edge {
    /// What sort of dependency.
    pub kind: DependencyKind,
    /// The other unit.
    pub other: UnitName,
    /// Why it is there.
    pub source: Source,
}

/// Why a dependency is there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Source {
    /// A line of a unit file.
    File {
        /// The fragment or drop-in.
        file: PathBuf,
        /// The line, from 1.
        line: u32,
    },
    /// A link in a `.wants/`, `.requires/` or `.upholds/` directory.
    Link(PathBuf),
    /// It follows from another setting.
    Implicit(Rule),
    /// It follows from `DefaultDependencies=yes`.
    Default(Rule),
}

/// The rule behind an implicit or default dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rule {
    /// Placeholder until the rules are listed.
    SliceOfUnit,
}

impl Rule {
    /// One sentence for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Rule::SliceOfUnit => "a unit is in its slice",
        }
    }
}

impl Unit {
    /// All dependencies that follow from the unit's own configuration. Inverse edges are not in it.
    pub fn dependencies(&self) -> Vec<Edge> {
        Vec::new()
    }
}
