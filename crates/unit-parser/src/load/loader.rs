//! Loads units by name.

use std::cell::{Cell, RefCell};
use std::io;
use std::path::{Path, PathBuf};

use super::apply::{File, Outcome, apply};
use super::index::Index;
use super::mounts::Mounted;
use super::{Disk, LoadPath, UnitFiles, dropins, finish::finish, verify::verify};
use crate::dependencies::DependencyKind;
use crate::diagnostic::{Diagnostic, Severity};
use crate::name::{NameError, UnitName};
use crate::specifier::Host;
use crate::unit::{DirectoryLink, LoadState, Origin, Unit};
use crate::unit_type::UnitType;
use crate::value::SharedNames;

/// Whose units these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The system manager's.
    System,
    /// A user manager's.
    User,
}

/// Loads units from a load path. The directories are listed once, again on [`Loader::refresh`], and
/// when one of them has changed when a unit is loaded.
pub struct Loader {
    pub(super) files: Box<dyn UnitFiles>,
    path: LoadPath,
    mode: Mode,
    host: Host,
    pub(super) index: RefCell<Index>,
    shared: RefCell<SharedNames>,
    /// Units are loaded many at a time.
    bulk: bool,
    /// The directories were looked at for this batch.
    looked: Cell<bool>,
}

impl Loader {
    /// A loader on the real file system.
    pub fn new(path: LoadPath, mode: Mode, host: Host) -> Loader {
        Loader::with_files(Box::new(Disk), path, mode, host)
    }

    /// A loader on other files.
    pub fn with_files(files: Box<dyn UnitFiles>, path: LoadPath, mode: Mode, host: Host) -> Loader {
        let index = RefCell::new(Index::scan(files.as_ref(), &path));
        Loader { files, path, mode, host, index, shared: RefCell::default(), bulk: false, looked: Cell::new(false) }
    }

    /// The directories that are searched.
    pub fn load_path(&self) -> &LoadPath {
        &self.path
    }

    /// The directories that are searched, without those that are another one under a second name.
    pub fn directories(&self) -> Vec<PathBuf> {
        self.index.borrow().dirs().to_vec()
    }

    /// Whose units these are.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What specifiers stand for.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// What they stand for from now on, in units that are read anew.
    pub fn set_host(&mut self, host: Host) {
        self.host = host;
    }

    /// Lists the directories again (daemon-reload).
    pub fn refresh(&mut self) {
        self.rescan();
    }

    /// What is loaded from now on is one batch: whether directories got new files is looked at once, with its first unit.
    pub fn begin_batch(&mut self) {
        self.bulk = true;
        self.looked.set(false);
    }

    fn rescan(&self) {
        *self.index.borrow_mut() = Index::scan(self.files.as_ref(), &self.path);
        // What only units of before had is not kept.
        self.shared.take();
    }

    /// All names that have a file or an alias on the load path, templates too, sorted.
    pub fn names(&self) -> Vec<UnitName> {
        self.index.borrow().names()
    }

    /// Reads the unit of this name. Always answers: see [`Unit::load_state`]. The name of the answer is
    /// the primary one, with the name that was asked for among its aliases.
    pub fn load(&self, name: &UnitName) -> Unit {
        self.load_from(name, None)
    }

    /// Reads the unit of a mounted file system, which needs no file of its own.
    pub fn load_mounted(&self, name: &UnitName, mounted: &Mounted) -> Unit {
        self.load_from(name, Some(mounted))
    }

    fn load_from(&self, name: &UnitName, mounted: Option<&Mounted>) -> Unit {
        // A directory that got new files since is listed again even without daemon-reload, as in systemd.
        if !self.looked.get() && self.index.borrow().is_outdated(self.files.as_ref()) {
            self.rescan();
        }
        self.looked.set(self.bulk);
        let found = self.index.borrow().find(name);
        let mut unit = Unit::new(if found.fragment.is_some() { found.name } else { name.clone() });
        unit.aliases = found.aliases;
        unit.user_manager = self.mode == Mode::User;
        match (found.fragment, mounted) {
            (Some(path), _) => self.load_fragment(&mut unit, path),
            (None, Some(mounted)) => {
                mounted.imply(&mut unit);
                self.complete(&mut unit, Outcome::Read);
                // The table is read again whenever it changes: nothing to reload for.
                unit.source_mtime = u64::MAX;
            }
            (None, None) if is_optional(&unit.name) => self.complete(&mut unit, Outcome::Read),
            (None, None) => fail(&mut unit, LoadState::NotFound),
        }
        if mounted.is_none() {
            unit.stamp = self.stamp(&unit).unwrap_or(0);
        }
        unit.compact(&mut self.shared.borrow_mut());
        unit
    }

