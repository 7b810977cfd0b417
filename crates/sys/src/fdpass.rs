//! Descriptors and credentials over unix sockets (unix(7), SCM_RIGHTS and SCM_CREDENTIALS).

use crate::peer::Credentials;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, recvmsg, sendmsg};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// The most descriptors that the kernel takes in one message (SCM_MAX_FD).
pub const MAX_FDS: usize = 253;

/// One received message.
#[derive(Debug)]
pub struct Received {
    /// How many bytes of the buffer were filled; 0 at the end of a stream.
    pub bytes: usize,
    /// The descriptors that came along, CLOEXEC.
    pub fds: Vec<OwnedFd>,
    /// The sender, when SO_PASSCRED is set on the socket.
    pub sender: Option<Credentials>,
    /// The data or the descriptors did not fit (MSG_TRUNC, MSG_CTRUNC).
    pub truncated: bool,
}

/// Sends one message with descriptors on a connected socket. Never raises SIGPIPE. Returns the bytes sent.
pub fn send(socket: impl AsFd, data: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
    send_to(socket, None, data, fds)
}

/// As [`send`], to an address (datagram sockets).
pub fn send_to(socket: impl AsFd, to: Option<&UnixAddr>, data: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let raw: Vec<RawFd> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&raw)];
    let control: &[ControlMessage<'_>] = if raw.is_empty() { &[] } else { &rights };
    let iov = [IoSlice::new(data)];
    Ok(sendmsg(socket.as_fd().as_raw_fd(), &iov, control, MsgFlags::MSG_NOSIGNAL, to)?)
}

/// Receives one message with up to [`MAX_FDS`] descriptors. `WouldBlock` when the socket is non-blocking and empty.
pub fn recv(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<Received> {
    recv_flags(socket, buffer, MsgFlags::MSG_CMSG_CLOEXEC)
}

/// As [`recv`], without waiting even when the socket is a blocking one.
pub fn try_recv(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<Received> {
    recv_flags(socket, buffer, MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT)
}

fn recv_flags(socket: impl AsFd, buffer: &mut [u8], flags: MsgFlags) -> io::Result<Received> {
    let mut control = nix::cmsg_space!([RawFd; MAX_FDS], nix::sys::socket::UnixCredentials);
    let mut iov = [IoSliceMut::new(buffer)];
    let message = recvmsg::<()>(socket.as_fd().as_raw_fd(), &mut iov, Some(&mut control), flags)?;
    let truncated = message.flags.intersects(MsgFlags::MSG_TRUNC | MsgFlags::MSG_CTRUNC);
    let mut received = Received { bytes: message.bytes, fds: Vec::new(), sender: None, truncated };
    // `cmsgs` refuses a truncated control buffer; what was put into it before is then closed by nobody. The buffer holds the
    // kernel's maximum, so that only foreign ancillary data could overflow it.
    if let Ok(controls) = message.cmsgs() {
        for control in controls {
            match control {
                ControlMessageOwned::ScmRights(fds) => {
                    // SAFETY: the kernel has just made these descriptors for us; nobody else owns them.
                    received.fds.extend(fds.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
                }
                ControlMessageOwned::ScmCredentials(c) => {
                    received.sender = Some(Credentials { pid: c.pid(), uid: c.uid(), gid: c.gid() });
                }
                _ => {}
            }
        }
    }
    Ok(received)
}
