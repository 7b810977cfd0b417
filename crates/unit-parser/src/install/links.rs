//! Making links and removing them.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::InstallPaths;
use super::change::{ChangeKind, InstallError, Log};
use super::paths::text;
use super::search::{errno, resolve};
use crate::name::UnitName;

/// Whether something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// A link was made.
    Yes,
    /// It was there already.
    Already,
}

/// What to say when the kernel refuses.
pub(super) fn refused(path: &Path, error: &io::Error) -> InstallError {
    InstallError::Errno { path: text(path), errno: error.raw_os_error().unwrap_or(5) }
}

/// Makes the link `new` to `old` (with the root; the link is made without). `force` replaces another link, never a file.
pub(super) fn create(
    paths: &InstallPaths,
    old: &Path,
    new: &Path,
    force: bool,
    log: &mut Log,
) -> Result<Done, InstallError> {
    let target = paths.inside(old).into_owned();
    if let Some(parent) = new.parent() {
        // What goes wrong here goes wrong below as well, with a better error.
        let _ = std::fs::create_dir_all(parent);
    }
    match symlink(&target, new) {
        Ok(()) => {
            log.add(ChangeKind::Symlink, text(new), text(&target));
            return Ok(Done::Yes);
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(refused(new, &error)),
    }
    let present = match std::fs::read_link(new) {
        Ok(present) => present,
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            return Err(InstallError::Exists { path: text(new) });
        }
        Err(error) => return Err(refused(new, &error)),
    };
    if equivalent(paths, new, &present, &target) {
        return Ok(Done::Already);
    }
    if !force {
        return Err(InstallError::ExistsAsLink { path: text(new), target: text(&present) });
    }
    replace(&target, new).map_err(|error| refused(new, &error))?;
    log.add(ChangeKind::Unlink, text(new), "");
    log.add(ChangeKind::Symlink, text(new), text(&target));
    Ok(Done::Yes)
}

/// Whether a link that is there leads where the new one would.
fn equivalent(paths: &InstallPaths, link: &Path, present: &Path, wanted: &Path) -> bool {
    if present == wanted {
        return true;
    }
    let Ok(target) = resolve(paths, link) else { return false };
    let wanted = paths.outside(wanted);
    target.path == wanted
        || match (std::fs::canonicalize(&target.path), std::fs::canonicalize(&wanted)) {
            (Ok(one), Ok(other)) => one == other,
            (Ok(_) | Err(_), _) => false,
        }
}

/// A new link in the place of an old one, without a moment of neither.
fn replace(target: &Path, link: &Path) -> io::Result<()> {
    let name = link.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for attempt in 0..1000_u32 {
        let temporary = link.with_file_name(format!(".#{name}.{}.{attempt}", std::process::id()));
        match symlink(target, &temporary) {
            Ok(()) => {
                return std::fs::rename(&temporary, link).inspect_err(|_| {
                    // The rename's error is the one to tell.
                    let _ = std::fs::remove_file(&temporary);
                });
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Removes every link below `config` that has a marked name, or leads to one or to a marked path; then those that lead to
/// the removed ones. `dry_run` only says which.
pub(super) fn remove_marked(
    paths: &InstallPaths,
    marked: &mut BTreeSet<String>,
    config: &Path,
    dry_run: bool,
    log: &mut Log,
) -> Result<(), InstallError> {
    if marked.is_empty() {
        return Ok(());
    }
    let mut seen = BTreeSet::new();
    let failures = log.failures.len();
    loop {
        let mut again = false;
        remove_in(paths, marked, config, config, dry_run, &mut seen, &mut again, log)?;
        if !again {
            break;
        }
    }
    // What stood in the way is told once, and first.
    let mut others: Vec<InstallError> = Vec::new();
    for failure in log.failures.drain(failures..) {
        if !others.contains(&failure) {
            others.push(failure);
        }
    }
    let mut others = others.into_iter();
    let first = others.next();
    log.failures.extend(others);
    first.map_or(Ok(()), Err)
}

#[allow(clippy::too_many_arguments, reason = "one recursive step of `remove_marked`, its state passed along")]
fn remove_in(
    paths: &InstallPaths,
    marked: &mut BTreeSet<String>,
    directory: &Path,
    config: &Path,
    dry_run: bool,
    seen: &mut BTreeSet<PathBuf>,
    again: &mut bool,
    log: &mut Log,
) -> Result<(), InstallError> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(refused(directory, &error)),
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(file_type) = entry.file_type() else { continue };
        if file_type.is_dir() {
            // Also x.service.d and the like: links to unit files can be anywhere.
            remove_in(paths, marked, &path, config, dry_run, seen, again, log)?;
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        if !file_type.is_symlink() || UnitName::parse(&name).is_err() || seen.contains(&path) {
            continue;
        }
        let template = UnitName::parse(&name).ok().and_then(|name| name.template());
        let of_template = template.is_some_and(|template| marked.contains(template.as_str()));
        let named = marked.contains(&name) || of_template;
        let leads = match resolve(paths, &path).and_then(|target| target.real) {
            Ok(_) | Err(_) if named => true,
            Ok(real) => is_marked(paths, marked, &real),
            // Nothing lies at the end of a circle; which is wrong, whatever was to be removed.
            Err(error) if error.raw_os_error() == Some(errno::ELOOP) => {
                log.failures.push(InstallError::Linked(text(&path)));
                false
            }
            Err(_) => false,
        };
        if !leads {
            continue;
        }
        if dry_run {
            seen.insert(path.clone());
        } else {
            match std::fs::remove_file(&path) {
                Ok(()) => remove_empty_parents(&path, config),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    log.failures.push(refused(&path, &error));
                    continue;
                }
            }
        }
        log.add(ChangeKind::Unlink, text(&path), "");
        *again |= marked.insert(text(&paths.inside(&path)));
    }
    Ok(())
}

fn is_marked(paths: &InstallPaths, marked: &BTreeSet<String>, path: &Path) -> bool {
    marked.contains(&text(&paths.inside(path)))
        || path.file_name().is_some_and(|name| marked.contains(name.to_string_lossy().as_ref()))
}

/// `foo.target.wants` is of no use without links; the directory itself stays.
pub(super) fn remove_empty_parents(path: &Path, config: &Path) {
    let mut parent = path.parent();
    while let Some(directory) = parent.filter(|directory| *directory != config && directory.starts_with(config)) {
        // Fails on the first one that is not empty.
        if std::fs::remove_dir(directory).is_err() {
            return;
        }
        parent = directory.parent();
    }
}
