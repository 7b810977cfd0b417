//! Namespaces that several processes share: made, or opened by their path, and held by a descriptor.

use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The kinds that can be shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// PrivateNetwork=, NetworkNamespacePath=
    Network,
    /// PrivateIPC=, IPCNamespacePath=
    Ipc,
}

impl Kind {
    /// As unshare(2) and setns(2) call it.
    pub(crate) fn flag(self) -> CloneFlags {
        match self {
            Self::Network => CloneFlags::CLONE_NEWNET,
            Self::Ipc => CloneFlags::CLONE_NEWIPC,
        }
    }

    /// As it is called between daemons.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Ipc => "ipc",
        }
    }

    /// Below /proc/PID/ns.
    fn file(self) -> &'static str {
        match self {
            Self::Network => "net",
            Self::Ipc => "ipc",
        }
    }
}

/// A new one, that of a network with its loopback device up. The caller stays where it is: a thread that lives no longer
/// than this makes it.
///
/// # Errors
/// What the kernel says, or that there is no thread to be had.
pub fn create(kind: Kind) -> io::Result<OwnedFd> {
    let make = move || {
        enter_new(kind)?;
        Ok(File::open(Path::new("/proc/thread-self/ns").join(kind.file()))?.into())
    };
    let thread = std::thread::Builder::new().name("namespace".into()).spawn(make)?;
    thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that makes it panicked")))
}

/// Does something inside of one, in a thread of its own: the caller waits, and stays where it is.
///
/// # Errors
/// What the kernel says about entering, or that there is no thread to be had.
pub fn within<T: Send>(kind: Kind, namespace: &OwnedFd, work: impl FnOnce() -> T + Send) -> io::Result<T> {
    let inside = || {
        setns(namespace, kind.flag())?;
        Ok(work())
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("namespace".into()).spawn_scoped(scope, inside)?;
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread inside panicked")))
    })
}

/// One that has a path.
///
/// # Errors
/// What the kernel says; `EINVAL` for a file that is no such namespace.
pub fn open(kind: Kind, path: &Path) -> io::Result<OwnedFd> {
    // What else is there (a FIFO, a terminal) must neither block nor be taken hold of.
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    // SAFETY: takes no argument; any file but a namespace answers with an error.
    let found = crate::pidfd::cvt(i64::from(unsafe { libc::ioctl(file.as_raw_fd(), NS_GET_NSTYPE) }))?;
    if found == kind.flag().bits() { Ok(file.into()) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

/// One that a process is in.
///
/// # Errors
/// What the kernel says.
pub fn of_process(kind: Kind, pid: u32) -> io::Result<OwnedFd> {
    open(kind, &Path::new("/proc").join(pid.to_string()).join("ns").join(kind.file()))
}

/// The calling thread moves into a new one.
pub(crate) fn enter_new(kind: Kind) -> io::Result<()> {
    unshare(kind.flag())?;
    match kind {
        Kind::Network => loopback_up(),
        Kind::Ipc => Ok(()),
    }
}

/// ioctl_ns(2): missing from libc.
const NS_GET_NSTYPE: libc::Ioctl = 0xb703;

/// SIOCSIFFLAGS on `lo`: a new network namespace has it, but down.
fn loopback_up() -> io::Result<()> {
    let any = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    // SAFETY: an all-zero ifreq is valid; only name and flags are set.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: SIOCSIFFLAGS reads one ifreq.
    let r = unsafe { libc::ioctl(any.as_raw_fd(), libc::SIOCSIFFLAGS as _, &request) };
    crate::pidfd::cvt(i64::from(r)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_none_is_refused() {
        let here = std::process::id();
        of_process(Kind::Network, here).unwrap();
        let path = format!("/proc/{here}/ns/ipc");
        let wrong = open(Kind::Network, Path::new(&path)).unwrap_err();
        assert_eq!(wrong.kind(), io::ErrorKind::InvalidInput);
        assert!(open(Kind::Network, Path::new("/etc/passwd")).is_err());
        assert_eq!(open(Kind::Ipc, Path::new("/nonexistent")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    fn own(kind: Kind) -> OwnedFd {
        open(kind, &Path::new("/proc/thread-self/ns").join(kind.file())).unwrap()
    }

    #[test]
    fn a_new_one_is_not_ours() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let inode = |fd: &OwnedFd| nix::sys::stat::fstat(fd).unwrap().st_ino;
        for kind in [Kind::Network, Kind::Ipc] {
            let here = || inode(&of_process(kind, std::process::id()).unwrap());
            let before = here();
            let made = create(kind).unwrap();
            assert_ne!(inode(&made), before);
            assert_eq!(within(kind, &made, || inode(&own(kind))).unwrap(), inode(&made));
            assert_eq!(here(), before);
        }
    }
}
