//! Finding a cgroup2 subtree that we may use.

use super::CgroupRoot;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why no cgroups can be used.
#[derive(Debug, Error)]
pub enum Unavailable {
    /// cgroup2 is mounted nowhere in this mount namespace.
    #[error("cgroup2 is not mounted")]
    NotMounted,
    /// The subtree does not let us make cgroups and move ourselves.
    #[error("{path} is not writable: {error}")]
    NotWritable {
        /// Our own cgroup.
        path: PathBuf,
        /// What the kernel said.
        error: io::Error,
    },
    /// /proc is missing or unreadable.
    #[error("cannot tell our own cgroup: {0}")]
    Unknown(io::Error),
}

impl CgroupRoot {
    /// The cgroup of this process, if cgroups can be made in it. A last component of `init.scope` is the place of a manager
    /// (ours, moved there before): then its parent is the root.
    pub fn detect() -> Result<Self, Unavailable> {
        let mountinfo = fs::read_to_string("/proc/self/mountinfo").map_err(Unavailable::Unknown)?;
        let mount = mount_point(&mountinfo).ok_or(Unavailable::NotMounted)?;
        let own = crate::process::cgroup(std::process::id() as i32).map_err(Unavailable::Unknown)?;
        let own = own.strip_suffix("/init.scope").unwrap_or(&own);
        let path = match own.trim_start_matches('/') {
            "" => mount.clone(), // joining "" would add a slash
            below => mount.join(below),
        };
        let root = Self { mount, path };
        match root.probe() {
            Ok(()) => Ok(root),
            Err(error) => Err(Unavailable::NotWritable { path: root.path, error }),
        }
    }

    /// A directory that somebody else chose (QUINTET_CGROUP_ROOT). It is not probed.
    pub fn at(path: &Path) -> Result<Self, Unavailable> {
        let mountinfo = fs::read_to_string("/proc/self/mountinfo").map_err(Unavailable::Unknown)?;
        let mount = mount_points(&mountinfo)
            .filter(|mount| path.starts_with(mount))
            .max_by_key(|mount| mount.as_os_str().len());
        let mount = mount.ok_or(Unavailable::NotMounted)?;
        Ok(Self { mount, path: path.to_owned() })
    }

    /// QUINTET_CGROUP_ROOT, as the launcher sets it; `None` when it is unset or no cgroup2 directory.
    pub fn from_env() -> Option<Self> {
        let path = std::env::var_os("QUINTET_CGROUP_ROOT").filter(|path| !path.is_empty())?;
        Self::at(Path::new(&path)).ok()
    }

    /// Makes and removes a cgroup, and asks whether processes may be moved.
    fn probe(&self) -> io::Result<()> {
        let probe = self.cgroup(&format!("quintet-probe-{}", std::process::id()));
        fs::create_dir(probe.path())?;
        let writable = fs::OpenOptions::new().write(true).open(probe.path().join("cgroup.procs"));
        let common = fs::OpenOptions::new().write(true).open(self.path.join("cgroup.procs"));
        fs::remove_dir(probe.path())?;
        writable.and(common).map(drop)
    }
}

/// The last mount wins: later mounts cover earlier ones, and on hybrid hosts there is only one.
fn mount_point(mountinfo: &str) -> Option<PathBuf> {
    mount_points(mountinfo).last()
}

fn mount_points(mountinfo: &str) -> impl Iterator<Item = PathBuf> {
    mountinfo.lines().filter_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        right.starts_with("cgroup2 ").then(|| left.split(' ').nth(4).map(PathBuf::from))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hybrid_and_unified() {
        let hybrid = "30 20 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n31 30 0:28 / /sys/fs/cgroup/cpu rw shared:3 - cgroup cgroup rw,cpu\n\
                      32 30 0:29 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw\n";
        assert_eq!(mount_point(hybrid), Some("/sys/fs/cgroup/unified".into()));
        assert_eq!(
            mount_point("30 20 0:27 /x /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw\n"),
            Some("/sys/fs/cgroup".into())
        );
        assert_eq!(mount_point("30 20 0:27 / /proc rw - proc proc rw\n"), None);
    }
}
