//! Carrying out the plan: first all mounts, parents before children, then everything that must be read-only.

use super::devices;
use super::plan::{Action, Entry, executable, order, read_only};
use crate::executor::report::At;
use crate::executor::{Failure, Step};
use nix::mount::{MsFlags, mount};
use nix::sys::stat::{Mode, SFlag, mknod};
use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A row with its real path, and the source held open: an earlier mount may hide it (ProtectHome=tmpfs with BindPaths=).
struct Ready {
    entry: Entry,
    source: Option<File>,
}

pub(super) fn apply(plan: &[Entry], root: Option<&Path>, propagation: u64) -> Result<(), Failure> {
    // Mounts made here must not reach the host; what the host mounts later does reach us (MountFlags=slave).
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_SLAVE, None::<&str>)
        .at(Step::Namespace, "/")?;
    if let Some(root) = root {
        bind(root, root, true).at(Step::Namespace, root.display().to_string())?;
    }
    let mut entries = Vec::new();
    for entry in plan {
        entries.extend(resolve(entry, root).at(Step::Namespace, entry.path.display().to_string())?);
    }
    let entries = order(entries);
    let mut ready = Vec::new();
    for entry in &entries {
        ready.extend(open_source(entry).at(Step::Namespace, entry.path.display().to_string())?);
    }
    for row in &ready {
        let path = &row.entry.path;
        match mount_one(row) {
            Err(e) if e.kind() == io::ErrorKind::NotFound && row.entry.optional => {}
            result => result.at(Step::Namespace, path.display().to_string())?,
        }
    }
    let done: Vec<Entry> = ready.into_iter().map(|row| row.entry).collect();
    for point in mount_points().at(Step::Namespace, "/proc/self/mountinfo")? {
        let read_only = if read_only(&done, &point) == Some(true) { MOUNT_ATTR_RDONLY } else { 0 };
        let (set, clear) = match executable(&done, &point) {
            Some(true) => (read_only, MOUNT_ATTR_NOEXEC),
            Some(false) => (read_only | MOUNT_ATTR_NOEXEC, 0),
            None => (read_only, 0),
        };
        if set | clear != 0 {
            match set_attributes(&point, set, clear) {
                // Hidden below another mount, so out of reach anyway.
                Err(e) if matches!(e.raw_os_error(), Some(libc::EINVAL | libc::ENOENT | libc::EACCES)) => {}
                result => result.at(Step::Namespace, point.display().to_string())?,
            }
        }
    }
    // What is mounted by the processes goes on to namespaces that they make, unless it is not to; never to the host.
    let flag = match propagation {
        0 => MsFlags::MS_SHARED,
        flags => MsFlags::from_bits_retain(flags),
    };
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | flag, None::<&str>).at(Step::Namespace, "/")
}

/// Symbolic links resolved, below the root directory; `None` for a missing optional path. Targets of mounts may be missing:
/// they are made.
fn resolve(entry: &Entry, root: Option<&Path>) -> io::Result<Option<Entry>> {
    let below = |path: &Path| match root {
        Some(root) => root.join(path.strip_prefix("/").unwrap_or(path)),
        None => path.to_owned(),
    };
    let path = below(&entry.path);
    let makes_target = match entry.action {
        Action::Bind { .. } => true, // `-` is about the source there
        Action::Tmpfs { .. } => !entry.optional,
        _ => false,
    };
    match fs::canonicalize(&path) {
        Ok(path) => Ok(Some(Entry { path, ..entry.clone() })),
        Err(e) if e.kind() == io::ErrorKind::NotFound && makes_target => Ok(Some(Entry { path, ..entry.clone() })),
        Err(e) if e.kind() == io::ErrorKind::NotFound && entry.optional => Ok(None),
        Err(e) => Err(e),
    }
}

fn open_source(entry: &Entry) -> io::Result<Option<Ready>> {
    let path = match &entry.action {
        Action::Bind { source, .. } => source.clone(),
        Action::PrivateTmp { top } => private_tmp(top)?,
        Action::Inaccessible
        | Action::Tmpfs { .. }
        | Action::Devices
        | Action::MessageQueues
        | Action::Proc { .. }
        | Action::ReadOnly
        | Action::ReadWrite
        | Action::Executable(_) => {
            return Ok(Some(Ready { entry: entry.clone(), source: None }));
        }
    };
    match OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(path) {
        Ok(file) => Ok(Some(Ready { entry: entry.clone(), source: Some(file) })),
        Err(e) if e.kind() == io::ErrorKind::NotFound && entry.optional => Ok(None),
        Err(e) => Err(e),
    }
}

