//! cgroup2 as a container of processes (cgroups(7)): no controller is needed for any of this but for limits.

mod controllers;
mod detect;
pub mod usage;
mod watch;

pub use detect::Unavailable;
pub use watch::Watcher;

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often [`Cgroup::kill`] looks for processes that it has not seen.
const KILL_ROUNDS: u32 = 256;
/// After how many it freezes them: a few late forks are ordinary.
const FREEZE_AFTER: u32 = 2;

/// The cgroup below which all units live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CgroupRoot {
    mount: PathBuf,
    path: PathBuf,
}

impl CgroupRoot {
    /// Directory under /sys/fs/cgroup (or wherever cgroup2 is mounted).
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The cgroup at a path relative to this root, such as `system.slice/foo.service`. Nothing is created.
    pub fn cgroup(&self, relative: &str) -> Cgroup {
        let path = self.path.join(relative.trim_matches('/'));
        Cgroup { mount: self.mount.clone(), path }
    }

    /// As [`CgroupRoot::cgroup`], for a path as /proc/PID/cgroup and ControlGroup= give it. `None` when outside this root.
    pub fn by_name(&self, name: &str) -> Option<Cgroup> {
        let path = self.mount.join(name.trim_start_matches('/'));
        let plain = path.components().all(|c| !matches!(c, std::path::Component::ParentDir));
        (plain && path.starts_with(&self.path)).then(|| Cgroup { mount: self.mount.clone(), path })
    }

    /// Creates a cgroup with its parents.
    pub fn create(&self, relative: &str) -> io::Result<Cgroup> {
        let cgroup = self.cgroup(relative);
        cgroup.create()?;
        Ok(cgroup)
    }
}

/// One cgroup directory; it may not exist (yet, or any more).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cgroup {
    mount: PathBuf,
    path: PathBuf,
}

impl Cgroup {
    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name as in /proc/PID/cgroup and the D-Bus property ControlGroup: `/system.slice/foo.service`.
    pub fn name(&self) -> String {
        let below = self.path.strip_prefix(&self.mount).unwrap_or(&self.path);
        format!("/{}", below.display())
    }

    /// A cgroup below this one.
    pub fn child(&self, name: &str) -> Self {
        Self { mount: self.mount.clone(), path: self.path.join(name) }
    }

    /// Creates it with its parents; an existing one is fine.
    pub fn create(&self) -> io::Result<()> {
        match fs::create_dir(&self.path) {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => fs::create_dir_all(&self.path),
            Err(e) => Err(e),
        }
    }

    /// Whether the directory exists.
    pub fn exists(&self) -> bool {
        self.path.is_dir()
    }

    /// The directory as a descriptor, for CLONE_INTO_CGROUP.
    pub fn open(&self) -> io::Result<OwnedFd> {
        Ok(File::open(&self.path)?.into())
    }

    /// Moves a process here (0: the caller). Costs milliseconds when the kernel has been idle: spawn into the cgroup instead.
    pub fn attach(&self, pid: i32) -> io::Result<()> {
        self.write("cgroup.procs", &pid.to_string())
    }

