//! Exit statuses of orphans on their way to the supervisor: a datagram each, kept by the kernel while it is away.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixDatagram;

/// The kernel queues a few hundred datagrams; more than this many beyond are forgotten, oldest first.
const LIMIT: usize = 65_536;

/// Both ends of the socket pair: the receiving one goes to every supervisor that is started.
#[derive(Debug)]
pub struct Exits {
    sender: UnixDatagram,
    receiver: UnixDatagram,
    waiting: VecDeque<String>,
}

impl Exits {
    /// Makes the pair.
    pub fn new() -> io::Result<Self> {
        let (sender, receiver) = UnixDatagram::pair()?;
        sender.set_nonblocking(true)?;
        receiver.set_nonblocking(true)?;
        Ok(Self { sender, receiver, waiting: VecDeque::new() })
    }

    /// What the supervisor gets as descriptor `exits`.
    pub fn receiver(&self) -> BorrowedFd<'_> {
        self.receiver.as_fd()
    }

    /// Queues one status.
    pub fn send(&mut self, pid: i32, code: i32, status: i32) {
        if self.waiting.len() >= LIMIT {
            self.waiting.pop_front();
        }
        self.waiting.push_back(format!("{pid} {code} {status}"));
        self.flush();
    }

    /// Sends what the kernel takes now; the rest goes with the next event.
    pub fn flush(&mut self) {
        while let Some(text) = self.waiting.front() {
            match self.sender.send(text.as_bytes()) {
                Ok(_) => drop(self.waiting.pop_front()),
                Err(_) => break,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_when_nobody_reads_for_a_while() {
        let mut exits = Exits::new().expect("socket pair");
        (0..2_000).for_each(|pid| exits.send(pid, 1, 0));
        let mut buffer = [0; 64];
        for pid in 0..2_000 {
            let bytes = loop {
                match exits.receiver.recv(&mut buffer) {
                    Ok(bytes) => break bytes,
                    Err(_) => exits.flush(),
                }
            };
            assert_eq!(&buffer[..bytes], format!("{pid} 1 0").as_bytes());
        }
    }
}