    /// Reads one file as a unit of the file's name, without drop-ins or load path.
    pub fn load_file(&self, file: &Path) -> Result<Unit, NameError> {
        let name = file.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        Ok(self.load_file_as(UnitName::parse(name)?, file))
    }

    /// The same as a unit of another name: an instance, if the file is a template.
    pub fn load_file_as(&self, name: UnitName, file: &Path) -> Unit {
        let mut unit = Unit::new(name);
        unit.user_manager = self.mode == Mode::User;
        if let Some(outcome) = self.read_fragment(&mut unit, file.to_owned()) {
            self.conclude(&mut unit, outcome);
        }
        unit
    }

    /// Reads a text as a unit, as for transient units; `fragment` is where it is said to come from.
    pub fn load_text(&self, name: &UnitName, text: &str, fragment: Option<PathBuf>) -> Unit {
        self.load_bytes(name, text.as_bytes(), fragment)
    }

    /// Like [`Loader::load_text`] with bytes that need not be text.
    pub fn load_bytes(&self, name: &UnitName, bytes: &[u8], fragment: Option<PathBuf>) -> Unit {
        let mut unit = Unit::new(name.clone());
        unit.user_manager = self.mode == Mode::User;
        unit.fragment = fragment;
        let path = unit.fragment.clone().unwrap_or_default();
        let file = File { path: &path, bytes, number: 0 };
        let outcome = apply(&mut unit, &file, &self.host);
        self.conclude(&mut unit, outcome);
        unit
    }

    fn load_fragment(&self, unit: &mut Unit, path: PathBuf) {
        if let Some(outcome) = self.read_fragment(unit, path) {
            self.complete(unit, outcome);
        }
    }

    /// Reads the main file; `None` if that settled everything.
    fn read_fragment(&self, unit: &mut Unit, path: PathBuf) -> Option<Outcome> {
        match self.files.read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fail(unit, LoadState::NotFound);
                None
            }
            Err(error) => {
                unit.fragment = Some(path);
                unreadable(unit, &error);
                None
            }
            Ok((bytes, _)) if bytes.is_empty() => {
                unit.fragment = Some(path);
                fail(unit, LoadState::Masked);
                None
            }
            Ok((bytes, mtime)) => {
                unit.fragment = Some(path.clone());
                unit.fragment_mtime = mtime;
                let file = File { path: &path, bytes: &bytes, number: 0 };
                Some(apply(unit, &file, &self.host))
            }
        }
    }

    /// Drop-ins, dependency directories, and what follows from all of it.
    fn complete(&self, unit: &mut Unit, mut outcome: Outcome) {
        let (paths, links) = {
            let index = self.index.borrow();
            let names: Vec<&UnitName> = std::iter::once(&unit.name).chain(&unit.aliases).collect();
            let paths = dropins::dropins(self.files.as_ref(), &index, &names);
            let kinds = [
                (DependencyKind::Wants, ".wants"),
                (DependencyKind::Requires, ".requires"),
                (DependencyKind::Upholds, ".upholds"),
            ];
            let mut links = Vec::new();
            for (kind, suffix) in kinds {
                let found = dropins::links(self.files.as_ref(), &index, &names, suffix);
                links.extend(found.into_iter().map(|(name, path)| (kind, name, path)));
            }
            (paths, links)
        };
        for (kind, name, path) in links {
            if let Some(name) = instance_for(name, &unit.name).filter(|name| *name != unit.name) {
                unit.links.push(DirectoryLink { kind, name, path });
            }
        }
        for path in paths {
            let read = self.read_dropin(unit, path);
            // A drop-in's broken grammar doesn't make the unit unusable, a bad setting does.
            if read == Outcome::BadSetting && outcome == Outcome::Read {
                outcome = read;
            }
        }
        self.conclude(unit, outcome);
    }

    fn read_dropin(&self, unit: &mut Unit, path: PathBuf) -> Outcome {
        let number = u16::try_from(unit.dropins.len() + 1).unwrap_or(Origin::IMPLIED - 1);
        unit.dropins.push(path.clone());
        match self.files.read(&path) {
            Ok((bytes, mtime)) => {
                unit.dropin_mtime = unit.dropin_mtime.max(mtime);
                let file = File { path: &path, bytes: &bytes, number };
                apply(unit, &file, &self.host)
            }
            Err(error) => {
                let text = format!("the drop-in can't be read: {error}");
                complain(unit, path, Severity::Warning, "unreadable", text);
                Outcome::Read
            }
        }
    }

    /// Implied values and systemd's checks.
    fn conclude(&self, unit: &mut Unit, outcome: Outcome) {
        match outcome {
            Outcome::Broken => return broken(unit),
            Outcome::BadSetting => return fail(unit, LoadState::BadSetting),
            Outcome::Read => {}
        }
        finish(unit, &self.host);
        unit.source_mtime = unit.source.as_ref().and_then(|path| self.files.modified(path).ok()).unwrap_or(0);
        unit.complete = true;
        match verify(unit) {
            Some((code, text)) => {
                let file = unit.fragment.clone().unwrap_or_default();
                complain(unit, file, Severity::Error, code, text);
                fail(unit, LoadState::BadSetting);
            }
            None => unit.load_state = LoadState::Loaded,
        }
    }

    /// Whether files of the unit changed, came or went since it was loaded.
    pub fn needs_reload(&self, unit: &Unit) -> bool {
        if let Some(fragment) = &unit.fragment {
            let masked = self.files.is_null(fragment);
            if masked != (unit.load_state == LoadState::Masked) {
                return true;
            }
            if !masked && self.files.modified(fragment).ok() != Some(unit.fragment_mtime) {
                return true;
            }
        }
        // What a generator made it from.
        let newer = |path| self.files.modified(path).map_or(true, |time| time > unit.source_mtime);
        if unit.source.as_deref().is_some_and(newer) {
            return true;
        }
        if unit.load_state != LoadState::Loaded {
            return false;
        }
        let index = self.index.borrow();
        let names: Vec<&UnitName> = std::iter::once(&unit.name).chain(&unit.aliases).collect();
        let now = dropins::dropins(self.files.as_ref(), &index, &names);
        let latest = now.iter().filter_map(|path| self.files.modified(path).ok()).max().unwrap_or(0);
        now != unit.dropins || latest > unit.dropin_mtime
    }
}

