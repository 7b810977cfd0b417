//! Mounting of the file systems that a machine or container cannot do without.

use nix::mount::{MsFlags, mount};
use std::fs;
use std::io;
use std::path::Path;

/// One API file system.
struct Api {
    source: &'static str,
    target: &'static str,
    kind: &'static str,
    flags: MsFlags,
    options: &'static str,
}

const NOSUID_NOEXEC_NODEV: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NOEXEC).union(MsFlags::MS_NODEV);

const TABLE: [Api; 7] = [
    Api { source: "proc", target: "/proc", kind: "proc", flags: NOSUID_NOEXEC_NODEV, options: "" },
    Api { source: "sysfs", target: "/sys", kind: "sysfs", flags: NOSUID_NOEXEC_NODEV, options: "" },
    Api { source: "devtmpfs", target: "/dev", kind: "devtmpfs", flags: MsFlags::MS_NOSUID, options: "mode=0755" },
    Api {
        source: "devpts",
        target: "/dev/pts",
        kind: "devpts",
        flags: MsFlags::MS_NOSUID.union(MsFlags::MS_NOEXEC),
        options: "mode=0620,gid=5",
    },
    Api {
        source: "tmpfs",
        target: "/dev/shm",
        kind: "tmpfs",
        flags: MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV),
        options: "mode=1777",
    },
    Api {
        source: "tmpfs",
        target: "/run",
        kind: "tmpfs",
        flags: MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV),
        options: "mode=0755",
    },
    Api { source: "cgroup2", target: "/sys/fs/cgroup", kind: "cgroup2", flags: NOSUID_NOEXEC_NODEV, options: "" },
];

/// What [`api_file_systems`] did about one mount point.
#[derive(Debug)]
pub struct Attempt {
    /// Mount point.
    pub target: &'static str,
    /// Failure says why, for a log line.
    pub result: io::Result<()>,
}

/// Mounts /proc, /sys, /dev, /dev/pts, /dev/shm, /run and /sys/fs/cgroup where nothing is mounted yet, and returns what was tried.
/// `/run` and `/dev` of a container count as present when they are no mount points but hold something.
pub fn api_file_systems() -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for api in &TABLE {
        if present(Path::new(api.target)) {
            continue;
        }
        let result = fs::create_dir_all(api.target).and_then(|()| {
            let options = (!api.options.is_empty()).then_some(api.options);
            Ok(mount(Some(api.source), api.target, Some(api.kind), api.flags, options)?)
        });
        attempts.push(Attempt { target: api.target, result });
    }
    attempts
}

/// A mount point, or a directory with content.
fn present(path: &Path) -> bool {
    is_mount_point(path) || fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some())
}

/// Whether something is mounted exactly here (device number differs from the parent's). A bind mount of the same file
/// system is not seen.
pub fn is_mount_point(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let parent = path.parent().unwrap_or(Path::new("/"));
    match (fs::metadata(path), fs::metadata(parent)) {
        (Ok(here), Ok(above)) => here.dev() != above.dev() || here.ino() == above.ino(),
        _ => false,
    }
}
