//! Which drop-in and dependency directories a unit has (systemd.unit(5), "Unit File Load Path").

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::index::Index;
use super::{FileKind, UnitFiles};
use crate::name::UnitName;

/// The names under which a unit's directories may stand, most specific first: its own, its
/// template's, and those with the name cut at each dash.
fn candidates(name: &UnitName) -> Vec<String> {
    let mut out = vec![name.as_str().to_owned()];
    // An instance is cut as its template.
    let base = match name.template() {
        Some(template) => {
            out.push(template.as_str().to_owned());
            template
        }
        None => name.clone(),
    };
    let tail = base.as_str().get(base.prefix().len()..).unwrap_or("");
    let mut prefix = base.prefix();
    while let Some(cut) = prefix.trim_end_matches('-').rfind('-') {
        prefix = prefix.get(..cut).unwrap_or("");
        out.push(format!("{prefix}-{tail}"));
        if prefix.is_empty() {
            break;
        }
    }
    out
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
            let usable =
                entry.kind != FileKind::Directory && entry.name.ends_with(".conf") && !entry.name.starts_with('.');
            if usable {
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
            ("t-u@one.service", vec!["t-u@one.service", "t-u@.service", "t-@.service"]),
            ("-.slice", vec!["-.slice"]),
            ("a-.slice", vec!["a-.slice"]),
        ] {
            assert_eq!(candidates(&UnitName::parse(name).unwrap()), expected);
        }
    }
}
