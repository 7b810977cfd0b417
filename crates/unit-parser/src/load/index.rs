//! What is on the load path: listed once, so that finding a unit costs a few look-ups.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::{Entry, FileKind, LoadPath, UnitFiles};
use crate::name::UnitName;

/// How many aliases are followed.
const MAX_FOLLOW: usize = 8;

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    /// A file (or a link out of the load path) in the directory of this number.
    File(usize),
    /// Another name.
    Alias(UnitName),
}

/// Everything on the load path.
#[derive(Debug, Default)]
pub(super) struct Index {
    dirs: Vec<PathBuf>,
    times: Vec<u64>,
    names: HashMap<UnitName, Target>,
    aliases: HashMap<UnitName, Vec<UnitName>>,
    /// `foo.service.d`, `foo.service.wants`, ... with the numbers of the directories that have one.
    subdirs: HashMap<String, Vec<usize>>,
}

/// The unit that a name leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The primary name.
    pub name: UnitName,
    /// All other names, sorted.
    pub aliases: Vec<UnitName>,
    /// The main file.
    pub fragment: Option<PathBuf>,
}

impl Index {
    /// Lists all directories.
    pub fn scan(files: &dyn UnitFiles, path: &LoadPath) -> Index {
        let mut index = Index::default();
        let mut seen = Vec::new();
        for dir in &path.dirs {
            // /lib may be /usr/lib.
            let canonical = files.canonical(dir).unwrap_or_else(|_| dir.clone());
            if !seen.contains(&canonical) {
                seen.push(canonical);
                index.dirs.push(dir.clone());
            }
        }
        for number in 0..index.dirs.len() {
            let dir = index.dirs.get(number).cloned().unwrap_or_default();
            index.times.push(files.modified(&dir).unwrap_or(0));
            for entry in files.entries(&dir) {
                index.add(files, number, &dir, entry, path);
            }
        }
        index
    }

    fn add(&mut self, files: &dyn UnitFiles, number: usize, dir: &Path, entry: Entry, path: &LoadPath) {
        let target = match entry.kind {
            FileKind::Directory => return self.add_subdir(number, entry.name),
            FileKind::Link(target) => {
                let suffixes = [".d", ".wants", ".requires", ".upholds"];
                if suffixes.iter().any(|suffix| entry.name.ends_with(suffix)) {
                    return self.add_subdir(number, entry.name);
                }
                Some(target)
            }
            FileKind::File => None,
            // Something else is a unit file only as a mask (a node like /dev/null); reading a FIFO would never end.
            FileKind::Other if files.is_null(&dir.join(&entry.name)) => None,
            FileKind::Other => return,
        };
        let Ok(name) = UnitName::parse(&entry.name) else {
            return;
        };
        if self.names.contains_key(&name) {
            return;
        }
        match target.map(|target| alias_of(&name, dir, &target, path)) {
            None | Some(Alias::OwnFile) => {
                self.names.insert(name, Target::File(number));
            }
            Some(Alias::Of(other)) => {
                self.aliases.entry(other.clone()).or_default().push(name.clone());
                self.names.insert(name, Target::Alias(other));
            }
            Some(Alias::Invalid) => {}
        }
    }

    fn add_subdir(&mut self, number: usize, name: String) {
        self.subdirs.entry(name).or_default().push(number);
    }

    /// Whether a directory of the load path changed since it was listed.
    pub fn is_outdated(&self, files: &dyn UnitFiles) -> bool {
        let now = self.dirs.iter().map(|dir| files.modified(dir).unwrap_or(0));
        !now.eq(self.times.iter().copied())
    }

    /// All names, sorted.
    pub fn names(&self) -> Vec<UnitName> {
        let mut names: Vec<UnitName> = self.names.keys().cloned().collect();
        names.sort();
        names
    }

    /// The directories of the load path, without doubles.
    pub fn dirs(&self) -> &[PathBuf] {
        &self.dirs
    }

    /// The directories of this name (`foo.service.d`), best first, with their numbers.
    pub fn subdirs(&self, name: &str) -> &[usize] {
        self.subdirs.get(name).map_or(&[], Vec::as_slice)
    }

