//! poll(2).

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

/// Waits for as long as it takes until one of the descriptors can be read or accepted from; which of them, in order.
/// Comes back empty when a signal was handled.
pub fn wait(fds: &[BorrowedFd<'_>]) -> io::Result<Vec<usize>> {
    let one = |fd: &BorrowedFd<'_>| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let mut polls: Vec<libc::pollfd> = fds.iter().map(one).collect();
    // SAFETY: the list lives through the call.
    match Errno::result(unsafe { libc::poll(polls.as_mut_ptr(), polls.len() as libc::nfds_t, -1) }) {
        Ok(_) => Ok((0..polls.len()).filter(|at| polls.get(*at).is_some_and(|p| p.revents != 0)).collect()),
        Err(Errno::EINTR) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}
