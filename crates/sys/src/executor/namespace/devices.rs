//! PrivateDevices=: a /dev without hardware.

use super::apply::{bind, tmpfs_with, unmount_all};
use nix::mount::{MsFlags, mount};
use nix::sys::stat::{Mode, SFlag, mknod, umask};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, symlink};
use std::path::Path;

const NODES: [&str; 7] = ["null", "zero", "full", "random", "urandom", "tty", "ptmx"];
const TREES: [&str; 4] = ["pts", "shm", "mqueue", "hugepages"];
const LINKS: [(&str, &str); 4] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];
/// Where journald listens for syslog(3).
const LOG: &str = "/run/systemd/journal/dev-log";

/// Builds the new tree aside, then puts it in the place of `dev`: what was mounted there is not to be found below it.
pub(super) fn mount_private(dev: &Path) -> io::Result<()> {
    let stage = nix::unistd::mkdtemp("/tmp/namespace-dev-XXXXXX")?;
    // Modes are those of the host, whatever UMask= says.
    let mask = umask(Mode::empty());
    let result = build(&stage).and_then(|()| {
        unmount_all(dev)?;
        Ok(mount(Some(&stage), dev, None::<&str>, MsFlags::MS_MOVE, None::<&str>)?)
    });
    umask(mask);
    // Moved away, the mount leaves an empty directory; after a failure it goes with the namespace.
    let _ = fs::remove_dir(&stage);
    result
}

fn build(stage: &Path) -> io::Result<()> {
    tmpfs_with(stage, MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC, "mode=0755,size=4m,nr_inodes=64k")?;
    DirBuilder::new().mode(0o755).create(stage.join("char"))?;
    for name in TREES {
        let (host, own) = (Path::new("/dev").join(name), stage.join(name));
        DirBuilder::new().mode(0o755).create(&own)?;
        if host.is_dir() {
            bind(&host, &own, false)?;
        }
    }
    for name in NODES {
        node(name, stage)?;
    }
    for (name, target) in LINKS {
        symlink(target, stage.join(name))?;
    }
    let log = fs::read_link("/dev/log").unwrap_or_else(|_| LOG.into());
    symlink(log, stage.join("log"))
}

/// A node like the host's, with its link by number; what is a link there (ptmx) is one here.
fn node(name: &str, stage: &Path) -> io::Result<()> {
    let (host, own) = (Path::new("/dev").join(name), stage.join(name));
    let found = match fs::symlink_metadata(&host) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if found.file_type().is_symlink() {
        return symlink(fs::read_link(&host)?, own);
    }
    if !found.file_type().is_char_device() {
        return Ok(());
    }
    let number = found.rdev();
    match mknod(&own, SFlag::S_IFCHR, Mode::from_bits_truncate(found.mode() & 0o7777), number) {
        // Containers may have devices and not the right to make them.
        Err(nix::Error::EPERM) => {
            File::create(&own)?;
            bind(&host, &own, false)?;
        }
        made => made?,
    }
    let by_number = format!("{}:{}", nix::sys::stat::major(number), nix::sys::stat::minor(number));
    symlink(Path::new("..").join(name), stage.join("char").join(by_number))
}
