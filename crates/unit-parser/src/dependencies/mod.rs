//! What a unit depends on: explicit, implicit and default edges (systemd.unit(5)).

mod default;
mod explicit;
mod implicit;
mod kind;
mod rule;

use std::collections::HashSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use kind::DependencyKind;
pub use rule::Rule;

use crate::name::UnitName;
use crate::unit::{LoadState, Origin, Unit};
use crate::unit_type::UnitType;

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

/// Why a dependency is there. Small, for there are many: what it means is to be asked of the unit that it is said by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Source {
    /// A line of the unit's fragment or of a drop-in.
    File(Origin),
    /// A link in a `.wants/`, `.requires/` or `.upholds/` directory: the number of [`Unit::links`].
    Link(u32),
    /// It follows from another setting.
    Implicit(Rule),
    /// It follows from `DefaultDependencies=yes`.
    Default(Rule),
}

impl Source {
    /// The file, or the link, of the unit that says so, and the line.
    pub fn place(self, unit: &Unit) -> Option<(&Path, Option<u32>)> {
        match self {
            Source::File(origin) => Some((unit.file(origin)?.as_path(), Some(origin.line))),
            Source::Link(number) => Some((unit.links.get(usize::try_from(number).ok()?)?.path.as_path(), None)),
            Source::Implicit(_) | Source::Default(_) => None,
        }
    }
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
            implicit::slice(&mut edges);
        }
        edges.list
    }
}

/// Why a dependency of a unit of one type on one of another is left out, if it is.
pub(crate) fn pointless(own: UnitType, kind: DependencyKind, other: UnitType) -> Option<&'static str> {
    let never_fails = matches!(own, UnitType::Device | UnitType::Slice);
    if kind == DependencyKind::Before && other == UnitType::Device {
        Some("devices come when they come, nothing delays them")
    } else if kind == DependencyKind::OnFailure && never_fails {
        Some("units of this type never fail")
    } else {
        None
    }
}

/// So many edges are looked through one by one.
const FEW: usize = 24;

/// Edges of one unit on their way out.
struct Edges<'a> {
    unit: &'a Unit,
    /// The first edges of the list, once there are many.
    seen: HashSet<(DependencyKind, UnitName)>,
    list: Vec<Edge>,
}

impl<'a> Edges<'a> {
    fn new(unit: &'a Unit) -> Edges<'a> {
        Edges { unit, seen: HashSet::new(), list: Vec::new() }
    }

    /// Adds an edge unless it is there (the first source counts), leads to the unit itself or can't mean anything.
    fn add(&mut self, kind: DependencyKind, other: UnitName, source: Source) {
        let own = other == self.unit.name || self.unit.aliases.contains(&other);
        let senseless = pointless(self.unit.name.unit_type(), kind, other.unit_type()).is_some();
        if !own && !senseless && !self.has(kind, &other) {
            self.list.push(Edge { kind, other, source });
        }
    }

    /// Whether the edge is there. Few are looked through, which is quicker than to remember them.
    fn has(&mut self, kind: DependencyKind, other: &UnitName) -> bool {
        if self.list.len() < FEW {
            return self.list.iter().any(|edge| edge.kind == kind && edge.other == *other);
        }
        let unseen = self.list.get(self.seen.len()..).unwrap_or_default();
        self.seen.extend(unseen.iter().map(|edge| (edge.kind, edge.other.clone())));
        self.seen.contains(&(kind, other.clone()))
    }

    /// Adds edges of several kinds to a unit by name.
    fn add_all(&mut self, kinds: &[DependencyKind], other: &str, source: Source) {
        let Ok(other) = UnitName::parse(other) else { return };
        for kind in kinds {
            self.add(*kind, other.clone(), source);
        }
    }

    /// The source of an edge that an assignment asks for.
    fn source(&self, origin: Origin, rule: Rule) -> Source {
        match self.unit.file(origin) {
            Some(_) => Source::File(origin),
            None => Source::Implicit(rule),
        }
    }
}
