//! A connection's write queue: filled without waiting, emptied by one task, bounded.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;

use tokio::sync::Notify;
use zbus::message::Message;

use super::stream::Stream;
use super::{MAX_FDS, stream};

/// Small messages without descriptors that share a `sendmsg`.
const BATCH: usize = 64 * 1024;

/// Why a message was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// The connection is over.
    #[error("the connection is closed")]
    Closed,
    /// The peer does not read; the connection is over now.
    #[error("the peer does not read its messages")]
    Overflow,
    /// One message takes 253 descriptors at most.
    #[error("more than {MAX_FDS} descriptors in one message")]
    TooManyFds,
}

/// The queue.
#[derive(Debug)]
pub struct Queue {
    messages: RefCell<VecDeque<Message>>,
    bytes: Cell<usize>,
    limit: usize,
    changed: Notify,
    /// Wakes those who wait in [`Queue::drained`].
    empty: Notify,
    writing: Cell<bool>,
    closed: Cell<bool>,
}

impl Queue {
    /// A queue that takes `limit` bytes. A single message may be larger: it is queued when nothing else is.
    pub fn new(limit: usize) -> Queue {
        Queue {
            messages: RefCell::default(),
            bytes: Cell::new(0),
            limit,
            changed: Notify::new(),
            empty: Notify::new(),
            writing: Cell::new(false),
            closed: Cell::new(false),
        }
    }

    /// Queues a message.
    ///
    /// # Errors
    /// See [`PushError`].
    pub fn push(&self, message: Message) -> Result<(), PushError> {
        if self.closed.get() {
            return Err(PushError::Closed);
        }
        if message.data().fds().len() > MAX_FDS {
            return Err(PushError::TooManyFds);
        }
        let size = message.data().len();
        if self.bytes.get() != 0 && self.bytes.get() + size > self.limit {
            self.close();
            return Err(PushError::Overflow);
        }
        self.bytes.set(self.bytes.get() + size);
        self.messages.borrow_mut().push_back(message);
        self.changed.notify_one();
        Ok(())
    }

    /// Ends the connection: [`Queue::write_to`] returns, nothing more is queued.
    pub fn close(&self) {
        self.closed.set(true);
        self.messages.borrow_mut().clear();
        self.bytes.set(0);
        self.changed.notify_one();
        self.empty.notify_waiters();
    }

    /// Waits until everything is with the kernel, or the connection is closed.
    pub async fn drained(&self) {
        loop {
            let wait = self.empty.notified();
            if self.closed.get() || (!self.writing.get() && self.messages.borrow().is_empty()) {
                return;
            }
            wait.await;
        }
    }

    /// Writes until the queue is closed or the socket fails.
    ///
    /// # Errors
    /// Those of `sendmsg`.
    pub async fn write_to(&self, socket: &Stream) -> io::Result<()> {
        let mut batch = Vec::new();
        loop {
            if self.closed.get() {
                return Ok(());
            }
            let Some(message) = self.pop() else {
                self.writing.set(false);
                self.empty.notify_waiters();
                self.changed.notified().await;
                continue;
            };
            self.writing.set(true);
            if message.data().fds().is_empty() {
                batch.clear();
                batch.extend_from_slice(message.data());
                while let Some(next) = self.pop_into(BATCH.saturating_sub(batch.len())) {
                    batch.extend_from_slice(next.data());
                }
                stream::send_all(socket, &batch, &[]).await?;
                batch.shrink_to(BATCH);
            } else {
                let fds: Vec<_> = message.data().fds().iter().map(AsFd::as_fd).collect();
                stream::send_all(socket, message.data(), &fds).await?;
            }
        }
    }

    fn pop(&self) -> Option<Message> {
        let message = self.messages.borrow_mut().pop_front()?;
        self.bytes.set(self.bytes.get().saturating_sub(message.data().len()));
        Some(message)
    }

    /// The next message if it has no descriptors and fits.
    fn pop_into(&self, room: usize) -> Option<Message> {
        let fits = self.messages.borrow().front().is_some_and(|m| m.data().fds().is_empty() && m.data().len() <= room);
        if fits { self.pop() } else { None }
    }
}
