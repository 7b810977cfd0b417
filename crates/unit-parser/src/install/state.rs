//! `systemctl is-enabled` and `list-unit-files`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::change::InstallError;
use super::paths::text;
use super::search::{Context, Failure, Info, Kind, LOAD_FOLLOW, Listing, errno};
use super::section::expand;
use super::{InstallPaths, Installer};
use crate::name::UnitName;

/// Installation state of a unit file (systemctl(1), "is-enabled").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileState {
    /// Links of its `[Install]` section are there, and stay.
    Enabled,
    /// The same, until the next boot.
    EnabledRuntime,
    /// The file is outside of the load path and linked into it.
    Linked,
    /// The same, until the next boot.
    LinkedRuntime,
    /// Another name of a unit.
    Alias,
    /// Cannot be started.
    Masked,
    /// The same, until the next boot.
    MaskedRuntime,
    /// There is nothing to enable.
    Static,
    /// Could be enabled.
    Disabled,
    /// Enabled by way of other units or names.
    Indirect,
    /// Made by a generator.
    Generated,
    /// Made over the bus.
    Transient,
    /// The file cannot be used.
    Bad,
}

impl FileState {
    const ALL: [FileState; 13] = [
        FileState::Enabled,
        FileState::EnabledRuntime,
        FileState::Linked,
        FileState::LinkedRuntime,
        FileState::Alias,
        FileState::Masked,
        FileState::MaskedRuntime,
        FileState::Static,
        FileState::Disabled,
        FileState::Indirect,
        FileState::Generated,
        FileState::Transient,
        FileState::Bad,
    ];

    /// The word on the bus and on the screen.
    pub fn as_str(self) -> &'static str {
        match self {
            FileState::Enabled => "enabled",
            FileState::EnabledRuntime => "enabled-runtime",
            FileState::Linked => "linked",
            FileState::LinkedRuntime => "linked-runtime",
            FileState::Alias => "alias",
            FileState::Masked => "masked",
            FileState::MaskedRuntime => "masked-runtime",
            FileState::Static => "static",
            FileState::Disabled => "disabled",
            FileState::Indirect => "indirect",
            FileState::Generated => "generated",
            FileState::Transient => "transient",
            FileState::Bad => "bad",
        }
    }

    /// The state of a word.
    pub fn from_word(word: &str) -> Option<FileState> {
        FileState::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// One line of `list-unit-files`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Where the name is first found.
    pub path: String,
    /// Its state.
    pub state: FileState,
}

impl Installer {
    /// State of one unit file.
    ///
    /// # Errors
    /// [`InstallError::Plain`]: `ENOENT` without a file, `EINVAL` for what is no unit name.
    pub fn state(&self, name: &str) -> Result<FileState, InstallError> {
        self.state_with(name, &Links::read(&self.paths))
    }

    /// All unit files of the load path with their states, sorted by name.
    pub fn list(&self) -> Vec<ListedFile> {
        let links = Links::read(&self.paths);
        let mut found: BTreeMap<String, PathBuf> = BTreeMap::new();
        for (name, path) in self.entries() {
            found.entry(name).or_insert(path);
        }
        let listed = found.into_iter().map(|(name, path)| ListedFile {
            path: text(&path),
            state: self.state_with(&name, &links).unwrap_or(FileState::Bad),
        });
        listed.collect()
    }

    /// The names of [`Installer::list`].
    pub(super) fn all_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.entries().into_iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Files and links of the load path with unit names, in its order.
    fn entries(&self) -> Vec<(String, PathBuf)> {
        let mut all = Vec::new();
        for directory in &self.paths.search {
            let Ok(entries) = std::fs::read_dir(directory) else { continue };
            for entry in entries.flatten() {
                let Ok(name) = entry.file_name().into_string() else { continue };
                let right_type = entry.file_type().is_ok_and(|kind| kind.is_file() || kind.is_symlink());
                if right_type && UnitName::parse(&name).is_ok() {
                    all.push((name, entry.path()));
                }
            }
        }
        all
    }

    fn state_with(&self, name: &str, links: &Links) -> Result<FileState, InstallError> {
        let parsed = UnitName::parse(name).map_err(|_| InstallError::Plain(errno::EINVAL))?;
        let mut context = Context::listed(&self.paths, &self.host, &links.listing);
        let index = context.add(parsed, None, false);
        let index = context.traverse(index, LOAD_FOLLOW).map_err(|failure| match failure {
            Failure::NotFound => InstallError::Plain(errno::ENOENT),
            Failure::Dangling => InstallError::Plain(errno::ENOLINK),
            Failure::Errno(errno) => InstallError::Plain(errno),
        })?;
        let info = context.info(index);
        let path = info.path.clone().unwrap_or_default();
        if info.kind == Kind::Masked {
            let runtime = self.paths.is_runtime(&path);
            return Ok(if runtime { FileState::MaskedRuntime } else { FileState::Masked });
        }
        if path.file_name().is_none_or(|file| file != name) && !info.name.is_instance() {
            return Ok(FileState::Alias);
        }
        if self.paths.is_generated(&path) {
            return Ok(FileState::Generated);
        }
        if self.paths.is_transient(&path) {
            return Ok(FileState::Transient);
        }
        let known = self.known_names(info);
        if let Some(state) = links.scope(&self.paths, info, Some(&known)) {
            return Ok(state);
        }
        if links.scope(&self.paths, info, None).is_some() {
            return Ok(FileState::Indirect);
        }
        Ok(if info.install.has_rules() {
            FileState::Disabled
        } else if !info.install.also.is_empty() {
            FileState::Indirect
        } else {
            FileState::Static
        })
    }

