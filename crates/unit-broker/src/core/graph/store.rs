//! All units by place and by name, and their dependencies in both directions.

use std::collections::HashMap;
use std::ops::{Index, IndexMut};

use unit_parser::{DependencyKind, Edge, Source, UnitName};

use super::atom::Atom;
use super::record::{Declared, Record, UnitId};

/// The unit graph. Places (`UnitId`) are only made here and handed out to code that runs before the next removal, so
/// indexing by one is by construction in range.
#[derive(Debug, Clone, Default)]
pub(in crate::core) struct Graph {
    records: Vec<Option<Box<Record>>>,
    free: Vec<u32>,
    names: HashMap<UnitName, UnitId>,
}

impl Index<UnitId> for Graph {
    type Output = Record;
    fn index(&self, id: UnitId) -> &Record {
        match self.records.get(id.0 as usize) {
            Some(Some(record)) => record,
            // Collection only removes units that nothing refers to; see `states/collect.rs`.
            _ => unreachable!("a unit's place was used after its removal"),
        }
    }
}

impl IndexMut<UnitId> for Graph {
    fn index_mut(&mut self, id: UnitId) -> &mut Record {
        match self.records.get_mut(id.0 as usize) {
            Some(Some(record)) => record,
            _ => unreachable!("a unit's place was used after its removal"),
        }
    }
}

impl Graph {
    /// The unit of this name or alias.
    pub fn find(&self, name: &UnitName) -> Option<UnitId> {
        self.names.get(name).copied()
    }

    /// Whether this place is (still) taken.
    pub fn contains(&self, id: UnitId) -> bool {
        self.records.get(id.0 as usize).is_some_and(Option::is_some)
    }

    /// All places in use, in order.
    pub fn ids(&self) -> Vec<UnitId> {
        (0u32..).zip(&self.records).filter(|(_, r)| r.is_some()).map(|(at, _)| UnitId(at)).collect()
    }

    /// All units.
    pub fn iter(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().flatten().map(|record| &**record)
    }

    /// Takes a place for a unit that hasn't been loaded yet.
    pub fn insert_stub(&mut self, name: UnitName) -> UnitId {
        let record = Some(Box::new(Record::stub(name.clone())));
        let id = match self.free.pop() {
            Some(at) => {
                if let Some(place) = self.records.get_mut(at as usize) {
                    *place = record;
                }
                UnitId(at)
            }
            None => {
                self.records.push(record);
                UnitId(u32::try_from(self.records.len() - 1).unwrap_or(u32::MAX))
            }
        };
        self.names.insert(name, id);
        id
    }

    /// Lets a name mean a unit.
    pub fn bind_name(&mut self, name: UnitName, id: UnitId) {
        self.names.insert(name, id);
    }

    /// Lets a name no longer mean a unit.
    pub fn unbind_name(&mut self, name: &UnitName, id: UnitId) {
        if self.names.get(name) == Some(&id) {
            self.names.remove(name);
        }
    }

    /// Removes a unit with its edges. Edges of others to it go too.
    pub fn remove(&mut self, id: UnitId) -> Option<Box<Record>> {
        let others: Vec<(DependencyKind, UnitId)> = self[id].dependencies.keys().copied().collect();
        for (kind, other) in others {
            self[other].dependencies.remove(&(kind.inverse(), id));
        }
        let record = self.records.get_mut(id.0 as usize)?.take()?;
        self.free.push(id.0);
        self.names.remove(&record.name);
        for alias in &record.aliases {
            if self.names.get(alias) == Some(&id) {
                self.names.remove(alias);
            }
        }
        Some(record)
    }

    /// Records that `from` says: `kind` on `to`. A unit's dependency on itself is dropped, as in systemd.
    pub fn connect(&mut self, from: UnitId, edge: Edge, to: UnitId) {
        if from == to {
            return;
        }
        let index = u32::try_from(self[from].edges.len()).unwrap_or(u32::MAX);
        let kind = edge.kind;
        let here = self[from].dependencies.entry((kind, to)).or_default();
        if here.here.is_some() {
            return;
        }
        here.here = Some(index);
        self[to].dependencies.entry((kind.inverse(), from)).or_default().there = Some(index);
        self[from].edges.push(edge);
    }

