//! Which drop-in and dependency directories a unit has (systemd.unit(5), "Unit File Load Path").

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::index::Index;
use super::{FileKind, UnitFiles};
use crate::name::UnitName;

/// The names under which a unit's directories may stand, most specific first: its own, its template's, and those with the
/// name cut at each dash. Of an instance the cut names come without an instance first, then with it.
fn candidates(name: &UnitName) -> Vec<String> {
    let mut out = Vec::new();
    let suffix = format!(".{}", name.unit_type());
    collect(name.prefix(), name.instance(), name.is_template(), &suffix, &mut out);
    out
}

fn collect(prefix: &str, instance: Option<&str>, is_template: bool, suffix: &str, out: &mut Vec<String>) {
    let name = match instance {
        Some(instance) => format!("{prefix}@{instance}{suffix}"),
        None if is_template => format!("{prefix}@{suffix}"),
        None => format!("{prefix}{suffix}"),
    };
    if out.contains(&name) {
        return;
    }
    out.push(name);
    if instance.is_some() {
        collect(prefix, None, true, suffix, out);
    }
    if let Some(cut) = cut(prefix) {
        collect(cut, instance, false, suffix, out);
    }
}

/// A prefix up to its last dash that isn't its end; a dash alone is none.
fn cut(prefix: &str) -> Option<&str> {
    let inner = prefix.strip_suffix('-').unwrap_or(prefix);
    let dash = inner.rfind('-').filter(|dash| *dash > 0)?;
    prefix.get(..=dash)
}

/// The directories with this suffix, best first: for each name all directories of the load path, at
/// last those of the whole type.
pub(super) fn directories(index: &Index, names: &[&UnitName], suffix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for name in names {
        let mut of_name: Vec<(usize, usize, String)> = Vec::new();
        for (rank, candidate) in candidates(name).iter().enumerate() {
            let sub = format!("{candidate}{suffix}");
            of_name.extend(index.subdirs(&sub).iter().map(|dir| (*dir, rank, sub.clone())));
        }
        of_name.sort();
        found.extend(of_name.into_iter().map(|(dir, _, sub)| (dir, sub)));
    }
    if let Some(name) = names.first() {
        let sub = format!("{}{suffix}", name.unit_type());
        found.extend(index.subdirs(&sub).iter().map(|dir| (*dir, sub.clone())));
    }
    let mut paths: Vec<PathBuf> = Vec::new();
    for (dir, sub) in found {
        let path = index.dir(dir).map(|dir| dir.join(sub));
        paths.extend(path.filter(|path| !paths.contains(path)));
    }
    paths
}

/// The drop-ins of a unit in the order in which they are read: by file name, of equal names the
/// best directory's.
pub(super) fn dropins(files: &dyn UnitFiles, index: &Index, names: &[&UnitName]) -> Vec<PathBuf> {
    let mut by_name: BTreeMap<String, PathBuf> = BTreeMap::new();
    for dir in directories(index, names, ".d") {
        // Where /lib is a link, the drop-ins are named by what it leads to, unlike the unit files (as in systemd).
        let dir = files.canonical(&dir).unwrap_or(dir);
        for entry in files.entries(&dir) {
            if entry.name.ends_with(".conf") && !entry.name.starts_with('.') {
                by_name.entry(entry.name.clone()).or_insert_with(|| dir.join(&entry.name));
            }
        }
    }
    by_name.into_values().collect()
}

/// The links in directories with this suffix: (name, link), by name, masked ones left out.
pub(super) fn links(
    files: &dyn UnitFiles,
    index: &Index,
    names: &[&UnitName],
    suffix: &str,
) -> Vec<(UnitName, PathBuf)> {
    let mut by_name: BTreeMap<String, Option<PathBuf>> = BTreeMap::new();
    for dir in directories(index, names, suffix) {
        for entry in files.entries(&dir) {
            let path = dir.join(&entry.name);
            let usable = matches!(entry.kind, FileKind::Link(_));
            by_name.entry(entry.name).or_insert_with(|| usable.then_some(path));
        }
    }
    let mut out = Vec::new();
    for (name, path) in by_name {
        if let (Ok(name), Some(path)) = (UnitName::parse(&name), path)
            && !files.is_null(&path)
        {
            out.push((name, path));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cut_at_dashes() {
        for (name, expected) in [
            ("a.service", vec!["a.service"]),
            ("a-b-c.service", vec!["a-b-c.service", "a-b-.service", "a-.service"]),
            ("a--b.service", vec!["a--b.service", "a--.service", "a-.service"]),
            ("t-u@one.service", vec!["t-u@one.service", "t-u@.service", "t-.service", "t-@one.service", "t-@.service"]),
            ("t-u@.service", vec!["t-u@.service", "t-.service"]),
            ("--x.service", vec!["--x.service", "--.service"]),
            ("-x.service", vec!["-x.service"]),
            ("-.slice", vec!["-.slice"]),
            ("a-.slice", vec!["a-.slice"]),
        ] {
            assert_eq!(candidates(&UnitName::parse(name).unwrap()), expected);
        }
    }
}