    /// The directory of a number.
    pub fn dir(&self, number: usize) -> Option<&PathBuf> {
        self.dirs.get(number)
    }

    /// Follows aliases and templates from a name to a file.
    pub fn find(&self, name: &UnitName) -> Found {
        let mut current = name.clone();
        let mut fragment = None;
        for _ in 0..MAX_FOLLOW {
            let direct = self.names.get(&current);
            let template = || self.names.get(&current.template()?);
            match direct.or_else(template) {
                Some(Target::File(number)) => {
                    let file = match direct {
                        Some(_) => current.clone(),
                        None => current.template().unwrap_or_else(|| current.clone()),
                    };
                    fragment = self.dir(*number).map(|dir| dir.join(file.as_str()));
                    break;
                }
                Some(Target::Alias(other)) => {
                    let Some(next) = as_instance_of(other, &current) else { break };
                    if next == current {
                        // An instance that is a link to its own template: read the template.
                        let file = self.names.get(other);
                        if let Some(Target::File(number)) = file {
                            fragment = self.dir(*number).map(|dir| dir.join(other.as_str()));
                        }
                        break;
                    }
                    current = next;
                }
                None => break,
            }
        }
        let aliases = if fragment.is_some() { self.all_aliases(&current) } else { Vec::new() };
        Found { name: current, aliases, fragment }
    }

    /// All names that lead to this one.
    fn all_aliases(&self, name: &UnitName) -> Vec<UnitName> {
        let mut found = BTreeSet::new();
        let mut open = vec![name.clone()];
        while let Some(current) = open.pop() {
            let direct = self.aliases.get(&current).into_iter().flatten().cloned();
            let template = current.template();
            let of_template = template.iter().flat_map(|t| self.aliases.get(t).into_iter().flatten());
            // Aliases of the template are templates, or instances that are links to it.
            let instances = of_template.filter_map(|alias| {
                let alias = as_instance_of(alias, &current)?;
                (alias.instance() == current.instance()).then_some(alias)
            });
            for alias in direct.chain(instances) {
                if alias != *name && found.insert(alias.clone()) {
                    open.push(alias);
                }
            }
        }
        found.into_iter().collect()
    }
}

/// A template with the instance of another name; other names as they are.
fn as_instance_of(name: &UnitName, model: &UnitName) -> Option<UnitName> {
    match model.instance() {
        Some(instance) if name.is_template() => name.with_instance(instance).ok(),
        _ => Some(name.clone()),
    }
}

enum Alias {
    /// The link is a file of its own: it leads out of the load path, or to its own name.
    OwnFile,
    /// The link is another name for this unit.
    Of(UnitName),
    /// The link breaks the rules of systemd.unit(5) and is ignored.
    Invalid,
}

fn alias_of(name: &UnitName, dir: &Path, target: &Path, path: &LoadPath) -> Alias {
    let full = if target.is_absolute() { target.to_owned() } else { dir.join(target) };
    let full = PathBuf::from(normalize(&full.to_string_lossy()));
    let in_path = full.parent().is_some_and(|parent| path.dirs.iter().any(|d| d == parent));
    if !in_path {
        return Alias::OwnFile;
    }
    let file = full.file_name().and_then(|n| n.to_str()).unwrap_or("");
    let Ok(other) = UnitName::parse(file) else {
        return Alias::Invalid;
    };
    if other == *name {
        // Unless it leads nowhere but to itself.
        let itself = full.parent() == Some(dir);
        return if itself { Alias::Invalid } else { Alias::OwnFile };
    }
    if other.unit_type() != name.unit_type() {
        return Alias::Invalid;
    }
    let fits = if name.is_template() {
        other.is_template()
    } else if let Some(instance) = name.instance() {
        other.is_template() || other.instance() == Some(instance)
    } else {
        // What is no instance can't stand for one, nor the other way round.
        !other.is_template() && other.instance().is_none()
    };
    if fits { Alias::Of(other) } else { Alias::Invalid }
}

/// Resolves `.` and `..` in the text of a path.
fn normalize(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    format!("/{}", parts.join("/"))
}
