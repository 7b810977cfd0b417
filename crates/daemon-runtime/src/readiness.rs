//! Waiting for descriptors that tokio has no type for: udev's socket, inotify, tables in /proc, pidfds, cgroup.events.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Waits on a duplicate of a descriptor. Readiness is that of the open file, which both share, so the caller goes on to
/// read from its own descriptor, inside `try_io` of this one.
///
/// # Errors
/// When there are no descriptors left, or epoll can't wait for such a file.
#[expect(
    deprecated,
    reason = "the successor is unsafe, for descriptors that may be closed meanwhile; an OwnedFd cannot be"
)]
pub fn watch(fd: impl AsFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(fd.as_fd().try_clone_to_owned()?, interest)
}
