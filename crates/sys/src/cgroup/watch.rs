//! Notification when cgroups become empty or run out of memory: one inotify(7) for all of them.

use super::Cgroup;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::path::PathBuf;

/// Watches the cgroup.events files of many cgroups, and the memory.events of those that have one. Readable (for AsyncFd or poll) when something changed.
#[derive(Debug)]
pub struct Watcher {
    inotify: Inotify,
    by_watch: HashMap<WatchDescriptor, Cgroup>,
    by_path: HashMap<PathBuf, Vec<WatchDescriptor>>,
}

impl Watcher {
    /// Opens it, non-blocking and CLOEXEC.
    pub fn new() -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        Ok(Self { inotify, by_watch: HashMap::new(), by_path: HashMap::new() })
    }

    /// Watches an existing cgroup. Look at [`Cgroup::populated`] afterwards: what changed before is not told.
    pub fn add(&mut self, cgroup: &Cgroup) -> io::Result<()> {
        let mut watches = vec![self.inotify.add_watch(&cgroup.path().join("cgroup.events"), AddWatchFlags::IN_MODIFY)?];
        // Only with the memory controller.
        watches.extend(self.inotify.add_watch(&cgroup.path().join("memory.events"), AddWatchFlags::IN_MODIFY));
        for watch in &watches {
            self.by_watch.insert(*watch, cgroup.clone());
        }
        for old in self.by_path.insert(cgroup.path().to_owned(), watches.clone()).unwrap_or_default() {
            if !watches.contains(&old) {
                self.by_watch.remove(&old);
            }
        }
        Ok(())
    }

    /// Forgets a cgroup; fine when it is gone or was never watched.
    pub fn remove(&mut self, cgroup: &Cgroup) {
        for watch in self.by_path.remove(cgroup.path()).unwrap_or_default() {
            self.by_watch.remove(&watch);
            // EINVAL: the kernel dropped the watch with the directory.
            let _ = self.inotify.rm_watch(watch);
        }
    }

    /// Cgroups whose events files changed (populated, frozen, out of memory), each once; empty when nothing waits. When the kernel's queue
    /// overflowed, all of them.
    pub fn read(&mut self) -> io::Result<Vec<Cgroup>> {
        let events = match self.inotify.read_events() {
            Err(nix::Error::EAGAIN | nix::Error::EINTR) => return Ok(Vec::new()),
            other => other?,
        };
        let mut changed: Vec<Cgroup> = Vec::new();
        for event in events {
            if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
                return Ok(self.by_watch.values().cloned().collect());
            }
            if let Some(cgroup) = self.by_watch.get(&event.wd)
                && !changed.contains(cgroup)
            {
                changed.push(cgroup.clone());
            }
            if event.mask.contains(AddWatchFlags::IN_IGNORED)
                && let Some(cgroup) = self.by_watch.remove(&event.wd)
                && let Some(watches) = self.by_path.get_mut(cgroup.path())
            {
                watches.retain(|watch| *watch != event.wd);
                if watches.is_empty() {
                    self.by_path.remove(cgroup.path());
                }
            }
        }
        Ok(changed)
    }
}

impl AsFd for Watcher {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

impl AsRawFd for Watcher {
    fn as_raw_fd(&self) -> RawFd {
        self.inotify.as_fd().as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Ordinary files stand in for the kernel's: inotify treats them alike.
    #[test]
    fn both_files_of_a_group() {
        let path = std::env::temp_dir().join(format!("cgroup-watch-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("cgroup.events"), "populated 1\nfrozen 0\n").unwrap();
        let cgroup = Cgroup { mount: path.clone(), path: path.clone() };
        let mut watcher = Watcher::new().unwrap();
        watcher.add(&cgroup).unwrap();
        assert_eq!(cgroup.oom_kills(), 0);
        fs::write(path.join("memory.events"), "max 3\noom 1\noom_kill 2\noom_group_kill 0\n").unwrap();
        assert!(watcher.read().unwrap().is_empty(), "was not there when the watch began");
        watcher.add(&cgroup).unwrap();
        fs::write(path.join("memory.events"), "oom_kill 3\n").unwrap();
        assert_eq!(watcher.read().unwrap(), std::slice::from_ref(&cgroup));
        assert_eq!(cgroup.oom_kills(), 3);
        fs::write(path.join("cgroup.events"), "populated 0\nfrozen 0\n").unwrap();
        assert_eq!(watcher.read().unwrap(), std::slice::from_ref(&cgroup));
        watcher.remove(&cgroup);
        fs::write(path.join("memory.events"), "oom_kill 4\n").unwrap();
        let _ = watcher.read();
        assert!(watcher.read().unwrap().is_empty() && watcher.by_watch.is_empty() && watcher.by_path.is_empty());
        fs::remove_dir_all(path).unwrap();
    }
}
