//! The verbs that change files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::alias::{Alias, verify};
use super::change::{ChangeKind, InstallError, InstallFailure, Log, Outcome};
use super::links::{Done, create, refused, remove_empty_parents, remove_marked};
use super::paths::text;
use super::search::{Context, FIND, FOLLOW, Failure, How, Kind, LOAD, LOAD_FOLLOW, errno, is_masking};
use super::section::expand;
use super::{Flags, Installer};
use crate::name::UnitName;
use crate::unit_type::UnitType;

/// What `systemctl add-wants` and `add-requires` add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dependency {
    /// `TARGET.wants/`
    Wants,
    /// `TARGET.requires/`
    Requires,
}

impl Installer {
    /// Makes the links that the `[Install]` sections of units (names or absolute paths) ask for.
    ///
    /// # Errors
    /// [`InstallFailure`]; links that were made before stay.
    pub fn enable(&self, files: &[String], flags: Flags) -> Result<Outcome, InstallFailure> {
        let mut log = Log::default();
        let carries = self.enable_into(files, flags, &mut log);
        log.finish(carries.unwrap_or(false), carries.is_none())
    }

    /// `None` after a failure in the log.
    fn enable_into(&self, files: &[String], flags: Flags, log: &mut Log) -> Option<bool> {
        let mut context = Context::new(&self.paths, &self.host);
        for file in files {
            self.discover(&mut context, file, LOAD, log)?;
        }
        let config = self.paths.config(flags.runtime);
        self.apply(&mut context, config, flags.force, LOAD, false, log)
    }

    /// Removes the links that make units wanted or give them other names.
    ///
    /// # Errors
    /// [`InstallFailure`].
    pub fn disable(&self, files: &[String], flags: Flags) -> Result<Outcome, InstallFailure> {
        let mut log = Log::default();
        let carries = self.disable_into(files, self.paths.config(flags.runtime), false, &mut log);
        log.finish(carries.unwrap_or(false), carries.is_none())
    }

    /// The links that [`Installer::disable`] would remove.
    ///
    /// # Errors
    /// [`InstallFailure`].
    pub fn links(&self, file: &str, runtime: bool) -> Result<Vec<String>, InstallFailure> {
        let mut log = Log::default();
        let done = self.disable_into(&[file.to_owned()], self.paths.config(runtime), true, &mut log);
        // A name without a file can have links as well.
        log.failures.retain(|failure| !matches!(failure, InstallError::NotFound(_)));
        let outcome = log.finish(false, done.is_none())?;
        let unlinked = outcome.changes.into_iter().filter(|change| change.kind == ChangeKind::Unlink);
        Ok(unlinked.map(|change| change.path).collect())
    }

    fn disable_into(&self, files: &[String], config: &Path, dry_run: bool, log: &mut Log) -> Option<bool> {
        let mut context = Context::new(&self.paths, &self.host);
        let mut carries = false;
        for file in files {
            let Ok(name) = UnitName::parse(file) else {
                log.failures.push(InstallError::InvalidName(file.clone()));
                return None;
            };
            let index = context.add(name, None, false);
            // A name without a file is told of below, and its links go all the same.
            if let Ok(index) = context.traverse(index, LOAD_FOLLOW) {
                carries |= context.info(index).install.has_rules();
            }
        }
        let mut marked = BTreeSet::new();
        mark_for_removal(&mut context, &mut marked, log);
        self.remove(&mut marked, config, dry_run, log)?;
        Some(carries)
    }

    /// Disables and enables.
    ///
    /// # Errors
    /// [`InstallFailure`].
    pub fn reenable(&self, files: &[String], flags: Flags) -> Result<Outcome, InstallFailure> {
        let mut log = Log::default();
        let names: Vec<String> = files.iter().map(|file| base_name(file).to_owned()).collect();
        let carries = self
            .disable_into(&names, self.paths.config(flags.runtime), false, &mut log)
            .and_then(|_| self.enable_into(files, flags, &mut log));
        log.finish(carries.unwrap_or(false), carries.is_none())
    }

    /// Links units to `/dev/null`.
    ///
    /// # Errors
    /// [`InstallFailure`]; the other units are masked all the same.
    pub fn mask(&self, files: &[String], flags: Flags) -> Result<Outcome, InstallFailure> {
        let mut log = Log::default();
        let config = self.paths.config(flags.runtime);
        for file in files {
            if UnitName::parse(file).is_err() {
                log.failures.push(InstallError::Plain(errno::EINVAL));
                continue;
            }
            let null = self.paths.outside(Path::new("/dev/null"));
            if let Err(failure) = create(&self.paths, &null, &config.join(file), flags.force, &mut log) {
                log.failures.push(failure);
            }
        }
        let bad = !log.failures.is_empty();
        log.finish(false, bad)
    }

