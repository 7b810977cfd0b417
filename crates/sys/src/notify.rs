//! The sd_notify(3) protocol, both sides.

use crate::fdpass::{self, MAX_FDS};
use crate::peer::Credentials;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, bind, setsockopt, socket, sockopt};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;

/// Longest message that is accepted (systemd's limit is a page as well).
pub const MAX_BYTES: usize = 4096;

/// One message: `NAME=value` lines, descriptors, and who sent it.
#[derive(Debug)]
pub struct NotifyMessage {
    /// The sender, vouched for by the kernel.
    pub sender: Option<Credentials>,
    /// Assignments in the order given. Lines without `=` are left out.
    pub fields: Vec<(String, String)>,
    /// Descriptors (FDSTORE=1, BARRIER=1). Dropping them closes them, which answers a barrier.
    pub fds: Vec<OwnedFd>,
}

impl NotifyMessage {
    /// The last value given for a name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether `name=1` was sent.
    pub fn is_set(&self, name: &str) -> bool {
        self.field(name) == Some("1")
    }
}

/// What [`NotifySocket::recv`] found.
#[derive(Debug)]
pub enum Incoming {
    /// Nothing is waiting.
    Empty,
    /// A message.
    Message(NotifyMessage),
    /// A message that is no valid one; the text says why. Its descriptors are closed.
    Refused(&'static str),
}

/// The receiving end of a NOTIFY_SOCKET. Non-blocking, CLOEXEC, asks for credentials.
#[derive(Debug)]
pub struct NotifySocket {
    fd: OwnedFd,
}

impl NotifySocket {
    /// Binds a datagram socket; a stale file at the path is replaced. Mode 0666 less the umask: senders may have other uids.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let fd =
            socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)?;
        let address = UnixAddr::new(path)?;
        match bind(fd.as_raw_fd(), &address) {
            Err(nix::Error::EADDRINUSE) => {
                std::fs::remove_file(path)?;
                bind(fd.as_raw_fd(), &address)?;
            }
            bound => bound?,
        }
        setsockopt(&fd, sockopt::PassCred, &true)?;
        Ok(Self { fd })
    }

    /// Takes over a bound socket, from a fd store for example.
    pub fn from_fd(fd: OwnedFd) -> io::Result<Self> {
        setsockopt(&fd, sockopt::PassCred, &true)?;
        set_nonblocking(&fd)?;
        Ok(Self { fd })
    }

    /// The next message, without waiting.
    pub fn recv(&self) -> io::Result<Incoming> {
        let mut buffer = [0; MAX_BYTES];
        let received = match fdpass::try_recv(&self.fd, &mut buffer) {
            Ok(received) => received,
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                return Ok(Incoming::Empty);
            }
            Err(e) => return Err(e),
        };
        if received.truncated {
            return Ok(Incoming::Refused("too long, or too many descriptors"));
        }
        let data = buffer.get(..received.bytes).unwrap_or_default();
        let Some(fields) = parse(data) else {
            return Ok(Incoming::Refused("not UTF-8, or with a NUL byte inside"));
        };
        Ok(Incoming::Message(NotifyMessage { sender: received.sender, fields, fds: received.fds }))
    }

    /// The descriptor, for storing it elsewhere.
    pub fn as_owned(&self) -> &OwnedFd {
        &self.fd
    }
}

impl AsFd for NotifySocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for NotifySocket {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

fn set_nonblocking(fd: &OwnedFd) -> io::Result<()> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
    fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}

/// `None` for text that is not UTF-8 or holds NUL (one at the end is forgiven).
fn parse(data: &[u8]) -> Option<Vec<(String, String)>> {
    let text = std::str::from_utf8(data.strip_suffix(&[0]).unwrap_or(data)).ok()?;
    if text.contains('\0') {
        return None;
    }
    let split = |line: &str| line.split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned()));
    Some(text.split('\n').filter_map(split).collect())
}

/// The sending end: where NOTIFY_SOCKET points.
#[derive(Debug)]
pub struct Notifier {
    fd: OwnedFd,
    to: UnixAddr,
}

