//! From a unit name to the file that counts for its installation: the load path, links, templates, drop-ins.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::InstallPaths;
use super::section::{Install, may_alias};
use crate::diagnostic::Severity;
use crate::load::NO_WAITING;
use crate::name::UnitName;
use crate::specifier::Host;
use crate::syntax::Document;

/// Links that lead on to links: more than this is a loop.
const MAX_LINKS: usize = 64;
const O_NOFOLLOW: i32 = 0o400_000;

/// errno values that the search tells apart.
pub(super) mod errno {
    pub const EACCES: i32 = 13;
    pub const EISDIR: i32 = 21;
    pub const EINVAL: i32 = 22;
    pub const ELOOP: i32 = 40;
    pub const ENOENT: i32 = 2;
    pub const ENOTDIR: i32 = 20;
    pub const ENOTTY: i32 = 25;
    pub const EXDEV: i32 = 18;
    pub const ENOLINK: i32 = 67;
    pub const EBADMSG: i32 = 74;
    pub const ENOBUFS: i32 = 105;
}

/// Why a name leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// No such file.
    NotFound,
    /// A link to a name that has no file.
    Dangling,
    /// The kernel's error, `ELOOP` also for a link that must not be followed.
    Errno(i32),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.raw_os_error() {
            Some(errno::ENOENT) => Failure::NotFound,
            Some(errno) => Failure::Errno(errno),
            None => Failure::Errno(5),
        }
    }
}

/// What a name's entry in the load path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Not looked at yet.
    Unknown,
    /// A file with its `[Install]` section.
    Regular,
    /// `/dev/null`, an empty file, or a link to one.
    Masked,
    /// A link to another name in the load path.
    Alias(PathBuf),
    /// A link to a file outside of the load path.
    Linked(PathBuf),
}

/// What is known about one name.
#[derive(Debug, Clone)]
pub(super) struct Info {
    pub name: UnitName,
    /// Where it was found (or given as), with the root.
    pub path: Option<PathBuf>,
    pub kind: Kind,
    pub install: Install,
    /// Only named in an `Also=`.
    pub auxiliary: bool,
}

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct How {
    /// Read the `[Install]` sections.
    pub load: bool,
    /// Follow aliases that the administrator made.
    pub follow: bool,
}

/// Reads `[Install]` sections and follows links.
pub(super) const LOAD_FOLLOW: How = How { load: true, follow: true };
/// Reads `[Install]` sections; an alias of the administrator's is an error.
pub(super) const LOAD: How = How { load: true, follow: false };
/// Finds the file only.
pub(super) const FOLLOW: How = How { load: false, follow: true };
/// Finds the file only; an alias of the administrator's is an error.
pub(super) const FIND: How = How { load: false, follow: false };

/// The names of all entries of the directories of the load path, in its order.
#[derive(Debug, Default)]
pub(super) struct Listing(pub Vec<HashSet<String>>);

impl Listing {
    /// Whether the directory at this place of the load path has such an entry.
    pub fn has(&self, place: usize, name: &str) -> bool {
        self.0.get(place).is_some_and(|names| names.contains(name))
    }
}

/// Names to process, and those that were: `Also=` adds to them while they are read.
#[derive(Debug)]
pub(super) struct Context<'a> {
    paths: &'a InstallPaths,
    host: &'a Host,
    /// What is in the directories, when they were listed: saves looking for what isn't there.
    listing: Option<&'a Listing>,
    infos: Vec<Info>,
    queue: VecDeque<usize>,
}

