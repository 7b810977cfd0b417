//! RuntimeDirectory=, StateDirectory=, CacheDirectory=, LogsDirectory=, ConfigurationDirectory=.

use super::report::At;
use super::{DirectoryKind, DirectorySet, Failure, Job, Step};
use nix::fcntl::AtFlags;
use nix::unistd::{Gid, Uid, fchownat};
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

/// One directory that exists now.
pub(crate) struct Directory {
    /// RUNTIME_DIRECTORY & co.
    pub(super) variable: &'static str,
    /// Absolute.
    pub(super) path: PathBuf,
}

/// Makes the missing ones and gives all to the unit's user, except configuration that was there already, which stays its owner's.
pub(super) fn create(job: &Job) -> Result<Vec<Directory>, Failure> {
    let mut made = Vec::new();
    for set in &job.directories {
        for name in &set.names {
            let path = set.path(name);
            let step = Step::Directory(set.kind);
            settle(set, name).at(step, path.display().to_string())?;
            create_one(job, set.kind, &path, name, set.mode).at(step, path.display().to_string())?;
            if set.private {
                create_link(&set.base, &format!("{PRIVATE}/{name}"), name).at(step, path.display().to_string())?;
            }
            // The link, where there is one: that is what stays when the user is no dynamic one any more.
            made.push(Directory { variable: variable(set.kind), path: set.base.join(name) });
        }
        for (name, link) in &set.links {
            let path = set.base.join(link);
            create_link(&set.base, name, link).at(Step::Directory(set.kind), path.display().to_string())?;
        }
    }
    Ok(made)
}

/// Where what belongs to dynamic users is.
const PRIVATE: &str = "private";

impl DirectorySet {
    /// Where a directory really is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        if self.private { self.base.join(PRIVATE).join(name) } else { self.base.join(name) }
    }
}

/// A unit that has a dynamic user now, or no longer: what it has moves to where it belongs.
fn settle(set: &DirectorySet, name: &str) -> io::Result<()> {
    let (open, hidden) = (set.base.join(name), set.base.join(PRIVATE).join(name));
    let missing = |result: io::Result<fs::Metadata>| result.is_err_and(|e| e.kind() == io::ErrorKind::NotFound);
    if set.private {
        match DirBuilder::new().mode(0o700).create(set.base.join(PRIVATE)) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            Ok(()) | Err(_) => {}
        }
        if fs::symlink_metadata(&open).is_ok_and(|metadata| metadata.is_dir()) && missing(fs::symlink_metadata(&hidden))
        {
            if let Some(parent) = hidden.parent() {
                DirBuilder::new().recursive(true).mode(0o755).create(parent)?;
            }
            fs::rename(&open, &hidden)?;
        }
    } else if set.kind != DirectoryKind::Configuration
        && fs::read_link(&open).is_ok_and(|target| target.ends_with(Path::new(PRIVATE).join(name)))
        && fs::symlink_metadata(&hidden).is_ok_and(|metadata| metadata.is_dir())
    {
        fs::remove_file(&open)?;
        fs::rename(&hidden, &open)?;
    }
    Ok(())
}

fn variable(kind: DirectoryKind) -> &'static str {
    match kind {
        DirectoryKind::Runtime => "RUNTIME_DIRECTORY",
        DirectoryKind::State => "STATE_DIRECTORY",
        DirectoryKind::Cache => "CACHE_DIRECTORY",
        DirectoryKind::Logs => "LOGS_DIRECTORY",
        DirectoryKind::Configuration => "CONFIGURATION_DIRECTORY",
    }
}

fn create_one(job: &Job, kind: DirectoryKind, path: &Path, name: &str, mode: u32) -> io::Result<()> {
    let plain = Path::new(name).components().all(|c| matches!(c, Component::Normal(_)));
    if !plain || name.is_empty() {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(parent)?;
    }
    let made = match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => true,
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => false,
        Err(e) => return Err(e),
    };
    if kind == DirectoryKind::Configuration && !made {
        return Ok(()); // it may have any owner and mode
    }
    if made || fs::metadata(path)?.mode() & 0o7777 != mode {
        fs::set_permissions(path, Permissions::from_mode(mode))?;
    }
    // What nobody is named for is root's, whoever had it before; others than root can only keep what they have.
    let ours = Uid::effective().is_root().then_some(0);
    let (uid, gid) = job.user.as_ref().map_or((None, None), |user| (user.uid, user.gid));
    give(path, uid.or(ours), gid.or(ours))
}

/// A relative link, so that it holds below another root as well. One that is there already is fine; nothing is replaced.
fn create_link(base: &Path, name: &str, link: &str) -> io::Result<()> {
    let plain =
        |text: &str| !text.is_empty() && Path::new(text).components().all(|c| matches!(c, Component::Normal(_)));
    if !plain(name) || !plain(link) {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let path = base.join(link);
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(parent)?;
    }
    let up: PathBuf = Path::new(link).components().skip(1).map(|_| "..").collect();
    let target = up.join(name);
    match std::os::unix::fs::symlink(&target, &path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && fs::read_link(&path).is_ok_and(|old| old == target) => {
            Ok(())
        }
        other => other,
    }
}

/// Changes the owner of a tree, unless its top has the right one already. Symbolic links are never followed.
fn give(path: &Path, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
    let now = fs::metadata(path)?;
    if uid.is_none_or(|uid| uid == now.uid()) && gid.is_none_or(|gid| gid == now.gid()) {
        return Ok(());
    }
    let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
    let top = fs::canonicalize(path)?;
    let mut queue = vec![top];
    while let Some(path) = queue.pop() {
        if fs::symlink_metadata(&path)?.is_dir() {
            for entry in fs::read_dir(&path)? {
                queue.push(entry?.path());
            }
        }
        fchownat(nix::fcntl::AT_FDCWD, &path, uid, gid, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    }
    Ok(())
}
