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
    /// A target comes after the units that it pulls in (the broker adds it, for both must be loaded).
    TargetAfterUnit,
    /// `RequiresMountsFor=`, `WantsMountsFor=`, and the paths that settings imply (added by the broker).
    MountsFor,
    /// `SYSTEMD_WANTS` of a udev rule (added by the broker).
    DeviceWants,
    /// The service of an accepted connection belongs to its socket (added by the broker).
    ConnectionOfSocket,
    /// Placeholder until the rules are listed.
    SliceOfUnit,
}

impl Rule {
    /// One sentence for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Rule::TargetAfterUnit => "a target comes after what it pulls in",
            Rule::MountsFor => "its paths are on that mount",
            Rule::DeviceWants => "SYSTEMD_WANTS of a udev rule",
            Rule::ConnectionOfSocket => "the connection came from that socket",
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
