//! What a unit depends on: explicit, implicit and default edges (systemd.unit(5)).

mod default;
mod explicit;
mod implicit;
mod kind;
mod rule;

use std::collections::HashSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use kind::DependencyKind;
pub use rule::Rule;

use crate::name::UnitName;
use crate::unit::{LoadState, Origin, Unit};

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

impl Unit {
    /// All dependencies that follow from the unit's own configuration, without doubles and without
    /// edges to itself. Inverse edges are not in it, nor what depends on other units: the order of a
    /// target after its members ([`Rule::TargetAfterUnit`]) and mounts ([`Rule::MountsFor`], for the
    /// paths in `RequiresMountsFor=`, where the paths that settings imply are added when it is loaded).
    pub fn dependencies(&self) -> Vec<Edge> {
        let mut edges = Edges::new(self);
        match self.load_state {
            LoadState::NotFound | LoadState::Masked | LoadState::Merged => return Vec::new(),
            LoadState::Stub | LoadState::Loaded | LoadState::BadSetting | LoadState::Error => {}
        }
        explicit::add(&mut edges);
        // What systemd refuses after it has read it keeps what follows from its settings.
        if self.load_state == LoadState::Loaded || self.complete {
            implicit::add(&mut edges);
            default::add(&mut edges);
        }
        if self.load_state == LoadState::Loaded {
            implicit::slice(&mut edges);
        }
        edges.list
    }
}

/// Edges of one unit on their way out.
struct Edges<'a> {
    unit: &'a Unit,
    seen: HashSet<(DependencyKind, UnitName)>,
    list: Vec<Edge>,
}

impl<'a> Edges<'a> {
    fn new(unit: &'a Unit) -> Edges<'a> {
        Edges { unit, seen: HashSet::new(), list: Vec::new() }
    }

    /// Adds an edge unless it is there (the first source counts) or leads to the unit itself.
    fn add(&mut self, kind: DependencyKind, other: UnitName, source: Source) {
        let own = other == self.unit.name || self.unit.aliases.contains(&other);
        if !own && self.seen.insert((kind, other.clone())) {
            self.list.push(Edge { kind, other, source });
        }
    }

    /// Adds edges of several kinds to a unit by name.
    fn add_all(&mut self, kinds: &[DependencyKind], other: &str, source: &Source) {
        let Ok(other) = UnitName::parse(other) else { return };
        for kind in kinds {
            self.add(*kind, other.clone(), source.clone());
        }
    }

    /// The source of an edge that an assignment asks for.
    fn source(&self, origin: Origin, rule: Rule) -> Source {
        match self.unit.file(origin) {
            Some(file) => Source::File { file: file.clone(), line: origin.line },
            None => Source::Implicit(rule),
        }
    }
}
