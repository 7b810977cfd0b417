//! Notification when cgroups become empty: one inotify(7) for all of them.

use super::Cgroup;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::path::PathBuf;

/// Watches the cgroup.events files of many cgroups. Readable (for AsyncFd or poll) when something changed.
#[derive(Debug)]
pub struct Watcher {
    inotify: Inotify,
    by_watch: HashMap<WatchDescriptor, Cgroup>,
    by_path: HashMap<PathBuf, WatchDescriptor>,
}

impl Watcher {
    /// Opens it, non-blocking and CLOEXEC.
    pub fn new() -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        Ok(Self { inotify, by_watch: HashMap::new(), by_path: HashMap::new() })
    }

    /// Watches an existing cgroup. Look at [`Cgroup::populated`] afterwards: what changed before is not told.
    pub fn add(&mut self, cgroup: &Cgroup) -> io::Result<()> {
        let watch = self.inotify.add_watch(&cgroup.path().join("cgroup.events"), AddWatchFlags::IN_MODIFY)?;
        if let Some(old) = self.by_path.insert(cgroup.path().to_owned(), watch)
            && old != watch
        {
            self.by_watch.remove(&old);
        }
        self.by_watch.insert(watch, cgroup.clone());
        Ok(())
    }

    /// Forgets a cgroup; fine when it is gone or was never watched.
    pub fn remove(&mut self, cgroup: &Cgroup) {
        if let Some(watch) = self.by_path.remove(cgroup.path()) {
            self.by_watch.remove(&watch);
            // EINVAL: the kernel dropped the watch with the directory.
            let _ = self.inotify.rm_watch(watch);
        }
    }

    /// Cgroups whose events file changed (populated or frozen), each once; empty when nothing waits. When the kernel's queue
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
                && self.by_path.get(cgroup.path()) == Some(&event.wd)
            {
                self.by_path.remove(cgroup.path());
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
