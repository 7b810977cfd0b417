//! Bytes and descriptors over a unix stream socket, and the two sides of the SASL exchange over it.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::UnixStream;

use super::{MAX_FDS, sasl};

/// A connected socket. The event loop watches it for what can be read only: a socket that is also watched for room to write
/// wakes its owner whenever the peer has read something, which is after each message.
#[derive(Debug)]
pub struct Stream(AsyncFd<OwnedFd>);

impl Stream {
    /// Takes over a socket.
    ///
    /// # Errors
    /// When it cannot be watched.
    pub fn new(stream: UnixStream) -> io::Result<Stream> {
        Ok(Stream(watched(stream.into_std()?.into(), Interest::READABLE)?))
    }

    /// Waits until there is room to write.
    async fn writable(&self) -> io::Result<()> {
        let copy = watched(self.0.get_ref().try_clone()?, Interest::WRITABLE)?;
        copy.writable().await?.retain_ready();
        Ok(())
    }
}

#[allow(deprecated, reason = "the replacement is unsafe, which only the sys crate may be")]
fn watched(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(fd, interest)
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Receives up to `buffer.len()` bytes and the descriptors that came with them. 0 bytes: the peer is gone.
pub async fn receive(stream: &Stream, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    loop {
        let mut guard = stream.0.readable().await?;
        let Ok(received) = guard.try_io(|stream| try_receive(stream, buffer)) else { continue };
        match received {
            Ok((count, fds)) => {
                // Fewer bytes than there was room for, and not because of descriptors: there are no more, which need not be
                // found out by asking. (A hang-up stays known.)
                if fds.is_empty() && count < buffer.len() {
                    guard.clear_ready();
                }
                return Ok((count, fds));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn try_receive(stream: &AsyncFd<OwnedFd>, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let received = recvmsg(stream, &mut [IoSliceMut::new(buffer)], &mut control, flags)?;
    let mut fds = Vec::new();
    for message in control.drain() {
        // Credentials are not asked for; whatever else the kernel adds is none of ours.
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    Ok((received.bytes, fds))
}

/// Sends bytes, the descriptors with the first of them; returns how many bytes went.
pub async fn send(stream: &Stream, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
    loop {
        match try_send(stream, bytes, fds) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            sent => return sent,
        }
    }
}

fn try_send(stream: &Stream, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "more descriptors than one message takes"));
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    Ok(sendmsg(stream, &[IoSlice::new(bytes)], &mut control, flags)?)
}

/// Sends all bytes.
pub async fn send_all(stream: &Stream, mut bytes: &[u8], mut fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    while !bytes.is_empty() {
        let sent = send(stream, bytes, fds).await?;
        fds = &[];
        bytes = bytes.get(sent..).unwrap_or_default();
    }
    Ok(())
}

/// Reads lines one by one without taking a byte of what follows the last: the kernel is asked to show them first, so that
/// pipelined messages stay in the socket together with their descriptors.
struct Lines<'a> {
    stream: &'a Stream,
    /// Bytes taken so far, against [`sasl::LIMIT`].
    taken: usize,
    /// Descriptors that shared a segment with a line; they belong to the first message.
    fds: Vec<OwnedFd>,
}

impl Lines<'_> {
    async fn next(&mut self) -> io::Result<Vec<u8>> {
        let mut shown = [0u8; 4096];
        let mut known = 0;
        loop {
            let length = self.peek(&mut shown, known).await?;
            let text = shown.get(..length).unwrap_or_default();
            if let Some(end) = text.iter().position(|byte| *byte == b'\n') {
                let mut line = vec![0; end + 1];
                let mut filled = 0;
                while let Some(rest) = line.get_mut(filled..).filter(|rest| !rest.is_empty()) {
                    let (count, fds) = receive(self.stream, rest).await?;
                    self.keep(fds)?;
                    if count == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    filled += count;
                }
                self.taken += filled;
                if self.taken > sasl::LIMIT {
                    return Err(too_long());
                }
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(line);
            }
            if length == shown.len() {
                return Err(too_long());
            }
            known = length;
        }
    }

    /// Waits until more than `known` bytes can be seen.
    async fn peek(&self, buffer: &mut [u8], known: usize) -> io::Result<usize> {
        loop {
            let mut guard = self.stream.0.readable().await?;
            let closed = guard.ready().is_read_closed();
            let seen = guard.try_io(|stream| {
                let (length, _) = rustix::net::recv(stream, &mut *buffer, RecvFlags::PEEK | RecvFlags::DONTWAIT)?;
                match length {
                    length if length > known => Ok(length),
                    // A closed socket stays readable: waiting for more would be a busy loop.
                    0 => Err(io::ErrorKind::UnexpectedEof.into()),
                    _ if closed => Err(io::ErrorKind::UnexpectedEof.into()),
                    // Nothing new: the next bytes make the socket readable again.
                    _ => Err(io::ErrorKind::WouldBlock.into()),
                }
            });
            if let Ok(seen) = seen {
                return seen;
            }
        }
    }

    fn keep(&mut self, fds: Vec<OwnedFd>) -> io::Result<()> {
        self.fds.extend(fds);
        if self.fds.len() > MAX_FDS {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "too many descriptors during authentication"));
        }
        Ok(())
    }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "authentication takes too many bytes")
}

/// The server's handshake, without its timeout; returns descriptors that belong to the first message.
pub async fn serve_handshake(stream: &Stream, uid: u32, guid: &str) -> io::Result<Vec<OwnedFd>> {
    let mut server = sasl::Server::new(uid, guid);
    let mut lines = Lines { stream, taken: 0, fds: Vec::new() };
    let mut first = true;
    loop {
        let line = lines.next().await?;
        let line = match (first, line.split_first()) {
            (true, Some((0, rest))) => rest.to_vec(),
            (true, _) => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "no NUL byte before the first line"));
            }
            (false, _) => line,
        };
        first = false;
        match server.line(&line) {
            sasl::Step::Reply(reply) => send_all(stream, reply.as_bytes(), &[]).await?,
            sasl::Step::Begin => return Ok(lines.fds),
            sasl::Step::Hangup(why) => {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
            }
        }
    }
}

/// The client's handshake; waits as long as the server takes (its socket may outlive it for a restart).
pub async fn connect_handshake(stream: &Stream) -> io::Result<Vec<OwnedFd>> {
    let greeting = sasl::client_greeting(rustix::process::geteuid().as_raw());
    send_all(stream, greeting.as_bytes(), &[]).await?;
    let mut lines = Lines { stream, taken: 0, fds: Vec::new() };
    for index in 0..2 {
        let line = lines.next().await?;
        sasl::check_server_line(index, &line).map_err(|why| io::Error::new(io::ErrorKind::PermissionDenied, why))?;
    }
    Ok(lines.fds)
}
