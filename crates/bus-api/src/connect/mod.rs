//! Calling a daemon peer to peer: one persistent connection that comes back by itself.
//!
//! Calls go out in the order in which [`Peer::send`] and [`Peer::call`] were called. A daemon that is down is *away*, not
//! failed: [`PeerEvent::Away`] says so, calls under way end with [`CallError::Away`] (they may or may not have been
//! carried out), and after [`PeerEvent::Back`] the caller lists what is there and decides anew.

mod link;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use zbus::message::{Message, Type};

use crate::errors::ErrorName;
use crate::socket::queue::Queue;

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Nobody is there, or went away before the answer.
    #[error("the daemon is away")]
    Away,
    /// The daemon's error.
    #[error("{text} ({name})")]
    Remote {
        /// D-Bus error name; [`ErrorName::from_wire`] knows ours.
        name: String,
        /// Its text.
        text: String,
    },
    /// The message was not sent: too many descriptors.
    #[error("the message cannot be sent: {0}")]
    Unsendable(String),
}

impl CallError {
    /// The error's name if it is one that Quintet sends.
    pub fn name(&self) -> Option<ErrorName> {
        match self {
            CallError::Remote { name, .. } => ErrorName::from_wire(name),
            CallError::Away | CallError::Unsendable(_) => None,
        }
    }
}

/// What happens on the connection, in order.
#[derive(Debug)]
pub enum PeerEvent {
    /// Connected; nothing of an earlier connection is left.
    Back,
    /// The connection is over, or (once) could not be made at first.
    Away {
        /// For the log.
        reason: String,
    },
    /// A signal.
    Signal(Message),
    /// The answer to [`Peer::send`].
    Reply {
        /// What [`Peer::send`] returned.
        serial: u32,
        /// The reply.
        result: Result<Message, CallError>,
    },
    /// A call from the other side. No daemon of ours makes any, and it is answered with UnknownMethod already; on a message
    /// bus it is some client's, and whoever receives this answers it.
    Call(Message),
}

/// Receives [`PeerEvent`].
pub type PeerEvents = mpsc::UnboundedReceiver<PeerEvent>;

/// A connection to a daemon; clones are the same connection. Needs a `tokio::task::LocalSet`.
#[derive(Debug, Clone)]
pub struct Peer {
    shared: Rc<Shared>,
    _task: Rc<Task>,
}

/// Ends the connection's task with the last handle.
#[derive(Debug)]
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Other {
    /// One of our daemons: of our user, and it makes no calls.
    Daemon,
    /// A message bus: of any user, and calls of others come through it.
    Bus,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    other: Other,
    /// `Some` while connected.
    queue: RefCell<Option<Rc<Queue>>>,
    pending: RefCell<HashMap<u32, Waiter>>,
    events: mpsc::UnboundedSender<PeerEvent>,
    reported_away: Cell<bool>,
}

#[derive(Debug)]
enum Waiter {
    /// [`Peer::call`]
    Future(oneshot::Sender<Result<Message, CallError>>),
    /// [`Peer::send`]
    Event,
}

/// Waits between attempts to connect: doubled from the first to the last.
const RETRY: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

impl Peer {
    /// Connects to `path`, and again whenever the connection is lost, until the last handle is dropped.
    pub fn open(path: &Path) -> (Peer, PeerEvents) {
        let (shared, receiver) = Shared::new(path, Other::Daemon);
        let task = tokio::task::spawn_local(link::keep(shared.clone()));
        (Peer { shared, _task: Rc::new(Task(task.abort_handle())) }, receiver)
    }

    /// Connects once, for a command that fails when nobody is there. The events end with `Away`.
    ///
    /// # Errors
    /// When there is no socket, nobody listens, the handshake fails or takes longer than `timeout`.
    pub async fn connect(path: &Path, timeout: Duration) -> io::Result<(Peer, PeerEvents)> {
        Peer::connect_to(path, Other::Daemon, timeout).await
    }

    /// The same for the socket of a message bus. Calls that come over it are not answered here.
    ///
    /// # Errors
    /// As [`Peer::connect`].
    pub(crate) async fn connect_to_bus(path: &Path, timeout: Duration) -> io::Result<(Peer, PeerEvents)> {
        Peer::connect_to(path, Other::Bus, timeout).await
    }

    async fn connect_to(path: &Path, other: Other, timeout: Duration) -> io::Result<(Peer, PeerEvents)> {
        let connected = tokio::time::timeout(timeout, link::establish(path, other)).await;
        let established =
            connected.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the daemon does not answer"))??;
        let (shared, receiver) = Shared::new(path, other);
        let queue = shared.set_back();
        let running = shared.clone();
        let task = tokio::task::spawn_local(async move {
            let reason = link::run(&running, established, &queue).await;
            running.set_away(reason);
        });
        Ok((Peer { shared, _task: Rc::new(Task(task.abort_handle())) }, receiver))
    }

