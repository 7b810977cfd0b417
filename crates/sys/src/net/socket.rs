//! socket(2) and what is done with it up to listen(2) and accept(2).

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::Address;

/// A new socket, close-on-exec and non-blocking. `kind` is `SOCK_*`, `protocol` an `IPPROTO_*` or `NETLINK_*` (0: default).
pub fn socket(family: i32, kind: i32, protocol: i32) -> io::Result<OwnedFd> {
    // SAFETY: no pointers; the result is checked before it becomes an OwnedFd.
    let fd = unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK, protocol) };
    // SAFETY: a fresh descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(Errno::result(fd)?) })
}

/// bind(2).
pub fn bind(fd: BorrowedFd<'_>, address: &Address) -> io::Result<()> {
    let (raw, len) = address.to_raw()?;
    // SAFETY: raw lives through the call and is at least len bytes.
    Errno::result(unsafe { libc::bind(fd.as_raw_fd(), (&raw const raw).cast(), len) })?;
    Ok(())
}

/// listen(2). The kernel caps `backlog` at net.core.somaxconn.
pub fn listen(fd: BorrowedFd<'_>, backlog: u32) -> io::Result<()> {
    let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
    // SAFETY: no pointers.
    Errno::result(unsafe { libc::listen(fd.as_raw_fd(), backlog) })?;
    Ok(())
}

/// accept4(2): the connection, close-on-exec; blocking, as systemd hands connections out.
pub fn accept(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    // SAFETY: null address and length are allowed.
    let fd = unsafe { libc::accept4(fd.as_raw_fd(), std::ptr::null_mut(), std::ptr::null_mut(), libc::SOCK_CLOEXEC) };
    // SAFETY: a fresh descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(Errno::result(fd)?) })
}

/// getsockname(2).
pub fn local_address(fd: BorrowedFd<'_>) -> io::Result<Address> {
    name(fd, libc::getsockname)
}

/// getpeername(2).
pub fn peer_address(fd: BorrowedFd<'_>) -> io::Result<Address> {
    name(fd, libc::getpeername)
}

type NameCall = unsafe extern "C" fn(libc::c_int, *mut libc::sockaddr, *mut libc::socklen_t) -> libc::c_int;

fn name(fd: BorrowedFd<'_>, call: NameCall) -> io::Result<Address> {
    // SAFETY: sockaddr_storage is plain data for which all zeroes is a value.
    let mut raw: libc::sockaddr_storage = unsafe { zeroed() };
    let mut len = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    // SAFETY: the kernel writes at most len bytes into raw, both live through the call.
    Errno::result(unsafe { call(fd.as_raw_fd(), (&raw mut raw).cast(), &raw mut len) })?;
    Ok(Address::from_raw(&raw, len))
}

/// What a descriptor is: `SO_TYPE` and whether it listens, or `None` if it is no socket.
pub fn kind(fd: BorrowedFd<'_>) -> Option<(i32, bool)> {
    let kind = super::option_int(fd, libc::SOL_SOCKET, libc::SO_TYPE).ok()?;
    let listening = super::option_int(fd, libc::SOL_SOCKET, libc::SO_ACCEPTCONN).unwrap_or(0) != 0;
    Some((kind, listening))
}

/// `SO_COOKIE`: a number that no other socket of this boot has (socket(7)).
pub fn cookie(fd: BorrowedFd<'_>) -> io::Result<u64> {
    let mut bytes = [0u8; 8];
    super::option_bytes(fd, libc::SOL_SOCKET, libc::SO_COOKIE, &mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}

/// Reads and drops what is pending on a datagram socket, FIFO or special file; `Ok(true)` while there may be more.
pub fn discard(fd: BorrowedFd<'_>) -> io::Result<bool> {
    let mut buffer = [0u8; 2048];
    // SAFETY: the kernel writes at most buffer.len() bytes into it.
    let n = unsafe { libc::read(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
    match Errno::result(n) {
        Ok(n) => Ok(n > 0),
        Err(Errno::EINTR) => Ok(true),
        Err(Errno::EAGAIN) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// shutdown(2) of the receiving side.
pub fn shutdown_read(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: no pointers.
    Errno::result(unsafe { libc::shutdown(fd.as_raw_fd(), libc::SHUT_RD) })?;
    Ok(())
}

/// Takes O_NONBLOCK off the open file, as those expect who are handed a socket (systemd.exec(5), NonBlocking=). Everybody
/// who shares the file sees that.
pub fn set_blocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    let flags = OFlag::from_bits_truncate(fcntl(fd, FcntlArg::F_GETFL)?);
    fcntl(fd, FcntlArg::F_SETFL(flags & !OFlag::O_NONBLOCK))?;
    Ok(())
}
