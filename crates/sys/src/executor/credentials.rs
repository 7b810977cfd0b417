//! LoadCredential=, SetCredential=: a read-only directory of the unit's own with one file per credential.
//!
//! As root they are on a file system of their own in memory that is never swapped out, made complete before anybody can see
//! it; without the right to mount, in a plain directory. All processes of a run share the first one's.

use super::identity::new_uid;
use super::report::At;
use super::{Credentials, Failure, Job, Step};
use crate::mount::is_mount_point;
use nix::mount::{MntFlags, umount2};
use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// All credentials of a unit together, in bytes (systemd.exec(5)).
const TOTAL: usize = 1 << 20;

/// Where credentials that are named without a path are looked for, after the manager's own.
const STORES: [&str; 4] = ["/etc/credstore", "/run/credstore", "/usr/local/lib/credstore", "/usr/lib/credstore"];

/// Names and contents, in the order of their names.
type Contents = BTreeMap<String, Vec<u8>>;

/// Makes the directory, unless an earlier process of this run has.
pub(super) fn set_up(job: &Job) -> Result<(), Failure> {
    let Some(wanted) = &job.credentials else { return Ok(()) };
    let directory = &wanted.directory;
    if is_complete(directory) {
        return Ok(());
    }
    let contents = collect(wanted)?;
    let parent = directory.parent().unwrap_or(Path::new("/"));
    DirBuilder::new().recursive(true).mode(0o755).create(parent).at(Step::Credentials, parent.display().to_string())?;
    let result = mounted(job, directory, &contents).or_else(|_| plain(job, directory, &contents));
    result.at(Step::Credentials, directory.display().to_string())
}

/// Unmounts and removes what [`set_up`] made. A missing one is fine.
///
/// # Errors
/// The kernel's.
pub fn remove(directory: &Path) -> io::Result<()> {
    // Two first processes at the same moment leave two mounts, one upon the other.
    while is_mount_point(directory) {
        umount2(directory, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW)?;
    }
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A mount point is put there complete, and so is a plain directory, which is never empty.
fn is_complete(directory: &Path) -> bool {
    is_mount_point(directory) || fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some())
}

fn collect(wanted: &Credentials) -> Result<Contents, Failure> {
    let mut contents = Contents::new();
    for (id, source) in &wanted.load {
        let found = load(wanted, id, source).at(Step::Credentials, format!("{id}:{source}"))?;
        if found.is_empty() && source.starts_with('/') && !wanted.set.iter().any(|(other, _)| other == id) {
            return Err(io::Error::from_raw_os_error(libc::ENOENT)).at(Step::Credentials, format!("{id}:{source}"));
        }
        for (name, content) in found {
            // The first wins, as in systemd.
            contents.entry(name).or_insert(content);
        }
    }
    for (id, content) in &wanted.set {
        contents.entry(id.clone()).or_insert_with(|| content.clone());
    }
    let size: usize = contents.iter().map(|(name, content)| name.len() + content.len()).sum();
    if size > TOTAL {
        return Err(io::Error::from_raw_os_error(libc::E2BIG)).at(Step::Credentials, format!("{size} bytes"));
    }
    Ok(contents)
}

/// What is at a source: one credential, or for a directory one per file below it. Nothing when it is missing.
fn load(wanted: &Credentials, id: &str, source: &str) -> io::Result<Vec<(String, Vec<u8>)>> {
    let places: Vec<PathBuf> = if source.starts_with('/') {
        vec![source.into()]
    } else {
        wanted.inherited.iter().cloned().chain(STORES.map(PathBuf::from)).map(|store| store.join(source)).collect()
    };
    let mut found = Vec::new();
    for place in places {
        match fs::metadata(&place) {
            Ok(metadata) if metadata.is_dir() => tree(id, &place, &mut found)?,
            Ok(_) => found.push((id.to_owned(), read(wanted, id, &place)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        }
        break;
    }
    Ok(found)
}

/// `LoadCredential=ID:DIRECTORY`: the path below the directory, with `_` for each slash, comes after `ID_`.
fn tree(id: &str, directory: &Path, found: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let file_name = entry.file_name();
        // A name that no credential can have.
        let Some(name) = file_name.to_str().filter(|name| !name.contains(':')) else { continue };
        let name = format!("{id}_{name}");
        let metadata = fs::metadata(entry.path())?;
        if metadata.is_dir() {
            tree(&name, &entry.path(), found)?;
        } else if metadata.is_file() {
            found.push((name, limited(File::open(entry.path())?)?));
        }
    }
    Ok(())
}

/// A file, or a socket that is connected to and read to its end, and that sees by the peer's address who asks for what.
fn read(wanted: &Credentials, id: &str, path: &Path) -> io::Result<Vec<u8>> {
    match OpenOptions::new().read(true).custom_flags(libc::O_NOCTTY).open(path) {
        Err(error) if error.raw_os_error() == Some(libc::ENXIO) => limited(connect(wanted, id, path)?),
        result => limited(result?),
    }
}

fn connect(wanted: &Credentials, id: &str, path: &Path) -> io::Result<UnixStream> {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, bind, connect, socket};
    let fd = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    let name = format!("{:016x}/unit/{}/{id}", crate::random::number()?, wanted.unit);
    bind(fd.as_raw_fd(), &UnixAddr::new_abstract(name.as_bytes())?)?;
    connect(fd.as_raw_fd(), &UnixAddr::new(path)?)?;
    Ok(UnixStream::from(fd))
}

