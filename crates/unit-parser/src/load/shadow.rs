//! Which files of a unit count, and which others they hide.

use std::path::{Path, PathBuf};

use super::{FileKind, Loader, dropins};
use crate::name::UnitName;
use crate::unit::Unit;

/// A file of the load path, and the files of the same name further down that it hides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadow {
    /// The one that counts.
    pub winner: PathBuf,
    /// Where it leads, if it is a link.
    pub target: Option<PathBuf>,
    /// The ones that don't, best first.
    pub hidden: Vec<PathBuf>,
}

impl Loader {
    /// The files with the unit's names: for each name that has one, the file that counts and those it hides.
    pub fn fragments(&self, unit: &Unit) -> Vec<Shadow> {
        let mut names: Vec<String> = Vec::new();
        for name in std::iter::once(&unit.name).chain(&unit.aliases) {
            names.push(name.as_str().to_owned());
            names.extend(name.template().map(|template| template.as_str().to_owned()));
        }
        names.extend(unit.fragment.as_deref().and_then(Path::file_name).map(|n| n.to_string_lossy().into_owned()));
        names.sort();
        names.dedup();
        names.iter().filter_map(|name| self.shadow(&self.directories(), name)).collect()
    }

    /// The drop-ins of a unit, each with the files of the same name that it hides.
    pub fn dropins(&self, unit: &Unit) -> Vec<Shadow> {
        let index = self.index.borrow();
        let names: Vec<&UnitName> = std::iter::once(&unit.name).chain(&unit.aliases).collect();
        let dirs = dropins::directories(&index, &names, ".d");
        let file_names = unit.dropins.iter().filter_map(|path| path.file_name()?.to_str());
        file_names.filter_map(|name| self.shadow(&dirs, name)).collect()
    }

    fn shadow(&self, dirs: &[PathBuf], name: &str) -> Option<Shadow> {
        let mut found = dirs.iter().filter_map(|dir| {
            let entry = self.files.entries(dir).into_iter().find(|entry| entry.name == name)?;
            let target = match entry.kind {
                FileKind::Link(target) => Some(target),
                FileKind::File | FileKind::Other => None,
                FileKind::Directory => return None,
            };
            Some((dir.join(name), target))
        });
        let (winner, target) = found.next()?;
        Some(Shadow { winner, target, hidden: found.map(|(path, _)| path).collect() })
    }

    /// A file's bytes, as loading sees them.
    pub fn read(&self, file: &Path) -> std::io::Result<Vec<u8>> {
        self.files.read(file).map(|(bytes, _)| bytes)
    }

    /// Whether a directory of the load path is there.
    pub fn has_directory(&self, dir: &Path) -> bool {
        self.files.canonical(dir).is_ok()
    }

    /// Whether a file masks what it stands for: /dev/null, or empty.
    pub fn is_mask(&self, file: &Path) -> bool {
        self.files.is_null(file)
    }
}