impl<'a> Context<'a> {
    pub fn new(paths: &'a InstallPaths, host: &'a Host) -> Context<'a> {
        Context { paths, host, listing: None, infos: Vec::new(), queue: VecDeque::new() }
    }

    /// The same where the directories were listed before.
    pub fn listed(paths: &'a InstallPaths, host: &'a Host, listing: &'a Listing) -> Context<'a> {
        Context { listing: Some(listing), ..Context::new(paths, host) }
    }

    /// Adds a name once; `path` when the caller gave a file.
    pub fn add(&mut self, name: UnitName, path: Option<PathBuf>, auxiliary: bool) -> usize {
        if let Some(index) = self.infos.iter().position(|info| info.name == name) {
            if let Some(info) = self.infos.get_mut(index) {
                info.auxiliary &= auxiliary;
            }
            return index;
        }
        let index = self.infos.len();
        self.infos.push(Info { name, path, kind: Kind::Unknown, install: Install::default(), auxiliary });
        self.queue.push_back(index);
        index
    }

    /// Whether a name was added.
    pub fn contains(&self, name: &str) -> bool {
        self.infos.iter().any(|info| info.name.as_str() == name)
    }

    /// The next name to process.
    pub fn next(&mut self) -> Option<usize> {
        self.queue.pop_front()
    }

    /// What is known about a name.
    pub fn info(&self, index: usize) -> &Info {
        // Indices are only made by `add`, and infos are never removed.
        &self.infos[index]
    }

    /// The same, to change it.
    pub fn info_mut(&mut self, index: usize) -> &mut Info {
        &mut self.infos[index]
    }

    /// Adds what the caller named: a unit name, or the path of a unit file. `None` if it is neither.
    pub fn add_argument(&mut self, argument: &str) -> Option<usize> {
        if !argument.contains('/') {
            return UnitName::parse(argument).ok().map(|name| self.add(name, None, false));
        }
        let path = Path::new(argument);
        let name = UnitName::parse(path.file_name()?.to_str()?).ok()?;
        let path = path.is_absolute().then(|| self.paths.outside(path));
        path.map(|path| self.add(name, Some(path), false))
    }

    /// Whether there is anything of this name, or of its template's.
    pub fn is_found(&mut self, index: usize) -> bool {
        self.search(index, FIND) != Err(Failure::NotFound)
    }

    /// Follows a name to its file; returns the name at the end, which may be another one.
    pub fn traverse(&mut self, start: usize, how: How) -> Result<usize, Failure> {
        self.search(start, how)?;
        let mut index = start;
        for _ in 0..MAX_LINKS {
            let (target, linked) = match &self.info(index).kind {
                Kind::Alias(target) => (target.clone(), false),
                Kind::Linked(target) => (target.clone(), true),
                Kind::Unknown | Kind::Regular | Kind::Masked => return Ok(index),
            };
            let here = self.info(index).path.clone().unwrap_or_default();
            if !how.follow && !linked && self.paths.is_config(&here) {
                return Err(Failure::Errno(errno::ELOOP));
            }
            let file = target.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if linked || file == self.info(index).name.as_str() {
                self.follow(index, target, how)?;
                continue;
            }
            let Ok(mut name) = UnitName::parse(&file) else {
                return Err(Failure::Errno(errno::EINVAL));
            };
            if let Some(instance) = self.info(index).name.instance()
                && name.is_template()
            {
                name = name.with_instance(instance).map_err(|_| Failure::Errno(errno::EINVAL))?;
                if name == self.info(index).name {
                    // The template of this very instance: honour the link as it is.
                    self.follow(index, target, how)?;
                    continue;
                }
            }
            index = self.add(name, None, false);
            self.search(index, how).map_err(|failure| match failure {
                Failure::NotFound => Failure::Dangling,
                Failure::Dangling | Failure::Errno(_) => failure,
            })?;
        }
        Err(Failure::Errno(errno::ELOOP))
    }

    fn follow(&mut self, index: usize, target: PathBuf, how: How) -> Result<(), Failure> {
        let info = self.info_mut(index);
        info.path = Some(target.clone());
        info.kind = Kind::Unknown;
        self.examine(index, &target, how)
    }

    /// Looks a name up, its template after it, and its drop-ins.
    fn search(&mut self, index: usize, how: How) -> Result<(), Failure> {
        if self.info(index).kind != Kind::Unknown {
            return Ok(());
        }
        if let Some(path) = self.info(index).path.clone() {
            return self.examine(index, &path, how);
        }
        let name = self.info(index).name.clone();
        let template = name.template();
        let mut found = self.search_dirs(index, name.as_str(), how)?;
        if !found && let Some(template) = &template {
            found = self.search_dirs(index, template.as_str(), how)?;
        }
        if !found {
            return Err(Failure::NotFound);
        }
        if how.load && self.info(index).kind != Kind::Masked {
            let names = std::iter::once(&name).chain(&template);
            self.read_dropins(index, &names.map(|name| format!("{name}.d")).collect::<Vec<_>>())?;
        }
        Ok(())
    }

    fn search_dirs(&mut self, index: usize, name: &str, how: How) -> Result<bool, Failure> {
        for (place, directory) in self.paths.search.iter().enumerate() {
            if self.listing.is_some_and(|listing| !listing.has(place, name)) {
                continue;
            }
            let path = directory.join(name);
            match self.examine(index, &path, how) {
                Ok(()) => {
                    self.info_mut(index).path = Some(path);
                    return Ok(true);
                }
                Err(Failure::NotFound | Failure::Errno(errno::ENOTDIR | errno::EACCES)) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(false)
    }

    /// Finds out what a path is, and reads it if it is a file.
    fn examine(&mut self, index: usize, path: &Path, how: How) -> Result<(), Failure> {
        let metadata = std::fs::symlink_metadata(path)?;
        if metadata.is_symlink() {
            let target = resolve(self.paths, path)?;
            if target.in_search_path
                && let Some(name) = path.file_name().and_then(|name| name.to_str())
                && let Ok(name) = UnitName::parse(name)
            {
                verify_link(&name, &target.path).map_err(Failure::Errno)?;
            }
            let real = target.real?;
            self.info_mut(index).kind = if is_masking(&real) {
                Kind::Masked
            } else if target.in_search_path {
                Kind::Alias(target.path)
            } else {
                Kind::Linked(target.path)
            };
            return Ok(());
        }
        check(&metadata).or_else(|failure| if masks(&metadata) { Ok(()) } else { Err(failure) })?;
        let text = if how.load && !masks(&metadata) { read(path)? } else { None };
        let info = self.info_mut(index);
        if masks(&metadata) {
            info.kind = Kind::Masked;
            return Ok(());
        }
        info.kind = Kind::Regular;
        if let Some(text) = text {
            self.take_section(index, path, &text)?;
        }
        Ok(())
    }

    /// Reads an `[Install]` section. Broken grammar anywhere, and a bad name in `Also=` or `DefaultInstance=`, spoil the
    /// file.
    fn take_section(&mut self, index: usize, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
        let host = self.host;
        let info = self.info_mut(index);
        let name = info.name.clone();
        let document = crate::syntax::parse(bytes, path);
        let read = info.install.read(&document.assignments, &name, host).map_err(|_| errno::EINVAL);
        let also = match (read, broken(&document)) {
            (Ok(also), None) => also,
            (Err(errno), _) | (Ok(_), Some(errno)) => {
                // Asked again, it fails again.
                info.kind = Kind::Unknown;
                info.install = Install::default();
                return Err(Failure::Errno(errno));
            }
        };
        for other in also {
            self.add(other, None, true);
        }
        Ok(())
    }

    /// `*.conf` of the `.d` directories, sorted by name; the first directory wins.
    fn read_dropins(&mut self, index: usize, directories: &[String]) -> Result<(), Failure> {
        let mut files: BTreeMap<std::ffi::OsString, PathBuf> = BTreeMap::new();
        for directory in directories {
            for (place, base) in self.paths.search.iter().enumerate() {
                if self.listing.is_some_and(|listing| !listing.has(place, directory)) {
                    continue;
                }
                let Ok(entries) = std::fs::read_dir(base.join(directory)) else { continue };
                for entry in entries.flatten() {
                    if Path::new(&entry.file_name()).extension().is_some_and(|extension| extension == "conf") {
                        files.entry(entry.file_name()).or_insert_with(|| entry.path());
                    }
                }
            }
        }
        for path in files.into_values() {
            let regular = std::fs::metadata(&path).is_ok_and(|metadata| metadata.is_file());
            // A drop-in that cannot be read is as good as none, as it is for the unit itself.
            if regular && let Ok(bytes) = std::fs::read(&path) {
                self.take_section(index, &path, &bytes)?;
            }
        }
        Ok(())
    }
}

/// Where a link leads.
#[derive(Debug)]
pub(super) struct Target {
    /// One step, with the root.
    pub path: PathBuf,
    /// All steps, with the root; the same if it does not exist. `ELOOP` for links that go in a circle.
    pub real: io::Result<PathBuf>,
    /// Whether that is in a directory of the load path, or below one.
    pub in_search_path: bool,
}

/// Whether a unit's name may be a link to another file of the load path (systemd.unit(5), "Description"): the errno if not.
fn verify_link(name: &UnitName, target: &Path) -> Result<(), i32> {
    if !may_alias(name.unit_type()) {
        return Err(errno::EINVAL);
    }
    let target = target.file_name().and_then(|target| target.to_str()).unwrap_or_default();
    let target = UnitName::parse(target).map_err(|_| errno::EXDEV)?;
    if target == *name {
        return Err(errno::ELOOP);
    }
    let fits = match (name.instance(), target.instance()) {
        (Some(one), Some(other)) => one == other,
        (Some(_), None) => target.is_template(),
        (None, Some(_)) => false,
        (None, None) => name.is_template() == target.is_template(),
    };
    if fits && target.unit_type() == name.unit_type() { Ok(()) } else { Err(errno::EXDEV) }
}

/// Reads a link. Absolute targets are inside the root.
pub(super) fn resolve(paths: &InstallPaths, link: &Path) -> io::Result<Target> {
    let raw = std::fs::read_link(link)?;
    let path = if raw.is_absolute() {
        paths.outside(&normalized(&raw))
    } else {
        normalized(&link.parent().unwrap_or(Path::new("/")).join(raw))
    };
    let real = follow(paths, &path);
    // Directories of the load path can be links themselves (/lib); compare what they are.
    let parent = path.parent().map(|parent| std::fs::canonicalize(parent).unwrap_or_else(|_| parent.to_owned()));
    let in_search_path = paths.search.iter().any(|dir| path.starts_with(dir))
        || parent.is_some_and(|parent| {
            paths.search.iter().any(|dir| std::fs::canonicalize(dir).is_ok_and(|dir| parent.starts_with(dir)))
        });
    Ok(Target { path, real, in_search_path })
}

/// Follows links to the end, inside the root.
fn follow(paths: &InstallPaths, path: &Path) -> io::Result<PathBuf> {
    let mut current = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(raw) = std::fs::read_link(&current) else { return Ok(current) };
        current = if raw.is_absolute() {
            paths.outside(&normalized(&raw))
        } else {
            normalized(&current.parent().unwrap_or(Path::new("/")).join(raw))
        };
    }
    Err(io::Error::from_raw_os_error(errno::ELOOP))
}

/// Takes `.` and `..` out of a path as text.
pub(super) fn normalized(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut result = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                result.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => result.push(component),
        }
    }
    result
}

