//! The names that services take on the message bus (`BusName=`), and who owns them.

use std::collections::{BTreeMap, BTreeSet};

use unit_parser::UnitName;

/// Watched names.
#[derive(Debug, Default)]
pub struct Names {
    names: BTreeMap<String, Watched>,
}

#[derive(Debug, Default)]
struct Watched {
    units: BTreeSet<UnitName>,
    /// `None` until the bus told; empty: nobody.
    owner: Option<String>,
}

/// What is to be told to the bus.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// Watch this name, ask for its owner.
    Watch(String),
    /// No unit has this name any more.
    Unwatch(String),
}

impl Names {
    /// The name that a unit has now, if any.
    pub fn set(&mut self, unit: &UnitName, name: Option<&str>) -> Vec<Change> {
        let mut changes = Vec::new();
        let before: Vec<String> =
            self.names.iter().filter(|(_, at)| at.units.contains(unit)).map(|(name, _)| name.clone()).collect();
        for old in before {
            if Some(old.as_str()) == name {
                return changes;
            }
            if let Some(watched) = self.names.get_mut(&old) {
                watched.units.remove(unit);
                if watched.units.is_empty() {
                    self.names.remove(&old);
                    changes.push(Change::Unwatch(old));
                }
            }
        }
        if let Some(name) = name {
            if !self.names.contains_key(name) {
                changes.push(Change::Watch(name.to_owned()));
            }
            self.names.entry(name.to_owned()).or_default().units.insert(unit.clone());
        }
        changes
    }

    /// The bus tells who owns a name; `true` when that is news of a name that is watched.
    pub fn owned_by(&mut self, name: &str, owner: &str) -> bool {
        match self.names.get_mut(name) {
            Some(watched) if watched.owner.as_deref() != Some(owner) => {
                watched.owner = Some(owner.to_owned());
                true
            }
            Some(_) | None => false,
        }
    }

    /// The bus is gone: nothing is known of owners.
    pub fn forget_owners(&mut self) {
        for watched in self.names.values_mut() {
            watched.owner = None;
        }
    }

    /// All watched names.
    pub fn iter(&self) -> impl Iterator<Item = &String> {
        self.names.keys()
    }

    /// Names whose owners are known; an empty owner is none.
    pub fn known(&self) -> Vec<(String, String)> {
        let known = |(name, watched): (&String, &Watched)| Some((name.clone(), watched.owner.clone()?));
        self.names.iter().filter_map(known).collect()
    }

    /// Whether this is the owner of a name, as far as is known.
    pub fn is_owner(&self, name: &str, owner: &str) -> bool {
        self.names.get(name).is_some_and(|watched| watched.owner.as_deref() == Some(owner))
    }

    /// The units that have a name.
    pub fn units(&self, name: &str) -> impl Iterator<Item = &UnitName> {
        self.names.get(name).into_iter().flat_map(|watched| &watched.units)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_watched_while_a_unit_has_them() {
        let mut names = Names::default();
        let (a, b) = (UnitName::parse("a.service").unwrap(), UnitName::parse("b.service").unwrap());
        let (watch, unwatch) = (|name: &str| Change::Watch(name.into()), |name: &str| Change::Unwatch(name.into()));
        assert_eq!(names.set(&a, Some("org.x")), [watch("org.x")]);
        assert_eq!(names.set(&a, Some("org.x")), []);
        assert_eq!(names.set(&b, Some("org.x")), []);
        assert_eq!(names.units("org.x").count(), 2);
        assert_eq!(names.set(&a, Some("org.y")), [watch("org.y")]);
        assert_eq!(names.set(&b, None), [unwatch("org.x")]);
        assert_eq!(names.set(&a, None), [unwatch("org.y")]);
        assert_eq!(names.iter().count(), 0);
    }

    #[test]
    fn owners_are_news_once() {
        let mut names = Names::default();
        let a = UnitName::parse("a.service").unwrap();
        assert!(!names.owned_by("org.x", ":1.1"));
        names.set(&a, Some("org.x"));
        assert_eq!(names.known(), []);
        // That nobody owns it is news, too, for a supervisor that thinks otherwise.
        assert!(names.owned_by("org.x", "") && !names.owned_by("org.x", ""));
        assert!(names.owned_by("org.x", ":1.1") && names.is_owner("org.x", ":1.1"));
        assert_eq!(names.known(), [("org.x".to_owned(), ":1.1".to_owned())]);
        names.forget_owners();
        assert_eq!(names.known(), []);
        assert!(names.owned_by("org.x", ":1.1"));
    }
}