impl Notifier {
    /// From the environment; `Ok(None)` when NOTIFY_SOCKET is not set.
    pub fn from_env() -> io::Result<Option<Self>> {
        match std::env::var("NOTIFY_SOCKET") {
            Ok(address) if !address.is_empty() => Self::new(&address).map(Some),
            _ => Ok(None),
        }
    }

    /// An absolute path, or `@name` for an abstract socket.
    pub fn new(address: &str) -> io::Result<Self> {
        let to = match address.strip_prefix('@') {
            Some(name) => UnixAddr::new_abstract(name.as_bytes())?,
            None if address.starts_with('/') => UnixAddr::new(address)?,
            None => return Err(io::Error::from(io::ErrorKind::InvalidInput)),
        };
        let fd = socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
        Ok(Self { fd, to })
    }

    /// Sends assignments, one a line. Waits when the receiver's queue is full.
    pub fn send(&self, text: &str) -> io::Result<()> {
        self.send_fds(text, &[])
    }

    /// Sends assignments with descriptors, at most [`MAX_FDS`].
    pub fn send_fds(&self, text: &str, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        if fds.len() > MAX_FDS {
            return Err(io::Error::from_raw_os_error(libc::E2BIG));
        }
        fdpass::send_to(&self.fd, Some(&self.to), text.as_bytes(), fds).map(drop)
    }

    /// Waits until everything sent before has been handled, at most `timeout` ms. False when the time ran out.
    pub fn barrier(&self, timeout: u16) -> io::Result<bool> {
        use nix::poll::{PollFd, PollFlags, poll};
        let (ours, theirs) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
        self.send_fds("BARRIER=1", &[theirs.as_fd()])?;
        drop(theirs);
        let mut fds = [PollFd::new(ours.as_fd(), PollFlags::empty())];
        Ok(poll(&mut fds, timeout)? > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    fn pair() -> (NotifySocket, Notifier, std::path::PathBuf) {
        let path =
            std::env::temp_dir().join(format!("sys-notify-{}-{:?}", std::process::id(), std::thread::current().id()));
        let socket = NotifySocket::bind(&path).unwrap();
        let notifier = Notifier::new(path.to_str().unwrap()).unwrap();
        (socket, notifier, path)
    }

    fn message(socket: &NotifySocket) -> NotifyMessage {
        match socket.recv().unwrap() {
            Incoming::Message(m) => m,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn fields_sender_and_fds() {
        let (socket, notifier, path) = pair();
        assert!(matches!(socket.recv().unwrap(), Incoming::Empty));
        let null = File::open("/dev/null").unwrap();
        let many = vec![null.as_fd(); MAX_FDS];
        notifier.send_fds("FDSTORE=1\nFDNAME=x=y\nnonsense\nSTATUS=a\nSTATUS=b", &many).unwrap();
        let m = message(&socket);
        assert!(m.is_set("FDSTORE") && m.field("FDNAME") == Some("x=y") && m.field("STATUS") == Some("b"));
        assert_eq!((m.fields.len(), m.fds.len()), (4, MAX_FDS));
        assert_eq!(m.sender.unwrap().pid, std::process::id() as i32);
        assert_eq!(
            notifier.send_fds("X=1", &vec![null.as_fd(); MAX_FDS + 1]).unwrap_err().raw_os_error(),
            Some(libc::E2BIG)
        );
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn refusals() {
        let (socket, notifier, path) = pair();
        notifier.send(&"x".repeat(MAX_BYTES + 1)).unwrap();
        notifier.send("A=1\0B=2").unwrap();
        assert!(matches!(socket.recv().unwrap(), Incoming::Refused(_)));
        assert!(matches!(socket.recv().unwrap(), Incoming::Refused(_)));
        notifier.send("READY=1\0").unwrap();
        assert!(message(&socket).is_set("READY"));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn barrier_is_answered_by_closing() {
        let (socket, notifier, path) = pair();
        let waiter = std::thread::spawn(move || notifier.barrier(30_000).unwrap());
        let m = loop {
            if let Incoming::Message(m) = socket.recv().unwrap() {
                break m;
            }
            std::thread::yield_now();
        };
        assert!(m.is_set("BARRIER"));
        drop(m);
        assert!(waiter.join().unwrap());
        std::fs::remove_file(path).unwrap();
    }
}