/// `TOP/tmp`, 1777 in a directory that only root can enter.
fn private_tmp(top: &Path) -> io::Result<PathBuf> {
    let inner = top.join("tmp");
    DirBuilder::new().recursive(true).mode(0o700).create(top)?;
    match DirBuilder::new().create(&inner) {
        Ok(()) => fs::set_permissions(&inner, fs::Permissions::from_mode(0o1777))?,
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        Err(e) => return Err(e),
    }
    Ok(inner)
}

fn mount_one(row: &Ready) -> io::Result<()> {
    let path = &row.entry.path;
    match &row.entry.action {
        Action::ReadOnly | Action::ReadWrite | Action::Executable(_) if path == Path::new("/") => own_root(),
        // A mount can be changed as it is.
        Action::ReadOnly | Action::ReadWrite | Action::Executable(_) if mount_points()?.contains(path) => Ok(()),
        Action::ReadOnly | Action::ReadWrite | Action::Executable(_) => bind(path, path, true),
        Action::Inaccessible if path.is_dir() => tmpfs(path, "mode=000,nr_inodes=1"),
        Action::Inaccessible => hide_file(path),
        Action::Tmpfs { options, .. } => {
            fs::create_dir_all(path)?;
            let (flags, options) = tmpfs_options(options);
            tmpfs_with(path, flags, &options)
        }
        Action::Devices => devices::mount_private(path),
        Action::MessageQueues => message_queues(path),
        Action::Proc { options } => own_proc(path, options),
        Action::Bind { recursive, .. } => bind_source(row, *recursive),
        Action::PrivateTmp { .. } => bind_source(row, false),
    }
}

/// The root directory is a mount already, but for a manager in a chroot. A mount over it would leave what it should protect
/// in reach: the process' root would stay the lower one, and `/..` lead to the upper.
fn own_root() -> io::Result<()> {
    if mount_points()?.contains(Path::new("/")) {
        return Ok(());
    }
    bind(Path::new("/"), Path::new("/"), true)?;
    nix::unistd::chroot("/..")?;
    Ok(nix::unistd::chdir("/")?)
}

/// Something of the same kind that nobody may open over a file or device: a file system of its own, of which nothing else
/// can be seen.
fn hide_file(path: &Path) -> io::Result<()> {
    let kind = fs::metadata(path)?.file_type();
    let stage = nix::unistd::mkdtemp("/tmp/namespace-file-XXXXXX")?;
    let hide = || {
        tmpfs_with(&stage, MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC, "mode=000,nr_inodes=2,size=4096")?;
        let file = stage.join("file");
        let bound = inaccessible(&file, kind).and_then(|()| bind(&file, path, false));
        nix::mount::umount2(&stage, nix::mount::MntFlags::MNT_DETACH)?;
        bound
    };
    let result = hide();
    let _ = fs::remove_dir(&stage);
    result
}

/// A node that can't be opened; a plain file where no such node may be made (devices, in a container).
fn inaccessible(path: &Path, kind: fs::FileType) -> io::Result<()> {
    let flag = match kind {
        kind if kind.is_char_device() => SFlag::S_IFCHR,
        kind if kind.is_block_device() => SFlag::S_IFBLK,
        kind if kind.is_fifo() => SFlag::S_IFIFO,
        kind if kind.is_socket() => SFlag::S_IFSOCK,
        _ => SFlag::S_IFREG,
    };
    match mknod(path, flag, Mode::empty(), 0) {
        Err(nix::Error::EPERM) => Ok(mknod(path, SFlag::S_IFREG, Mode::empty(), 0)?),
        result => Ok(result?),
    }
}

/// The file system of the message queues, in the place of the other namespace's.
fn message_queues(path: &Path) -> io::Result<()> {
    unmount_all(path)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC | MsFlags::MS_NODEV | MsFlags::MS_RELATIME;
    Ok(mount(Some("mqueue"), path, Some("mqueue"), flags, None::<&str>)?)
}

/// A second instance of the same processes, in the place of the first. Without the right to mount one (in a container), the
/// old one stays, as in systemd; so do the processes in sight where the kernel doesn't know the options (before Linux 5.8).
fn own_proc(path: &Path, options: &str) -> io::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC | MsFlags::MS_NODEV;
    let unmounted = unmount_all(path)?;
    let new = |options| mount(Some("proc"), path, Some("proc"), flags, options);
    match new(Some(options)) {
        Err(nix::Error::EPERM) if !unmounted => Ok(()),
        Err(nix::Error::EINVAL) => Ok(new(None)?),
        result => Ok(result?),
    }
}