    /// Removes the links that [`Installer::mask`] made.
    ///
    /// # Errors
    /// [`InstallFailure`].
    pub fn unmask(&self, files: &[String], flags: Flags) -> Result<Outcome, InstallFailure> {
        let mut log = Log::default();
        let config = self.paths.config(flags.runtime);
        let mut masked = BTreeSet::new();
        for file in files {
            if UnitName::parse(file).is_err() {
                return Err(InstallError::Plain(errno::EINVAL).into());
            }
            if self.masked_by_generator(file) {
                log.add(ChangeKind::MaskedByGenerator, file.clone(), "");
            }
            let path = config.join(file);
            let resolved = super::search::resolve(&self.paths, &path).and_then(|target| target.real);
            if is_masking(&resolved.unwrap_or_else(|_| path.clone())) {
                masked.insert(path);
            }
        }
        let mut marked = BTreeSet::new();
        for path in masked {
            match std::fs::remove_file(&path) {
                Ok(()) => {
                    remove_empty_parents(&path, config);
                    log.add(ChangeKind::Unlink, text(&path), "");
                    marked.insert(text(&self.paths.inside(&path)));
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => log.failures.push(refused(&path, &error)),
            }
        }
        let bad = !log.failures.is_empty();
        let removed = self.remove(&mut marked, config, false, &mut log);
        log.finish(false, bad || removed.is_none())
    }

    fn masked_by_generator(&self, file: &str) -> bool {
        let found = self.paths.search.iter().map(|dir| dir.join(file)).find(|path| path.symlink_metadata().is_ok());
        found.is_some_and(|path| {
            self.paths.is_generated(&path)
                && is_masking(
                    &super::search::resolve(&self.paths, &path).and_then(|target| target.real).unwrap_or(path),
                )
        })
    }

    /// Links unit files from outside of the load path into it.
    ///
    /// # Errors
    /// [`InstallFailure`]; nothing is linked if one of the files is not good.
    pub fn link(&self, files: &[String], flags: Flags) -> Result<Outcome, InstallFailure> {
        let mut log = Log::default();
        let mut good: Vec<PathBuf> = Vec::new();
        for file in files {
            let path = self.paths.outside(Path::new(file));
            if !Path::new(file).is_absolute() {
                return Err(InstallError::Errno { path: file.clone(), errno: errno::EINVAL }.into());
            }
            if UnitName::parse(base_name(file)).is_err() {
                return Err(InstallError::InvalidName(file.clone()).into());
            }
            let metadata = std::fs::symlink_metadata(&path).map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => InstallError::NotFound(file.clone()),
                _ => refused(Path::new(file), &error),
            })?;
            if metadata.is_symlink() {
                return Err(InstallError::Linked(file.clone()).into());
            }
            let errno = if metadata.is_dir() {
                errno::EISDIR
            } else if metadata.is_file() {
                0
            } else {
                errno::ENOTTY
            };
            if errno != 0 {
                return Err(InstallError::Errno { path: file.clone(), errno }.into());
            }
            if !self.paths.in_search_path(&path) {
                good.push(path);
            }
        }
        let config = self.paths.config(flags.runtime);
        for path in good {
            let Some(name) = path.file_name() else { continue };
            if let Err(failure) = create(&self.paths, &path, &config.join(name), flags.force, &mut log) {
                log.failures.push(failure);
            }
        }
        let bad = !log.failures.is_empty();
        log.finish(false, bad)
    }

    /// Puts units back to what the vendor shipped: drop-ins of the administrator go, and files that hide the vendor's.
    ///
    /// # Errors
    /// [`InstallFailure`].
    pub fn revert(&self, files: &[String]) -> Result<Outcome, InstallFailure> {
        let mut log = Log::default();
        let mut doomed: Vec<PathBuf> = Vec::new();
        for file in files {
            if UnitName::parse(file).is_err() {
                return Err(InstallError::Plain(errno::EINVAL).into());
            }
            let present = |path: &Path| path.symlink_metadata();
            let mut vendor = false;
            for dir in &self.paths.search {
                let path = dir.join(file);
                vendor |= present(&path).is_ok_and(|metadata| metadata.is_file()) && self.paths.is_vendor(&path);
                let dropins = dir.join(format!("{file}.d"));
                let ours = self.paths.is_config_dir(dir)
                    || self.paths.is_control_dir(dir)
                    || self.paths.is_transient(&dropins);
                if ours && present(&dropins).is_ok_and(|metadata| metadata.is_dir()) {
                    let files = std::fs::read_dir(&dropins).into_iter().flatten().flatten();
                    let files = files.filter(|file| file.file_name().to_string_lossy().ends_with(".conf"));
                    doomed.extend(files.map(|file| file.path()));
                    doomed.push(dropins);
                }
            }
            if !vendor {
                continue;
            }
            for dir in self.paths.search.iter().filter(|dir| self.paths.is_config_dir(dir)) {
                let path = dir.join(file);
                if present(&path).is_ok_and(|metadata| metadata.is_file() || metadata.is_symlink()) {
                    doomed.push(path);
                }
            }
        }
        let mut marked = BTreeSet::new();
        for path in doomed {
            let removed = match path.symlink_metadata() {
                Ok(metadata) if metadata.is_dir() => std::fs::remove_dir_all(&path),
                Ok(_) => std::fs::remove_file(&path),
                Err(_) => continue,
            };
            match removed {
                Ok(()) => {
                    log.add(ChangeKind::Unlink, text(&path), "");
                    marked.insert(text(&self.paths.inside(&path)));
                }
                Err(error) => log.failures.push(refused(&path, &error)),
            }
        }
        let bad = !log.failures.is_empty();
        for config in [self.paths.runtime.clone(), self.paths.persistent.clone()] {
            if self.remove(&mut marked, &config, false, &mut log).is_none() {
                return log.finish(false, true);
            }
        }
        log.finish(false, bad)
    }

    /// Makes a unit want or require others.
    ///
    /// # Errors
    /// [`InstallFailure`].
    pub fn add_dependency(
        &self,
        files: &[String],
        target: &str,
        dependency: Dependency,
        flags: Flags,
    ) -> Result<Outcome, InstallFailure> {
        let mut log = Log::default();
        if UnitName::parse(target).is_err() {
            return Err(InstallError::InvalidName(target.to_owned()).into());
        }
        let done = self.add_dependency_into(files, target, dependency, flags, &mut log);
        log.finish(done.unwrap_or(false), done.is_none())
    }

    fn add_dependency_into(
        &self,
        files: &[String],
        target: &str,
        dependency: Dependency,
        flags: Flags,
        log: &mut Log,
    ) -> Option<bool> {
        let mut context = Context::new(&self.paths, &self.host);
        let index = self.discover(&mut context, target, FOLLOW, log)?;
        let target = context.info(index).name.to_string();
        for file in files {
            let index = self.discover(&mut context, file, FOLLOW, log)?;
            let install = &mut context.info_mut(index).install;
            let list = match dependency {
                Dependency::Wants => &mut install.wanted_by,
                Dependency::Requires => &mut install.required_by,
            };
            *list = vec![target.clone()];
        }
        let config = self.paths.config(flags.runtime);
        self.apply(&mut context, config, flags.force, FOLLOW, false, log)
    }

    /// The unit that `default.target` stands for.
    ///
    /// # Errors
    /// [`InstallError`].
    pub fn default_target(&self) -> Result<String, InstallError> {
        let mut log = Log::default();
        let mut context = Context::new(&self.paths, &self.host);
        match self.discover(&mut context, "default.target", FOLLOW, &mut log) {
            Some(index) => Ok(context.info(index).name.to_string()),
            None => Err(log.failures.pop().unwrap_or(InstallError::Plain(errno::EINVAL))),
        }
    }

    /// Links `default.target` to another target.
    ///
    /// # Errors
    /// [`InstallFailure`].
    pub fn set_default_target(&self, name: &str, force: bool) -> Result<Outcome, InstallFailure> {
        let target = UnitName::parse(name).map_err(|_| InstallError::Plain(errno::EINVAL))?;
        if target.unit_type() != UnitType::Target || name == "default.target" {
            return Err(InstallError::Plain(errno::EINVAL).into());
        }
        let mut log = Log::default();
        let mut context = Context::new(&self.paths, &self.host);
        let Some(index) = self.discover(&mut context, name, FIND, &mut log) else {
            return log.finish(false, true);
        };
        let path = context.info(index).path.clone().unwrap_or_default();
        let link = self.paths.persistent.join("default.target");
        let made = create(&self.paths, &path, &link, force, &mut log);
        let bad = made.is_err();
        log.failures.extend(made.err());
        log.finish(false, bad)
    }

    /// Adds and follows what the caller named; refuses what cannot be changed. `None` after a failure in the log.
    pub(super) fn discover(&self, context: &mut Context<'_>, file: &str, how: How, log: &mut Log) -> Option<usize> {
        let Some(index) = context.add_argument(file) else {
            log.failures.push(InstallError::Errno { path: file.to_owned(), errno: errno::EINVAL });
            return None;
        };
        let index = match context.traverse(index, how) {
            Ok(index) => index,
            Err(failure) => {
                log.failures.push(failed(file, failure));
                return None;
            }
        };
        let info = context.info(index);
        let path = info.path.clone().unwrap_or_default();
        if info.kind == Kind::Masked {
            log.failures.push(InstallError::Masked(text(&path)));
            return None;
        }
        if self.paths.is_generated(&path) || self.paths.is_transient(&path) {
            log.failures.push(InstallError::Generated(text(&path)));
            return None;
        }
        Some(index)
    }

    /// Makes the links of all names in the context; whether there were any to make.
    pub(super) fn apply(
        &self,
        context: &mut Context<'_>,
        config: &Path,
        force: bool,
        how: How,
        lenient: bool,
        log: &mut Log,
    ) -> Option<bool> {
        let mut count = 0;
        let mut failed_one = false;
        while let Some(index) = context.next() {
            let index = match context.traverse(index, how) {
                Ok(_) => index,
                Err(_) if context.info(index).auxiliary => {
                    log.add(ChangeKind::AuxiliaryFailed, context.info(index).name.to_string(), "");
                    continue;
                }
                Err(failure) => {
                    let name = context.info(index).name.to_string();
                    log.failures.push(failed(&name, failure));
                    return None;
                }
            };
            match context.info(index).kind {
                Kind::Masked => {
                    let path = context.info(index).path.clone().unwrap_or_default();
                    log.add(ChangeKind::Masked, text(&path), "");
                    // Something could have been enabled: no complaint about missing install information.
                    count += 1;
                }
                // What one unit cannot have is no reason to leave the others out.
                Kind::Regular => match self.apply_one(context, index, config, force, lenient, log) {
                    Some(more) => count += more,
                    None => failed_one = true,
                },
                Kind::Unknown | Kind::Alias(_) | Kind::Linked(_) => {}
            }
        }
        (!failed_one).then_some(count > 0)
    }

    fn apply_one(
        &self,
        context: &Context<'_>,
        index: usize,
        config: &Path,
        force: bool,
        lenient: bool,
        log: &mut Log,
    ) -> Option<usize> {
        let mut made = self.link_aliases(context, index, config, force, log);
        let install = &context.info(index).install;
        // No links for UpheldBy=, as in systemd 252, which doesn't know it: a tree enabled here is the one enabled there.
        let lists = [(&install.wanted_by, "wants"), (&install.required_by, "requires")];
        for (list, suffix) in lists {
            let more = self.link_dependents(context, index, list, suffix, config, lenient, log);
            made = made.or(more);
        }
        let info = context.info(index);
        if let Some(path) = &info.path
            && !self.paths.in_search_path(path)
            && let Err(failure) = create(&self.paths, path, &config.join(info.name.as_str()), force, log)
        {
            log.failures.push(failure);
            made = made.or(Made::Failed);
        }
        match made {
            Made::Nothing => Some(0),
            Made::Links => Some(1),
            Made::Failed => None,
        }
    }

    fn link_aliases(&self, context: &Context<'_>, index: usize, config: &Path, force: bool, log: &mut Log) -> Made {
        let info = context.info(index);
        let Some(path) = &info.path else { return Made::Nothing };
        let mut made = Made::Nothing;
        for alias in &info.install.aliases {
            let alias = expand(alias, &info.name, info.install.default_instance.as_deref(), &self.host);
            let link = match verify(&alias, &info.name) {
                Alias::Own => continue,
                Alias::Link(link) => config.join(link),
                Alias::Incompatible(alias) => {
                    log.failures.push(InstallError::BadAlias { target: info.name.to_string(), alias });
                    made = Made::Failed;
                    continue;
                }
                Alias::BadReference(alias) => {
                    log.failures.push(InstallError::BadReference(alias));
                    made = Made::Failed;
                    continue;
                }
            };
            match create(&self.paths, path, &link, force, log) {
                Ok(Done::Yes | Done::Already) => made = made.or(Made::Links),
                Err(failure) => {
                    log.failures.push(failure);
                    made = Made::Failed;
                }
            }
        }
        made
    }

    #[allow(clippy::too_many_arguments, reason = "one list of one unit, with where and how to link it")]
    fn link_dependents(
        &self,
        context: &Context<'_>,
        index: usize,
        list: &[String],
        suffix: &str,
        config: &Path,
        lenient: bool,
        log: &mut Log,
    ) -> Made {
        let info = context.info(index);
        let Some(path) = &info.path else { return Made::Nothing };
        let default_instance = info.install.default_instance.as_deref();
        let (name, only_templates) = match default_instance {
            _ if !info.name.is_template() => (info.name.clone(), false),
            Some(instance) => match info.name.with_instance(instance) {
                Ok(name) => (name, false),
                Err(_) => {
                    log.failures.push(InstallError::InvalidName(instance.to_owned()));
                    return Made::Failed;
                }
            },
            // A template can only be wanted by another template, or by an instance.
            None => (info.name.clone(), true),
        };
        let mut made = Made::Nothing;
        for dependent in list {
            let dependent = expand(dependent, &info.name, default_instance, &self.host);
            let parsed = UnitName::parse(&dependent);
            match parsed {
                Ok(parsed) if !only_templates || parsed.is_template() || parsed.is_instance() => {}
                // Presets go over all units: `getty@.service` without an instance is none of their business.
                Ok(_) | Err(_) if lenient => continue,
                Ok(_) => {
                    log.failures.push(InstallError::NonTemplate(dependent));
                    made = Made::Failed;
                    continue;
                }
                Err(_) => {
                    log.failures.push(InstallError::InvalidName(dependent));
                    made = Made::Failed;
                    continue;
                }
            }
            let link = config.join(format!("{dependent}.{suffix}")).join(name.as_str());
            match create(&self.paths, path, &link, true, log) {
                Ok(Done::Yes | Done::Already) => made = made.or(Made::Links),
                Err(failure) => {
                    log.failures.push(failure);
                    made = Made::Failed;
                }
            }
            if !self.exists(&dependent) {
                log.add(ChangeKind::DestinationNotPresent, dependent, text(path));
            }
        }
        made
    }

    /// Whether a unit of this name has a file.
    fn exists(&self, name: &str) -> bool {
        let mut context = Context::new(&self.paths, &self.host);
        let Some(index) = context.add_argument(name) else { return false };
        context.is_found(index)
    }

    pub(super) fn remove(
        &self,
        marked: &mut BTreeSet<String>,
        config: &Path,
        dry_run: bool,
        log: &mut Log,
    ) -> Option<()> {
        match remove_marked(&self.paths, marked, config, dry_run, log) {
            Ok(()) => Some(()),
            Err(failure) => {
                log.failures.push(failure);
                None
            }
        }
    }
}

