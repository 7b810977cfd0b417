//! PrivateDevices=: a /dev without hardware.

use super::apply::{bind, tmpfs};
use nix::mount::{MsFlags, mount};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

const NODES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
const TREES: [&str; 4] = ["pts", "shm", "mqueue", "hugepages"];
const LINKS: [(&str, &str); 6] = [
    ("ptmx", "pts/ptmx"),
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("core", "/proc/kcore"),
];

/// Builds the new tree aside, then moves it over `dev`.
pub(super) fn mount_private(dev: &Path) -> io::Result<()> {
    let stage = nix::unistd::mkdtemp("/tmp/namespace-dev-XXXXXX")?;
    let result = build(&stage, dev);
    // Moved away, the mount leaves an empty directory; after a failure it goes with the namespace.
    let _ = fs::remove_dir(&stage);
    result
}

fn build(stage: &Path, dev: &Path) -> io::Result<()> {
    tmpfs(stage, "mode=0755")?;
    for name in NODES {
        let host = Path::new("/dev").join(name);
        if host.exists() {
            File::create(stage.join(name))?;
            bind(&host, &stage.join(name), false)?;
        }
    }
    for name in TREES {
        let host = Path::new("/dev").join(name);
        if host.is_dir() {
            fs::create_dir(stage.join(name))?;
            bind(&host, &stage.join(name), true)?;
        }
    }
    for (name, target) in LINKS {
        symlink(target, stage.join(name))?;
    }
    if let Ok(target) = fs::read_link("/dev/log") {
        symlink(target, stage.join("log"))?;
    }
    Ok(mount(Some(stage), dev, None::<&str>, MsFlags::MS_MOVE, None::<&str>)?)
}