/// Takes away what is mounted at a path and below, the last first; whether there was anything. Mounts that a more privileged
/// namespace has locked stay.
pub(super) fn unmount_all(path: &Path) -> io::Result<bool> {
    let text = fs::read_to_string("/proc/self/mountinfo")?;
    let points: Vec<PathBuf> = text.lines().filter_map(|line| line.split(' ').nth(4)).map(unescape).collect();
    let below = points.iter().rev().filter(|point| point.starts_with(path));
    let gone = below.filter(|point| nix::mount::umount2(*point, nix::mount::MntFlags::MNT_DETACH).is_ok()).count();
    Ok(gone > 0)
}

fn bind_source(row: &Ready, recursive: bool) -> io::Result<()> {
    let Some(source) = &row.source else { return Ok(()) };
    let path = &row.entry.path;
    if !path.exists() {
        match (source.metadata()?.is_dir(), path.parent()) {
            (true, _) => fs::create_dir_all(path)?,
            (false, Some(parent)) => {
                fs::create_dir_all(parent)?;
                File::create(path)?;
            }
            (false, None) => {}
        }
    }
    bind(Path::new(&format!("/proc/self/fd/{}", source.as_raw_fd())), path, recursive)
}

pub(super) fn bind(source: &Path, target: &Path, recursive: bool) -> io::Result<()> {
    let flags = if recursive { MsFlags::MS_BIND | MsFlags::MS_REC } else { MsFlags::MS_BIND };
    Ok(mount(Some(source), target, None::<&str>, flags, None::<&str>)?)
}

/// Flags and options of `TemporaryFileSystem=`: those that are none of the file system's are flags. Whether it is read-only
/// is decided later, when everything is in it.
fn tmpfs_options(given: &str) -> (MsFlags, String) {
    let mut flags = MsFlags::MS_NODEV | MsFlags::MS_STRICTATIME;
    let mut options = "mode=0755,size=10%,nr_inodes=400k".to_owned();
    for word in given.split(',') {
        match word {
            "" | "ro" | "rw" | "defaults" => {}
            "nosuid" => flags |= MsFlags::MS_NOSUID,
            "suid" => flags -= MsFlags::MS_NOSUID,
            "nodev" => flags |= MsFlags::MS_NODEV,
            "dev" => flags -= MsFlags::MS_NODEV,
            "noexec" => flags |= MsFlags::MS_NOEXEC,
            "exec" => flags -= MsFlags::MS_NOEXEC,
            "noatime" => flags = (flags - MsFlags::MS_STRICTATIME) | MsFlags::MS_NOATIME,
            "relatime" => flags = (flags - MsFlags::MS_STRICTATIME) | MsFlags::MS_RELATIME,
            "nodiratime" => flags |= MsFlags::MS_NODIRATIME,
            "sync" => flags |= MsFlags::MS_SYNCHRONOUS,
            option => {
                options.push(',');
                options.push_str(option);
            }
        }
    }
    (flags, options)
}

fn tmpfs(target: &Path, options: &str) -> io::Result<()> {
    tmpfs_with(target, MsFlags::MS_NOSUID | MsFlags::MS_NODEV, options)
}

pub(super) fn tmpfs_with(target: &Path, flags: MsFlags, options: &str) -> io::Result<()> {
    Ok(mount(Some("tmpfs"), target, Some("tmpfs"), flags, Some(options))?)
}

/// All mount points that can be reached now.
fn mount_points() -> io::Result<BTreeSet<PathBuf>> {
    let text = fs::read_to_string("/proc/self/mountinfo")?;
    Ok(text.lines().filter_map(|line| line.split(' ').nth(4)).map(unescape).collect())
}

/// mountinfo writes space, tab, newline and backslash as three octal digits.
fn unescape(field: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let octal = tail.get(..3).and_then(|d| std::str::from_utf8(d).ok()).and_then(|d| u8::from_str_radix(d, 8).ok());
        match octal.filter(|_| *first == b'\\') {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    PathBuf::from(std::ffi::OsStr::from_bytes(&bytes))
}

/// `struct mount_attr` of linux/mount.h.
#[repr(C)]
#[derive(Default)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns_fd: u64,
}

const MOUNT_ATTR_RDONLY: u64 = 1;
const MOUNT_ATTR_NOEXEC: u64 = 8;

/// mount_setattr(2), Linux 5.12: other flags of the mount stay.
fn set_attributes(path: &Path, set: u64, clear: u64) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let attr = MountAttr { set, clear, ..MountAttr::default() };
    // SAFETY: a path and a struct of the size given, both only read.
    let r = unsafe {
        libc::syscall(libc::SYS_mount_setattr, libc::AT_FDCWD, path.as_ptr(), 0, &attr, size_of::<MountAttr>())
    };
    crate::pidfd::cvt(r).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        let table = [("/a\\040b", "/a b"), ("/a\\134", "/a\\"), ("/plain", "/plain"), ("/x\\9", "/x\\9")];
        for (field, path) in table {
            assert_eq!(unescape(field), PathBuf::from(path));
        }
    }
}