/// Whether there is such a unit without a file.
fn is_optional(name: &UnitName) -> bool {
    matches!(name.unit_type(), UnitType::Slice | UnitType::Device) || matches!(name.as_str(), "init.scope" | "-.mount")
}

/// A template in a dependency directory means the unit's own instance (or its prefix).
fn instance_for(name: UnitName, own: &UnitName) -> Option<UnitName> {
    if !name.is_template() {
        return Some(name);
    }
    name.with_instance(own.instance().unwrap_or(own.prefix())).ok()
}

fn complain(unit: &mut Unit, file: PathBuf, severity: Severity, code: &str, message: String) {
    unit.diagnostics.push(Diagnostic {
        file,
        line: 0,
        column: 0,
        span: (0, 0),
        code: code.to_owned(),
        severity,
        message,
        hint: None,
    });
}

fn fail(unit: &mut Unit, state: LoadState) {
    let name = unit.name.as_str();
    let prefix = "org.freedesktop.systemd1";
    unit.load_error = match state {
        LoadState::NotFound => Some((format!("{prefix}.NoSuchUnit"), format!("Unit {name} not found."))),
        LoadState::BadSetting => {
            let text = format!("Unit {name} has a bad unit file setting.");
            Some((format!("{prefix}.BadUnitSetting"), text))
        }
        LoadState::Masked => Some((format!("{prefix}.UnitMasked"), format!("Unit {name} is masked."))),
        LoadState::Stub | LoadState::Loaded | LoadState::Error | LoadState::Merged => None,
    };
    unit.load_state = state;
}

fn load_failed(unit: &mut Unit, error: &str, text: &str) {
    let name = unit.name.as_str();
    let message =
        format!("Unit {name} failed to load properly, please adjust/correct and reload service manager: {text}");
    unit.load_error = Some((error.to_owned(), message));
    unit.load_state = LoadState::Error;
}

/// The D-Bus errors that systemd makes of the errno values of its parser.
fn broken(unit: &mut Unit) {
    let code = unit.diagnostics.iter().find(|d| d.severity == Severity::Error).map(|d| d.code.clone());
    match code.as_deref() {
        Some("encoding") => {
            load_failed(unit, "org.freedesktop.DBus.Error.InvalidArgs", "Invalid argument");
        }
        Some("long-line") => load_failed(unit, "System.Error.ENOBUFS", "No buffer space available"),
        _ => load_failed(unit, "org.freedesktop.DBus.Error.InconsistentMessage", "Bad message"),
    }
}

fn unreadable(unit: &mut Unit, error: &io::Error) {
    let (name, text) = match error.kind() {
        io::ErrorKind::PermissionDenied => ("org.freedesktop.DBus.Error.AccessDenied", "Permission denied"),
        _ => ("org.freedesktop.DBus.Error.IOError", "Input/output error"),
    };
    let file = unit.fragment.clone().unwrap_or_default();
    complain(unit, file, Severity::Error, "unreadable", format!("the file can't be read: {error}"));
    load_failed(unit, name, text);
}
