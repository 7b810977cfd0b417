//! poll(2) of one descriptor, without waiting.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

/// There is something to read or to accept.
pub const POLLIN: i16 = libc::POLLIN;
/// The other end is gone, or the listening socket was shut down.
pub const POLLHUP: i16 = libc::POLLHUP;
/// An error is pending.
pub const POLLERR: i16 = libc::POLLERR;

/// The descriptor's readiness now ([`POLLIN`], [`POLLHUP`], [`POLLERR`]; 0 for none).
pub fn readiness(fd: BorrowedFd<'_>) -> io::Result<i16> {
    let mut poll = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one pollfd, which lives through the call.
    Errno::result(unsafe { libc::poll(&raw mut poll, 1, 0) })?;
    Ok(poll.revents)
}
