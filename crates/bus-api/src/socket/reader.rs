//! Reading messages: zbus parses, this hands it bytes and refuses what is too large before anything is allocated.

use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use zbus::connection::socket::ReadHalf;
use zbus::export::async_trait::async_trait;
use zbus::message::Message;

use super::stream::Stream;
use super::{MAX_FDS, stream};

const FIXED_HEADER: usize = 16;
/// Bytes that are taken from the socket at once: some messages of usual size, so that a burst of them costs one system call.
const CHUNK: usize = 16 * 1024;

/// The read side of a connection after its handshake.
#[derive(Debug)]
pub struct Reader {
    bytes: Bytes,
    sequence: u64,
}

impl Reader {
    /// Reads messages of at most `limit` bytes; `fds` came during the handshake and belong to the first.
    pub fn new(stream: Arc<Stream>, limit: usize, fds: Vec<OwnedFd>) -> Reader {
        let ahead = Ahead { stream, buffer: Vec::new(), ready: 0..0, fds: Vec::new() };
        let bytes = Bytes { ahead, limit, fds, fd_count: 0, header: [0; FIXED_HEADER], have: 0, rest: 0 };
        Reader { bytes, sequence: 0 }
    }

    /// The next message.
    ///
    /// # Errors
    /// When the peer is gone, or sent something that is not a message or too large; the connection is then of no use.
    pub async fn next(&mut self) -> Result<Message, zbus::Error> {
        self.sequence += 1;
        self.bytes.receive_message(self.sequence, &mut Vec::new(), &mut Vec::new()).await
    }
}

/// What has been read from the socket and not been asked for yet.
///
/// The kernel ends a read behind the segment that carries descriptors (unix(7)), and whoever sends a message with descriptors
/// begins a segment with it. So descriptors belong to the message that the last byte of their read is part of, and they are
/// handed out together with that byte.
#[derive(Debug)]
struct Ahead {
    stream: Arc<Stream>,
    /// [`CHUNK`] bytes, from the first read on.
    buffer: Vec<u8>,
    /// Which bytes of `buffer` are still to be handed out.
    ready: Range<usize>,
    fds: Vec<OwnedFd>,
}

impl Ahead {
    /// Fills `window`, or a part of it. 0 bytes: the peer is gone.
    async fn read(&mut self, window: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        if self.ready.is_empty() {
            if window.len() >= CHUNK {
                return stream::receive(&self.stream, window).await;
            }
            self.buffer.resize(CHUNK, 0);
            let (count, fds) = stream::receive(&self.stream, &mut self.buffer).await?;
            self.ready = 0..count;
            self.fds = fds;
        }
        let ready = self.buffer.get(self.ready.clone()).unwrap_or_default();
        let count = ready.len().min(window.len());
        if let (Some(to), Some(from)) = (window.get_mut(..count), ready.get(..count)) {
            to.copy_from_slice(from);
        }
        self.ready.start += count;
        Ok((count, if self.ready.is_empty() { std::mem::take(&mut self.fds) } else { Vec::new() }))
    }
}

/// Gives zbus the bytes of one message after the other: the fixed header, then exactly the rest that it announces.
#[derive(Debug)]
struct Bytes {
    ahead: Ahead,
    limit: usize,
    fds: Vec<OwnedFd>,
    /// Descriptors of the message being read.
    fd_count: usize,
    header: [u8; FIXED_HEADER],
    /// How much of `header` is there.
    have: usize,
    /// How much of the message is left behind the header.
    rest: usize,
}

impl Bytes {
    /// Size of the message that `header` opens (D-Bus specification, "Message Format").
    fn size(&self) -> io::Result<usize> {
        let h = &self.header;
        let word = |at: [u8; 4]| match h[0] {
            b'B' => Ok(u32::from_be_bytes(at)),
            b'l' => Ok(u32::from_le_bytes(at)),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "not a D-Bus message")),
        };
        let body = word([h[4], h[5], h[6], h[7]])? as usize;
        let fields = word([h[12], h[13], h[14], h[15]])? as usize;
        Ok(FIXED_HEADER.saturating_add(fields).next_multiple_of(8).saturating_add(body))
    }
}

#[async_trait]
impl ReadHalf for Bytes {
    async fn recvmsg(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        let in_header = self.rest == 0;
        let wanted = if in_header { FIXED_HEADER - self.have } else { self.rest };
        let length = buffer.len().min(wanted);
        let window = buffer.get_mut(..length).unwrap_or_default();
        let (count, mut fds) = self.ahead.read(window).await?;
        fds.splice(..0, self.fds.drain(..));
        self.fd_count += fds.len();
        if self.fd_count > MAX_FDS {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "too many descriptors in one message"));
        }
        if in_header {
            for (to, from) in self.header.iter_mut().skip(self.have).zip(window.iter().take(count)) {
                *to = *from;
            }
            self.have += count;
            if self.have == FIXED_HEADER {
                let size = self.size()?;
                if size > self.limit {
                    let text = format!("message of {size} bytes, the limit is {}", self.limit);
                    return Err(io::Error::new(io::ErrorKind::InvalidData, text));
                }
                self.rest = size - FIXED_HEADER;
            }
        } else {
            self.rest -= count;
        }
        if self.have == FIXED_HEADER && self.rest == 0 {
            self.have = 0;
            self.fd_count = 0;
        }
        Ok((count, fds))
    }

    fn can_pass_unix_fd(&self) -> bool {
        true
    }
}