    /// Takes back everything that a unit says about others. What others say about it stays.
    pub fn disconnect(&mut self, from: UnitId) {
        let said: Vec<(DependencyKind, UnitId)> = self[from]
            .dependencies
            .iter()
            .filter(|(_, declared)| declared.here.is_some())
            .map(|(key, _)| *key)
            .collect();
        for (kind, to) in said {
            take_back(&mut self[from], (kind, to), |declared| declared.here = None);
            take_back(&mut self[to], (kind.inverse(), from), |declared| declared.there = None);
        }
        self[from].edges.clear();
    }

    /// Moves what others say about `from` to `to` (aliases).
    pub fn redirect(&mut self, from: UnitId, to: UnitId) {
        let said: Vec<((DependencyKind, UnitId), Declared)> =
            self[from].dependencies.iter().map(|(key, declared)| (*key, *declared)).collect();
        for ((kind, other), declared) in said {
            let Some(index) = declared.there else { continue };
            self[other].dependencies.remove(&(kind.inverse(), from));
            if other == to {
                continue;
            }
            self[other].dependencies.entry((kind.inverse(), to)).or_default().here.get_or_insert(index);
            self[to].dependencies.entry((kind, other)).or_default().there.get_or_insert(index);
        }
        self[from].dependencies.clear();
    }

    /// Units that depend on (or are depended on by) this one in one way.
    pub fn of_kind(&self, id: UnitId, kind: DependencyKind) -> impl Iterator<Item = UnitId> + '_ {
        self[id].dependencies.range((kind, UnitId(0))..=(kind, UnitId(u32::MAX))).map(|((_, other), _)| *other)
    }

    /// The same from a given place on.
    pub fn of_kind_from(&self, id: UnitId, kind: DependencyKind, first: UnitId) -> impl Iterator<Item = UnitId> + '_ {
        self[id].dependencies.range((kind, first)..=(kind, UnitId(u32::MAX))).map(|((_, other), _)| *other)
    }

    /// The units on which dependencies have an effect, each with the kind that has it.
    pub fn with_atom(&self, id: UnitId, atom: Atom) -> Vec<(DependencyKind, UnitId)> {
        atom.kinds().iter().flat_map(|kind| self.of_kind(id, *kind).map(|other| (*kind, other))).collect()
    }

    /// Whether there is a dependency of this kind on that unit.
    pub fn has(&self, id: UnitId, kind: DependencyKind, other: UnitId) -> bool {
        self[id].dependencies.contains_key(&(kind, other))
    }

    /// Everything that says so.
    pub fn sources(&self, id: UnitId, kind: DependencyKind, other: UnitId) -> Vec<&Source> {
        let Some(declared) = self[id].dependencies.get(&(kind, other)) else {
            return Vec::new();
        };
        let edge = |of: UnitId, index: Option<u32>| self[of].edges.get(index? as usize).map(|edge| &edge.source);
        edge(id, declared.here).into_iter().chain(edge(other, declared.there)).collect()
    }

    /// The units whose definitions mention this one, which keeps it loaded.
    pub fn mentioned_by(&self, id: UnitId) -> impl Iterator<Item = UnitId> + '_ {
        self[id].dependencies.iter().filter(|(_, d)| d.there.is_some()).map(|((_, other), _)| *other)
    }

    /// The units that this one mentions.
    pub fn mentions(&self, id: UnitId) -> impl Iterator<Item = UnitId> + '_ {
        self[id].dependencies.iter().filter(|(_, d)| d.here.is_some()).map(|((_, other), _)| *other)
    }
}

fn take_back(record: &mut Record, key: (DependencyKind, UnitId), clear: impl Fn(&mut Declared)) {
    if let Some(declared) = record.dependencies.get_mut(&key) {
        clear(declared);
        if *declared == Declared::default() {
            record.dependencies.remove(&key);
        }
    }
}

/// Where a dependency is written, for people: `FILE:LINE`, a link's path, or the rule.
pub(in crate::core) fn source_text(source: &Source) -> String {
    match source {
        Source::File { file, line } => format!("{}:{line}", file.display()),
        Source::Link(path) => path.display().to_string(),
        Source::Implicit(rule) => format!("implied: {}", rule.as_str()),
        Source::Default(rule) => format!("default: {}", rule.as_str()),
    }
}