    /// Processes directly in this cgroup. Processes outside our PID namespace show as 0 and are left out.
    pub fn own_pids(&self) -> io::Result<Vec<i32>> {
        let text = fs::read_to_string(self.path.join("cgroup.procs"))?;
        Ok(text.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 0).collect())
    }

    /// Processes here and below, with the cgroup of each, parents first. A missing cgroup has none.
    pub fn processes(&self) -> io::Result<Vec<(Self, i32)>> {
        let mut found = Vec::new();
        for cgroup in self.tree()? {
            let pids = match cgroup.own_pids() {
                // EOPNOTSUPP: a threaded cgroup, its processes show in the domain above.
                Err(e)
                    if e.kind() == io::ErrorKind::NotFound
                        || matches!(e.raw_os_error(), Some(libc::ENODEV | libc::EOPNOTSUPP)) =>
                {
                    continue;
                }
                other => other?,
            };
            found.extend(pids.into_iter().map(|pid| (cgroup.clone(), pid)));
        }
        Ok(found)
    }

    /// PIDs here and below.
    pub fn pids(&self) -> io::Result<Vec<i32>> {
        Ok(self.processes()?.into_iter().map(|(_, pid)| pid).collect())
    }

    /// Whether any process lives here or below. A missing cgroup is empty.
    pub fn populated(&self) -> io::Result<bool> {
        match crate::pseudo::read(self.path.join("cgroup.events")) {
            Ok(text) => Ok(text.lines().any(|line| line == "populated 1")),
            Err(e) if e.kind() == io::ErrorKind::NotFound || e.raw_os_error() == Some(libc::ENODEV) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// How many processes the kernel has killed here and below for lack of memory; 0 without the memory controller.
    pub fn oom_kills(&self) -> u64 {
        let text = crate::pseudo::read(self.path.join("memory.events")).unwrap_or_default();
        text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.parse().ok()).unwrap_or(0)
    }

    /// Sends a signal to every process here and below; SIGKILL as [`Cgroup::kill`] does. Returns how many processes were
    /// there. `except` is spared (not with SIGKILL).
    pub fn signal(&self, signal: i32, except: &[i32]) -> io::Result<usize> {
        let pids = self.pids()?;
        if signal == libc::SIGKILL && except.is_empty() {
            self.kill()?;
            return Ok(pids.len());
        }
        let mut sent = 0;
        for pid in pids.into_iter().filter(|pid| !except.contains(pid)) {
            if kill_one(pid, signal)? {
                sent += 1;
            }
        }
        Ok(sent)
    }

    /// SIGKILL to everything here and below, such that no chain of forks outruns it: where looking again does not end, the
    /// group is frozen meanwhile. A missing cgroup is dead already.
    ///
    /// Not through cgroup.kill: where that was written once, Linux (6.18 at least) kills every process that is born into the
    /// group later by CLONE_INTO_CGROUP from a group with another history, so that nothing could be started there again.
    pub fn kill(&self) -> io::Result<()> {
        let mut killed = BTreeSet::new();
        let mut frozen = false;
        let mut result = Ok(());
        for round in 0..KILL_ROUNDS {
            let fresh: Vec<i32> = self.pids()?.into_iter().filter(|pid| killed.insert(*pid)).collect();
            if fresh.is_empty() {
                break;
            }
            // Forks made before the freeze are found by the next look, and none come after it. SIGKILL works on the frozen.
            if round == FREEZE_AFTER {
                frozen = self.freeze(true).is_ok();
            }
            for pid in fresh {
                if let Err(error) = kill_one(pid, libc::SIGKILL) {
                    result = Err(error);
                }
            }
        }
        if frozen {
            self.freeze(false)?;
        }
        result
    }

    /// Stops or resumes all processes; the kernel reports the result in cgroup.events (`frozen`).
    pub fn freeze(&self, frozen: bool) -> io::Result<()> {
        self.write("cgroup.freeze", if frozen { "1" } else { "0" })
    }

    /// Whether this group itself was told to freeze.
    pub fn is_frozen(&self) -> bool {
        crate::pseudo::read(self.path.join("cgroup.freeze")).is_ok_and(|text| text.trim() == "1")
    }

    /// The group that was told to freeze, this one or one above: what is born here stands still before it is a program.
    pub fn frozen_by(&self) -> Option<&Path> {
        let groups = self.path.ancestors().map(|group| (group, crate::pseudo::read(group.join("cgroup.freeze"))));
        // The root has no such file, nor has what is above where the hierarchy is mounted.
        let told = groups.map_while(|(group, text)| Some((group, text.ok()?)));
        told.filter(|(_, text)| text.trim() == "1").map(|(group, _)| group).next()
    }

    /// Removes it and what is below, if no process is left: false when one is. Just after an exit the kernel may still answer
    /// EBUSY for an empty cgroup: then it is tried a few times over about 10 ms.
    pub fn remove(&self) -> io::Result<bool> {
        let mut tree = self.tree()?;
        tree.reverse();
        for cgroup in tree {
            if !cgroup.remove_one()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn remove_one(&self) -> io::Result<bool> {
        for wait in [0, 1, 2, 3, 5] {
            std::thread::sleep(Duration::from_millis(wait));
            match fs::remove_dir(&self.path) {
                Err(e) if e.raw_os_error() == Some(libc::EBUSY) => {
                    if self.populated()? {
                        return Ok(false);
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(true),
                other => return other.map(|()| true),
            }
        }
        Ok(false)
    }

    /// This cgroup and all below, parents first. Empty when it does not exist.
    fn tree(&self) -> io::Result<Vec<Self>> {
        let mut found = Vec::new();
        let mut queue = vec![self.clone()];
        while let Some(cgroup) = queue.pop() {
            let entries = match fs::read_dir(&cgroup.path) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                other => other?,
            };
            for entry in entries.flatten() {
                if entry.file_type().is_ok_and(|t| t.is_dir()) {
                    queue.push(Self { mount: cgroup.mount.clone(), path: entry.path() });
                }
            }
            found.push(cgroup);
        }
        Ok(found)
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        OpenOptions::new().write(true).open(self.path.join(file))?.write_all(text.as_bytes())
    }
}

/// Whether there was such a process.
fn kill_one(pid: i32, signal: i32) -> io::Result<bool> {
    match crate::signals::kill(pid, signal) {
        Ok(()) => Ok(true),
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(false),
        Err(error) => Err(error),
    }
}