/// What became of one of a unit's lists. Whichever list comes first decides: an alias that was made outweighs a
/// `WantedBy=` that failed, and the other way round (as observed). Within a list a failure outweighs everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    Nothing,
    Links,
    Failed,
}

impl Made {
    fn or(self, later: Made) -> Made {
        match self {
            Made::Nothing => later,
            Made::Links | Made::Failed => self,
        }
    }
}

/// Marks the names of all units in the context, and those in their `Also=`.
pub(super) fn mark_for_removal(context: &mut Context<'_>, marked: &mut BTreeSet<String>, log: &mut Log) {
    while let Some(index) = context.next() {
        let followed = context.traverse(index, LOAD_FOLLOW);
        let info = context.info(index);
        let (name, auxiliary) = (info.name.to_string(), info.auxiliary);
        let shown = info.path.as_deref().map_or_else(|| name.clone(), text);
        match followed {
            Err(Failure::Dangling) => log.add(ChangeKind::Dangling, shown, ""),
            Err(Failure::NotFound) if auxiliary => {}
            Err(failure) => log.failures.push(failed(&shown, failure)),
            Ok(_) => match info.kind {
                Kind::Masked => {
                    log.add(ChangeKind::Masked, shown, "");
                    continue;
                }
                Kind::Regular => {}
                Kind::Unknown | Kind::Alias(_) | Kind::Linked(_) => continue,
            },
        }
        marked.insert(name);
    }
}

/// A failure of the search in the words of the bus.
pub(super) fn failed(name: &str, failure: Failure) -> InstallError {
    match failure {
        Failure::NotFound => InstallError::NotFound(name.to_owned()),
        Failure::Dangling => InstallError::Errno { path: name.to_owned(), errno: errno::ENOLINK },
        Failure::Errno(errno::EXDEV) => InstallError::BadReference(name.to_owned()),
        Failure::Errno(errno::ELOOP) => InstallError::Linked(name.to_owned()),
        Failure::Errno(errno) => InstallError::Errno { path: name.to_owned(), errno },
    }
}

fn base_name(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}