    /// The names that enabling the unit would make.
    fn known_names(&self, info: &Info) -> Vec<String> {
        let instance = info.install.default_instance.as_deref();
        let mut names = vec![info.name.to_string()];
        names.extend(info.install.aliases.iter().map(|alias| expand(alias, &info.name, instance, &self.host)));
        if info.name.is_template()
            && let Some(instantiated) = instance.and_then(|instance| info.name.with_instance(instance).ok())
        {
            names.push(instantiated.to_string());
        }
        names
    }
}

/// All links of the load path, by what they could enable: so that listing n files takes n look-ups, not n directory walks.
#[derive(Debug, Default)]
struct Links {
    directories: Vec<DirectoryLinks>,
    /// All entries: what hides the same name further down.
    listing: Listing,
}

#[derive(Debug, Default)]
struct DirectoryLinks {
    /// Names of links in `*.wants`, `*.requires` and `*.upholds`, and for instances also the names of their templates with them.
    dependents: HashMap<String, Vec<String>>,
    /// Links in the directory itself, by their own name: base name of what they lead to.
    named: HashMap<String, String>,
    /// The same by base name of what they lead to: their own names.
    leading_to: HashMap<String, Vec<String>>,
}

impl Links {
    fn read(paths: &InstallPaths) -> Links {
        let read = paths.search.iter().map(|directory| DirectoryLinks::read(directory));
        let (directories, entries) = read.unzip();
        Links { directories, listing: Listing(entries) }
    }

    /// Where links enable a unit. `known`: only links with these names count.
    fn scope(&self, paths: &InstallPaths, info: &Info, known: Option<&[String]>) -> Option<FileState> {
        let name = info.name.as_str();
        let (mut in_runtime, mut anywhere) = (false, false);
        let (mut linked, mut linked_runtime) = (false, false);
        // Links with the unit's own name that its file hides have no effect.
        let mut ignore_same_name = false;
        for (place, (directory, links)) in paths.search.iter().zip(&self.directories).enumerate() {
            match links.enables(name, known, ignore_same_name) {
                Found::Yes if *directory == paths.persistent => return Some(FileState::Enabled),
                Found::Yes if paths.is_runtime_dir(directory) => in_runtime = true,
                Found::Yes => anywhere = true,
                Found::SameName if *directory == paths.persistent => linked = true,
                Found::SameName if paths.is_runtime_dir(directory) => linked_runtime = true,
                Found::SameName | Found::No => {}
            }
            ignore_same_name = ignore_same_name || self.listing.has(place, name);
        }
        if in_runtime {
            Some(FileState::EnabledRuntime)
        } else if anywhere && info.name.is_instance() {
            // The vendor instantiated it.
            Some(FileState::Static)
        } else if linked {
            Some(FileState::Linked)
        } else if linked_runtime {
            Some(FileState::LinkedRuntime)
        } else {
            None
        }
    }
}

/// What the links of one directory say about a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// It is enabled.
    Yes,
    /// The unit file is linked under its own name.
    SameName,
    /// Nothing.
    No,
}

impl DirectoryLinks {
    /// The links of a directory, and the names of everything in it.
    fn read(directory: &Path) -> (DirectoryLinks, HashSet<String>) {
        let mut links = DirectoryLinks::default();
        let mut names = HashSet::new();
        let Ok(entries) = std::fs::read_dir(directory) else { return (links, names) };
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_symlink()
                && let Ok(target) = std::fs::read_link(entry.path())
                && let Some(base) = target.file_name()
            {
                let base = base.to_string_lossy().into_owned();
                links.leading_to.entry(base.clone()).or_default().push(name.clone());
                links.named.insert(name.clone(), base);
            } else if (kind.is_dir() || kind.is_symlink())
                && [".wants", ".requires", ".upholds"].iter().any(|suffix| name.ends_with(suffix))
            {
                let inner = std::fs::read_dir(entry.path()).into_iter().flatten().flatten();
                let inner = inner.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink()));
                for link in inner.filter_map(|entry| entry.file_name().into_string().ok()) {
                    if let Some(template) = UnitName::parse(&link).ok().and_then(|name| name.template()) {
                        links.dependents.entry(template.to_string()).or_default().push(link.clone());
                    }
                    links.dependents.entry(link.clone()).or_default().push(link);
                }
            }
            names.insert(name);
        }
        (links, names)
    }

    fn enables(&self, name: &str, known: Option<&[String]>, ignore_same_name: bool) -> Found {
        let counts = |link: &str| known.is_none_or(|known| known.iter().any(|known| known == link));
        // Those in `.wants` count wherever they are: `enable --runtime` of a file in /etc.
        if self.dependents.get(name).into_iter().flatten().any(|link| counts(link)) {
            return Found::Yes;
        }
        let by_name = !ignore_same_name && self.named.contains_key(name);
        let same = by_name && self.named.get(name).is_some_and(|base| base == name);
        if by_name && !same && counts(name) {
            return Found::Yes;
        }
        let others = self.leading_to.get(name).into_iter().flatten();
        let mut others = others.filter(|link| ignore_same_name || link.as_str() != name);
        if others.any(|link| counts(link)) {
            return Found::Yes;
        }
        if same { Found::SameName } else { Found::No }
    }
}