fn limited(source: impl Read) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    source.take(TOTAL as u64 + 1).read_to_end(&mut content)?;
    if content.len() > TOTAL {
        return Err(io::Error::from_raw_os_error(libc::E2BIG));
    }
    Ok(content)
}

/// Files at `top` that only the unit's user may read.
fn fill(job: &Job, top: &Path, contents: &Contents) -> io::Result<()> {
    let uid = new_uid(job).filter(|_| nix::unistd::geteuid().is_root());
    for (name, content) in contents {
        let path = top.join(name);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o400).open(&path)?;
        file.write_all(content)?;
        nix::unistd::fchown(&file, uid, None)?;
    }
    nix::unistd::chown(top, uid, None)?;
    fs::set_permissions(top, Permissions::from_mode(0o500))
}

/// A file system that nobody sees until it is complete and in place.
fn mounted(job: &Job, directory: &Path, contents: &Contents) -> io::Result<()> {
    let mount = detached("ramfs").or_else(|_| detached("tmpfs"))?;
    fill(job, &PathBuf::from(format!("/proc/self/fd/{}/.", mount.as_raw_fd())), contents)?;
    let attr = MountAttr { set: READ_ONLY | NOSUID | NODEV | NOEXEC | NOSYMFOLLOW, ..MountAttr::default() };
    // SAFETY: an empty path and a struct of the size given, both only read.
    crate::pidfd::cvt(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &attr,
            size_of::<MountAttr>(),
        )
    })?;
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let target = CString::new(directory.as_os_str().as_bytes())?;
    // SAFETY: two paths, only read.
    crate::pidfd::cvt(unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            target.as_ptr(),
            MOVE_MOUNT_F_EMPTY_PATH,
        )
    })
    .map(drop)
}

/// fsopen(2) to fsmount(2), Linux 5.2.
fn detached(kind: &str) -> io::Result<OwnedFd> {
    let kind = CString::new(kind)?;
    let owned = |r: i64| {
        // SAFETY: a descriptor that the kernel has just made, and that nobody else owns.
        crate::pidfd::cvt(r).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
    };
    // SAFETY: a string and a flag.
    let context = owned(unsafe { libc::syscall(libc::SYS_fsopen, kind.as_ptr(), FSOPEN_CLOEXEC) })?;
    let null = std::ptr::null::<libc::c_char>();
    // SAFETY: without key and value.
    let made = unsafe { libc::syscall(libc::SYS_fsconfig, context.as_raw_fd(), FSCONFIG_CMD_CREATE, null, null, 0) };
    crate::pidfd::cvt(made)?;
    // SAFETY: integers only.
    owned(unsafe { libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), FSMOUNT_CLOEXEC, 0) })
}

/// Built aside and renamed, so that it is never seen half full.
fn plain(job: &Job, directory: &Path, contents: &Contents) -> io::Result<()> {
    let parent = directory.parent().unwrap_or(Path::new("/"));
    let stage = parent.join(format!(".{}.{}", wanted_name(directory), std::process::id()));
    DirBuilder::new().mode(0o700).create(&stage)?;
    let result = fill(job, &stage, contents).and_then(|()| match fs::rename(&stage, directory) {
        // Another process of this run was faster.
        Err(_) if is_complete(directory) => fs::remove_dir_all(&stage),
        result => result,
    });
    if result.is_err() {
        let _ = fs::remove_dir_all(&stage);
    }
    result
}

fn wanted_name(directory: &Path) -> String {
    directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
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

const READ_ONLY: u64 = 0x1;
const NOSUID: u64 = 0x2;
const NODEV: u64 = 0x4;
const NOEXEC: u64 = 0x8;
const NOSYMFOLLOW: u64 = 0x0020_0000;
const FSOPEN_CLOEXEC: libc::c_uint = 1;
const FSMOUNT_CLOEXEC: libc::c_uint = 1;
const FSCONFIG_CMD_CREATE: libc::c_uint = 6;
const MOVE_MOUNT_F_EMPTY_PATH: libc::c_uint = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_trees_and_fallbacks() {
        let top = std::env::temp_dir().join(format!("executor-credentials-{}", std::process::id()));
        fs::create_dir_all(top.join("tree/below")).unwrap();
        fs::write(top.join("file"), "one").unwrap();
        fs::write(top.join("tree/a"), "two").unwrap();
        fs::write(top.join("tree/below/b"), "three").unwrap();
        let path = |name: &str| top.join(name).to_str().unwrap().to_owned();
        let wanted = Credentials {
            load: vec![
                ("x".into(), path("file")),
                ("x".into(), path("tree/a")),
                ("t".into(), path("tree")),
                ("gone".into(), path("nowhere")),
                ("never".into(), "no-such-credential".into()),
            ],
            set: vec![("gone".into(), b"default".to_vec()), ("x".into(), b"default".to_vec())],
            ..Credentials::default()
        };
        let contents = collect(&wanted).unwrap();
        let seen: Vec<(&str, &[u8])> = contents.iter().map(|(n, c)| (n.as_str(), c.as_slice())).collect();
        let expected: [(&str, &[u8]); 4] =
            [("gone", b"default"), ("t_a", b"two"), ("t_below_b", b"three"), ("x", b"one")];
        assert_eq!(seen, expected);
        let without = Credentials { set: Vec::new(), ..wanted };
        assert_eq!(collect(&without).unwrap_err().step, Step::Credentials);
        fs::remove_dir_all(top).unwrap();
    }
}
