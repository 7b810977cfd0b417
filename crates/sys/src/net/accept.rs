//! Accepting a connection in a process that nobody kills.
//!
//! A daemon that is killed between accept(2) and the moment the connection is safe elsewhere loses it: the client sees a
//! connection that was taken and dropped. So a short-lived child accepts: it shares the caller's memory and descriptor
//! table (`CLONE_VM|CLONE_FILES|CLONE_VFORK`: no copies, the caller waits some 30 µs), puts the connection into a socket
//! pair whose ends the caller holds in a descriptor store, and exits. SIGKILL to the caller doesn't reach it.

use std::ffi::{c_int, c_void};
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};

/// What the child needs, all of it made before: it must not allocate.
struct Job {
    listener: RawFd,
    queue: RawFd,
    tag: *const u8,
    tag_len: usize,
    /// errno of the call that failed; 0 when the connection is in the queue.
    result: c_int,
}

/// Stack of the child. It makes three system calls; signals are blocked.
const STACK: usize = 32 * 1024;
/// Room for one control message with one descriptor, aligned as cmsghdr wants it.
const CONTROL_WORDS: usize = 8;

/// Accepts one connection of `listener` in a child and sends it, with `tag` as the message's text, into `queue` (an
/// `AF_UNIX` `SOCK_SEQPACKET` socket with room for it). `WouldBlock` when there is nothing to accept.
pub fn accept_in_child(listener: BorrowedFd<'_>, queue: BorrowedFd<'_>, tag: &[u8]) -> io::Result<()> {
    let mut stack = vec![0u128; STACK / size_of::<u128>()];
    let mut job = Job {
        listener: listener.as_raw_fd(),
        queue: queue.as_raw_fd(),
        tag: tag.as_ptr(),
        tag_len: tag.len(),
        result: libc::EINVAL,
    };
    let mut old = SigSet::empty();
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&SigSet::all()), Some(&mut old))?;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_FILES;
    // SAFETY: the child runs on a stack of its own, which outlives it because CLONE_VFORK suspends us until it has
    // exited, as does job. `child` is safe to run beside a suspended parent: it makes raw system calls only.
    let pid = unsafe {
        let top = stack.as_mut_ptr_range().end;
        libc::clone(child, top.cast::<c_void>(), flags, (&raw mut job).cast::<c_void>())
    };
    let spawned = Errno::result(pid);
    if let Ok(pid) = spawned {
        // A child without an exit signal is found with __WALL only.
        // SAFETY: a null status is allowed.
        while unsafe { libc::waitpid(pid, std::ptr::null_mut(), libc::__WALL) } < 0 && Errno::last() == Errno::EINTR {}
    }
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&old), None)?;
    spawned?;
    // SAFETY: job is a live local; volatile because another process wrote it.
    match unsafe { (&raw const job.result).read_volatile() } {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

extern "C" fn child(argument: *mut c_void) -> c_int {
    let job = argument.cast::<Job>();
    // SAFETY: argument is the parent's Job, which lives while the parent is suspended; everything else is on this stack
    // or in the Job; only raw system calls are made, and _exit instead of exit.
    unsafe {
        let null = std::ptr::null_mut::<c_void>();
        let fd = libc::syscall(libc::SYS_accept4, (*job).listener, null, null, libc::O_CLOEXEC);
        if fd < 0 {
            (&raw mut (*job).result).write_volatile(*libc::__errno_location());
            libc::_exit(1);
        }
        let fd = fd as c_int;
        let mut iov = libc::iovec { iov_base: (*job).tag.cast_mut().cast(), iov_len: (*job).tag_len };
        let mut control = [0u64; CONTROL_WORDS];
        let mut message: libc::msghdr = zeroed();
        message.msg_iov = &raw mut iov;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(size_of::<c_int>() as u32) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<c_int>() as u32) as _;
        libc::CMSG_DATA(header).cast::<c_int>().write_unaligned(fd);
        let sent = libc::syscall(libc::SYS_sendmsg, (*job).queue, &raw const message, libc::MSG_NOSIGNAL);
        let errno = if sent < 0 { *libc::__errno_location() } else { 0 };
        libc::syscall(libc::SYS_close, fd);
        (&raw mut (*job).result).write_volatile(errno);
        libc::_exit(0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;

    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

    use super::*;

    #[test]
    fn connections_arrive_through_the_queue() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags).unwrap();
        let nothing = accept_in_child(listener.as_fd(), theirs.as_fd(), b"x").unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);

        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(b"hi").unwrap();
        accept_in_child(listener.as_fd(), theirs.as_fd(), b"a.socket").unwrap();
        let (tag, fds) = super::super::receive(ours.as_fd(), true).unwrap();
        assert_eq!((tag.as_slice(), fds.len()), (&b"a.socket"[..], 1), "looking takes a copy");
        let (tag, mut fds) = super::super::receive(ours.as_fd(), false).unwrap();
        assert_eq!(tag, b"a.socket");
        let mut connection = TcpStream::from(fds.remove(0));
        let mut text = [0; 2];
        connection.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"hi");
        let empty = super::super::receive(ours.as_fd(), false).unwrap_err();
        assert_eq!(empty.kind(), io::ErrorKind::WouldBlock);
    }
}
