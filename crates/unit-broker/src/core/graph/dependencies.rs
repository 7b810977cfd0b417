//! One unit's dependencies, in both directions.
//!
//! Most units have a dozen, in one sorted vector. A few (`shutdown.target`) have one for every other unit, and those
//! are kept by kind, so that each new one goes to the end of its list.

use unit_parser::{DependencyKind, Source};

use super::record::UnitId;

/// More than these are kept by kind.
const FEW: usize = 64;

/// A dependency on (or of) another unit. It exists as long as one of both says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::core) struct Dependency {
    pub other: UnitId,
    pub kind: DependencyKind,
    /// The other unit says so, as the inverse kind.
    pub there: bool,
    /// Where this unit says so.
    pub here: Option<Source>,
}

impl Dependency {
    /// Somebody says so. Those that nobody says any more are still there until they are swept.
    pub fn is_said(&self) -> bool {
        self.there || self.here.is_some()
    }

    fn key(&self) -> (DependencyKind, UnitId) {
        (self.kind, self.other)
    }
}

/// All of one unit.
#[derive(Debug, Clone, Default)]
pub(in crate::core) struct Dependencies {
    /// A bit for each kind that there may be some of: most questions are about kinds that a unit has none of.
    kinds: u64,
    lists: Lists,
}

#[derive(Debug, Clone)]
enum Lists {
    /// By kind, then by the other's place.
    Few(Vec<Dependency>),
    /// A list a kind, each by the other's place.
    Many(Vec<Vec<Dependency>>),
}

impl Default for Lists {
    fn default() -> Self {
        Lists::Few(Vec::new())
    }
}

const _: () = assert!(DependencyKind::ALL.len() <= 64);

fn bit(kind: DependencyKind) -> u64 {
    1 << kind as u32
}

impl Dependencies {
    /// Those of one kind, by the other's place, with those that nobody says any more.
    pub fn list(&self, kind: DependencyKind) -> &[Dependency] {
        if self.kinds & bit(kind) == 0 {
            return &[];
        }
        match &self.lists {
            Lists::Few(list) => {
                let begin = list.partition_point(|dependency| dependency.kind < kind);
                let rest = list.get(begin..).unwrap_or_default();
                rest.get(..rest.partition_point(|dependency| dependency.kind <= kind)).unwrap_or_default()
            }
            Lists::Many(lists) => lists.get(kind as usize).map_or(&[], Vec::as_slice),
        }
    }

    /// Those of one kind, by the other's place.
    pub fn of_kind(&self, kind: DependencyKind) -> impl Iterator<Item = &Dependency> {
        self.list(kind).iter().filter(|dependency| dependency.is_said())
    }

    /// The same from a given place on.
    pub fn of_kind_from(&self, kind: DependencyKind, first: UnitId) -> impl Iterator<Item = &Dependency> {
        let list = self.list(kind);
        let begin = list.partition_point(|dependency| dependency.other < first);
        list.get(begin..).unwrap_or_default().iter().filter(|dependency| dependency.is_said())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Dependency> {
        let (few, many) = match &self.lists {
            Lists::Few(list) => (list.as_slice(), &[][..]),
            Lists::Many(lists) => (&[][..], lists.as_slice()),
        };
        few.iter().chain(many.iter().flatten()).filter(|dependency| dependency.is_said())
    }

    /// The one on this unit, if somebody says so.
    pub fn find(&self, kind: DependencyKind, other: UnitId) -> Option<&Dependency> {
        let list = self.list(kind);
        let at = list.binary_search_by_key(&other, |dependency| dependency.other).ok()?;
        list.get(at).filter(|dependency| dependency.is_said())
    }

    /// The one on this unit, also if nobody says so (yet).
    pub fn entry(&mut self, kind: DependencyKind, other: UnitId) -> Option<&mut Dependency> {
        self.kinds |= bit(kind);
        if let Lists::Few(list) = &mut self.lists
            && list.len() >= FEW
        {
            let mut lists = vec![Vec::new(); DependencyKind::ALL.len()];
            for dependency in std::mem::take(list) {
                if let Some(list) = lists.get_mut(dependency.kind as usize) {
                    list.push(dependency);
                }
            }
            self.lists = Lists::Many(lists);
        }
        let list = match &mut self.lists {
            Lists::Few(list) => list,
            Lists::Many(lists) => lists.get_mut(kind as usize)?,
        };
        let at = match list.binary_search_by_key(&(kind, other), Dependency::key) {
            Ok(at) => at,
            Err(at) => {
                list.insert(at, Dependency { other, kind, there: false, here: None });
                at
            }
        };
        list.get_mut(at)
    }

    /// The one on this unit, to change; `None` if there is none.
    pub fn get_mut(&mut self, kind: DependencyKind, other: UnitId) -> Option<&mut Dependency> {
        let list = match &mut self.lists {
            Lists::Few(list) => list,
            Lists::Many(lists) => lists.get_mut(kind as usize)?,
        };
        let at = list.binary_search_by_key(&(kind, other), Dependency::key).ok()?;
        list.get_mut(at)
    }

    /// Takes back all that this unit says itself, but for those that are to stay. Returns them.
    pub fn take_back(&mut self, stays: impl Fn(&Dependency) -> bool) -> Vec<(DependencyKind, UnitId)> {
        let mut said = Vec::new();
        let mut take_back = |list: &mut Vec<Dependency>| {
            for dependency in list.iter_mut().filter(|dependency| dependency.here.is_some() && !stays(dependency)) {
                dependency.here = None;
                said.push((dependency.kind, dependency.other));
            }
            list.retain(Dependency::is_said);
        };
        match &mut self.lists {
            Lists::Few(list) => take_back(list),
            Lists::Many(lists) => lists.iter_mut().for_each(take_back),
        }
        said
    }

    /// Removes what nobody says any more, and room that isn't needed.
    pub fn sweep(&mut self) {
        let sweep = |list: &mut Vec<Dependency>| {
            list.retain(Dependency::is_said);
            list.shrink_to_fit();
        };
        match &mut self.lists {
            Lists::Few(list) => sweep(list),
            Lists::Many(lists) => lists.iter_mut().for_each(sweep),
        }
        self.kinds = self.iter().fold(0, |kinds, dependency| kinds | bit(dependency.kind));
    }
}
