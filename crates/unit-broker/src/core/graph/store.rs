//! All units by place and by name, and their dependencies in both directions.

use std::collections::HashMap;
use std::ops::{Index, IndexMut};

use unit_parser::{DependencyKind, Source, Unit, UnitName};

use super::atom::Atom;
use super::dependencies::Dependency;
use super::record::{Record, UnitId};

/// The unit graph. Places (`UnitId`) are only made here and handed out to code that runs before the next removal, so
/// indexing by one is by construction in range.
#[derive(Debug, Clone, Default)]
pub(in crate::core) struct Graph {
    records: Vec<Option<Box<Record>>>,
    free: Vec<u32>,
    names: HashMap<UnitName, UnitId>,
    /// Units with dependencies that nobody says any more.
    unswept: Vec<UnitId>,
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

    /// How many places there are; all are below this number.
    pub fn places(&self) -> usize {
        self.records.len()
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
        let others: Vec<(DependencyKind, UnitId)> = self[id].dependencies.iter().map(|d| (d.kind, d.other)).collect();
        for (kind, other) in others {
            self.unsay(other, kind.inverse(), id, |dependency| {
                dependency.here = None;
                dependency.there = false;
            });
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

    /// Changes what is said of a dependency to less.
    fn unsay(&mut self, id: UnitId, kind: DependencyKind, other: UnitId, change: impl FnOnce(&mut Dependency)) {
        if let Some(dependency) = self[id].dependencies.get_mut(kind, other) {
            change(dependency);
            if !dependency.is_said() && self.unswept.last() != Some(&id) {
                self.unswept.push(id);
            }
        }
    }

    /// Records that `from` says: `kind` on `to`. A unit's dependency on itself is dropped, as in systemd.
    pub fn connect(&mut self, from: UnitId, kind: DependencyKind, source: Source, to: UnitId) {
        if from == to {
            return;
        }
        let Some(here) = self[from].dependencies.entry(kind, to).filter(|here| here.here.is_none()) else { return };
        here.here = Some(source);
        if let Some(there) = self[to].dependencies.entry(kind.inverse(), from) {
            there.there = true;
        }
    }

    /// Takes back everything that a unit says about others. What others say about it stays. To be swept up.
    pub fn disconnect(&mut self, from: UnitId) {
        self.disconnect_if(from, |_| true);
    }

    /// Takes back some of what a unit says about others.
    pub fn disconnect_if(&mut self, from: UnitId, goes: impl Fn(&Dependency) -> bool) {
        let said = self[from].dependencies.take_back(|dependency| !goes(dependency));
        for (kind, to) in said {
            self.unsay(to, kind.inverse(), from, |dependency| dependency.there = false);
        }
    }

    /// Removes all dependencies that nobody says any more. Many units may say the same of one: it is cheaper to do this
    /// once for all of them.
    pub fn sweep(&mut self) {
        let mut unswept = std::mem::take(&mut self.unswept);
        unswept.sort_unstable();
        unswept.dedup();
        for id in unswept {
            if self.contains(id) {
                self[id].dependencies.sweep();
            }
        }
    }

    /// Moves what others say about `from` to `to` (aliases).
    pub fn redirect(&mut self, from: UnitId, to: UnitId) {
        let said: Vec<Dependency> = self[from].dependencies.iter().filter(|d| d.there).copied().collect();
        for Dependency { other, kind, .. } in said {
            let mut source = None;
            self.unsay(other, kind.inverse(), from, |dependency| {
                source = dependency.here.take();
                dependency.there = false;
            });
            if let Some(source) = source {
                self.connect(other, kind.inverse(), source, to);
            }
        }
        self[from].dependencies = Default::default();
    }

    /// Units that depend on (or are depended on by) this one in one way.
    pub fn of_kind(&self, id: UnitId, kind: DependencyKind) -> impl Iterator<Item = UnitId> + '_ {
        self[id].dependencies.of_kind(kind).map(|dependency| dependency.other)
    }

    /// The same from a given place on.
    pub fn of_kind_from(&self, id: UnitId, kind: DependencyKind, first: UnitId) -> impl Iterator<Item = UnitId> + '_ {
        self[id].dependencies.of_kind_from(kind, first).map(|dependency| dependency.other)
    }

    /// The units on which dependencies have an effect, each with the kind that has it.
    pub fn with_atom(&self, id: UnitId, atom: Atom) -> impl Iterator<Item = (DependencyKind, UnitId)> + '_ {
        atom.kinds().iter().flat_map(move |kind| self.of_kind(id, *kind).map(|other| (*kind, other)))
    }

    /// Whether there is a dependency of this kind on that unit.
    pub fn has(&self, id: UnitId, kind: DependencyKind, other: UnitId) -> bool {
        self[id].dependencies.find(kind, other).is_some()
    }

    /// Every place that says so, for people.
    pub fn sources(&self, id: UnitId, kind: DependencyKind, other: UnitId) -> impl Iterator<Item = String> {
        let said = move |(id, kind, other): (UnitId, DependencyKind, UnitId)| {
            let record = &self[id];
            record.dependencies.find(kind, other)?.here.map(|source| source_text(source, &record.definition))
        };
        [(id, kind, other), (other, kind.inverse(), id)].into_iter().filter_map(said)
    }

    /// The units whose definitions mention this one, which keeps it loaded.
    pub fn mentioned_by(&self, id: UnitId) -> impl Iterator<Item = UnitId> + '_ {
        self[id].dependencies.iter().filter(|dependency| dependency.there).map(|dependency| dependency.other)
    }

    /// The units that this one mentions.
    pub fn mentions(&self, id: UnitId) -> impl Iterator<Item = UnitId> + '_ {
        self[id].dependencies.iter().filter(|dependency| dependency.here.is_some()).map(|dependency| dependency.other)
    }
}

/// Where a dependency is written, for people: `FILE:LINE`, a link's path, or the rule.
fn source_text(source: Source, unit: &Unit) -> String {
    match (source, source.place(unit)) {
        (_, Some((file, Some(line)))) => [&file.to_string_lossy(), ":", &line.to_string()].concat(),
        (_, Some((link, None))) => link.to_string_lossy().into_owned(),
        (Source::Implicit(rule), None) => format!("implied: {}", rule.as_str()),
        (Source::Default(rule), None) => format!("default: {}", rule.as_str()),
        (Source::File(_) | Source::Link(_), None) => String::new(),
    }
}
