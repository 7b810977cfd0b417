//! Who is at the other end of a unix socket.

use std::io;
use std::os::fd::AsFd;

/// Credentials of a process as the kernel vouches for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Process id; 0 when the sender is outside our PID namespace.
    pub pid: i32,
    /// Effective user id at connect or send time.
    pub uid: u32,
    /// Effective group id at connect or send time.
    pub gid: u32,
}

/// SO_PEERCRED of a connected unix stream socket.
pub fn credentials(socket: impl AsFd) -> io::Result<Credentials> {
    let c = nix::sys::socket::getsockopt(&socket.as_fd(), nix::sys::socket::sockopt::PeerCredentials)?;
    Ok(Credentials { pid: c.pid(), uid: c.uid(), gid: c.gid() })
}