/// Whether a path masks a unit that links to it: `/dev/null` or an empty file.
pub(super) fn is_masking(path: &Path) -> bool {
    // Below another root there may be no /dev: the name itself counts.
    path.ends_with("dev/null") || std::fs::metadata(path).is_ok_and(|metadata| masks(&metadata))
}

/// The same of a file in the load path.
fn masks(metadata: &Metadata) -> bool {
    metadata.file_type().is_char_device() || (metadata.is_file() && metadata.len() == 0)
}

fn check(metadata: &Metadata) -> Result<(), Failure> {
    if metadata.is_file() {
        Ok(())
    } else if metadata.is_dir() {
        Err(Failure::Errno(errno::EISDIR))
    } else {
        Err(Failure::Errno(errno::ENOTTY))
    }
}

/// What systemd's parser says of a file that it gives up.
fn broken(document: &Document) -> Option<i32> {
    let error = document.diagnostics.iter().find(|found| found.severity == Severity::Error)?;
    Some(match error.code.as_str() {
        "encoding" => errno::EINVAL,
        "long-line" => errno::ENOBUFS,
        _ => errno::EBADMSG,
    })
}

/// The bytes of a file; `None` if it turned into something else since it was looked at.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file: File = OpenOptions::new().read(true).custom_flags(O_NOFOLLOW | NO_WAITING).open(path)?;
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