    /// Whether the daemon is there as far as we know.
    pub fn is_back(&self) -> bool {
        self.shared.queue.borrow().is_some()
    }

    /// The socket's path.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Sends a call; the answer comes as [`PeerEvent::Reply`], in order with the signals around it.
    ///
    /// # Errors
    /// [`CallError::Away`], [`CallError::Unsendable`]: nothing was sent and no event follows.
    pub fn send(&self, message: Message) -> Result<u32, CallError> {
        self.submit(message, Waiter::Event)
    }

    /// Sends a call (now, not when the future is first polled); the future is its answer.
    pub fn call(&self, message: Message) -> impl Future<Output = Result<Message, CallError>> + use<> {
        let (sender, receiver) = oneshot::channel();
        let sent = self.submit(message, Waiter::Future(sender));
        async move {
            sent?;
            receiver.await.unwrap_or(Err(CallError::Away))
        }
    }

    /// Waits until what is queued is with the kernel, `limit` at most.
    pub(crate) async fn drain(&self, limit: Duration) {
        let queue = self.shared.queue.borrow().clone();
        if let Some(queue) = queue {
            // A peer that does not read must not hold up the exit.
            let _ = tokio::time::timeout(limit, queue.drained()).await;
        }
    }

    fn submit(&self, message: Message, waiter: Waiter) -> Result<u32, CallError> {
        let queue = self.shared.queue.borrow().clone().ok_or(CallError::Away)?;
        let serial = message.primary_header().serial_num().get();
        let waits = crate::message::expects_reply(&message);
        queue.push(message).map_err(|error| match error {
            crate::socket::queue::PushError::Closed | crate::socket::queue::PushError::Overflow => CallError::Away,
            crate::socket::queue::PushError::TooManyFds => CallError::Unsendable(error.to_string()),
        })?;
        if waits {
            self.shared.pending.borrow_mut().insert(serial, waiter);
        }
        Ok(serial)
    }
}

impl Shared {
    fn new(path: &Path, other: Other) -> (Rc<Shared>, PeerEvents) {
        let (events, receiver) = mpsc::unbounded_channel();
        let shared = Shared {
            path: path.to_owned(),
            other,
            queue: RefCell::default(),
            pending: RefCell::default(),
            events,
            reported_away: Cell::new(false),
        };
        (Rc::new(shared), receiver)
    }

    fn emit(&self, event: PeerEvent) {
        // Whoever only makes calls drops the receiver.
        let _ = self.events.send(event);
    }

    fn set_back(&self) -> Rc<Queue> {
        let queue = Rc::new(Queue::new(link::QUEUE_LIMIT));
        *self.queue.borrow_mut() = Some(queue.clone());
        self.reported_away.set(false);
        self.emit(PeerEvent::Back);
        queue
    }

    fn set_away(&self, reason: String) {
        if let Some(queue) = self.queue.borrow_mut().take() {
            queue.close();
        }
        let mut waiting: Vec<(u32, Waiter)> = self.pending.borrow_mut().drain().collect();
        waiting.sort_unstable_by_key(|(serial, _)| *serial);
        for (serial, waiter) in waiting {
            self.settle(serial, waiter, Err(CallError::Away));
        }
        if !self.reported_away.replace(true) {
            self.emit(PeerEvent::Away { reason });
        }
    }

    fn settle(&self, serial: u32, waiter: Waiter, result: Result<Message, CallError>) {
        match waiter {
            // The caller may have stopped waiting.
            Waiter::Future(sender) => drop(sender.send(result)),
            Waiter::Event => self.emit(PeerEvent::Reply { serial, result }),
        }
    }

    /// Takes in a message from the daemon.
    fn receive(&self, message: Message, queue: &Queue) {
        match message.message_type() {
            Type::Signal => self.emit(PeerEvent::Signal(message)),
            Type::MethodCall => {
                let answer = match self.other {
                    Other::Daemon => crate::serve::default_reply(&message, &|_| None),
                    Other::Bus => None,
                };
                if let Some(answer) = answer {
                    // A full queue closes the connection, which its task reports.
                    let _ = queue.push(answer);
                }
                self.emit(PeerEvent::Call(message));
            }
            Type::MethodReturn | Type::Error => {
                let Some(serial) = message.header().reply_serial().map(std::num::NonZeroU32::get) else {
                    return;
                };
                let Some(waiter) = self.pending.borrow_mut().remove(&serial) else {
                    return;
                };
                let result = match message.message_type() {
                    Type::Error => Err(remote_error(&message)),
                    Type::MethodReturn | Type::MethodCall | Type::Signal => Ok(message),
                };
                self.settle(serial, waiter, result);
            }
        }
    }
}

fn remote_error(message: &Message) -> CallError {
    let name = message.header().error_name().map(|name| name.to_string()).unwrap_or_default();
    let body = message.body();
    let text = body.deserialize::<(String,)>().map(|(text,)| text).unwrap_or_default();
    CallError::Remote { name, text }
}
