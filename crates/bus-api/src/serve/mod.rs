//! Serving D-Bus peer to peer: listeners in, one stream of [`Incoming`] out.
//!
//! The daemon dispatches by hand: it reads [`Incoming`], answers with [`Server::send`] and signals with
//! [`Server::broadcast`], neither of which ever waits for a client. Runs inside a `tokio::task::LocalSet`.

mod client;
mod dispatch;
mod driver;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixListener;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc;
use zbus::message::Message;
use zbus::names::UniqueName;

pub use self::dispatch::{default_reply, error_reply, guarded};
use crate::names::PEER_NAME;
use crate::socket::queue::{PushError, Queue};

/// What a server allows.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at a time over all listeners, those in their handshake included.
    pub connections: usize,
    /// Size of an incoming message, bytes.
    pub message: usize,
    /// Bytes queued for a client that does not read, before it is disconnected. A start of 16,000 units has signals of 100 MB.
    pub queue: usize,
    /// Time for the handshake.
    pub handshake: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { connections: 4096, message: 16 << 20, queue: 256 << 20, handshake: crate::socket::sasl::TIMEOUT }
    }
}

/// Identifies a connection for as long as the process lives; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(u64);

/// Who is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The connection.
    pub id: ClientId,
    /// Its uid (SO_PEERCRED): 0 or our own.
    pub uid: u32,
    /// Its PID as it connected; 0 when it lives in another PID namespace.
    pub pid: u32,
    /// Which listener it came through, as given to [`Server::listen`].
    pub face: &'static str,
}

/// What happens on the connections. Per client: `Connected`, any number of `Message`, `Disconnected`.
#[derive(Debug)]
pub enum Incoming {
    /// The handshake is done.
    Connected(Client),
    /// A message of any type.
    Message(ClientId, Message),
    /// Over, from either side.
    Disconnected(ClientId),
}

/// Receives [`Incoming`].
pub type IncomingStream = mpsc::Receiver<Incoming>;

/// Messages that wait for the daemon; readers wait when they are more, and so do the clients.
const PENDING: usize = 256;

/// A handle on the server; clones are the same server.
#[derive(Debug, Clone)]
pub struct Server {
    shared: Rc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limits: Limits,
    guid: String,
    next: Cell<u64>,
    /// Connections that are accepted and not yet over.
    open: Cell<usize>,
    clients: RefCell<BTreeMap<ClientId, Entry>>,
    incoming: mpsc::Sender<Incoming>,
}

#[derive(Debug)]
struct Entry {
    client: Client,
    queue: Rc<Queue>,
    /// It gets no remarks.
    quiet: Cell<bool>,
}

impl Server {
    /// A server without listeners.
    pub fn new(limits: Limits) -> (Server, IncomingStream) {
        let (incoming, stream) = mpsc::channel(PENDING);
        let shared = Shared {
            limits,
            guid: zbus::Guid::generate().to_string(),
            next: Cell::new(1),
            open: Cell::new(0),
            clients: RefCell::default(),
            incoming,
        };
        (Server { shared: Rc::new(shared) }, stream)
    }

    /// Accepts connections on a bound and listening socket; `face` marks its clients (`private`, `bus`).
    ///
    /// # Errors
    /// When the socket cannot be watched.
    pub fn listen(&self, listener: UnixListener, face: &'static str) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::UnixListener::from_std(listener)?;
        tokio::task::spawn_local(client::accept(self.clone(), listener, face));
        Ok(())
    }

    /// Queues a message for a client; `false` when it is gone or was disconnected for not reading.
    /// A message without sender gets `:1.0`.
    pub fn send(&self, client: ClientId, message: Message) -> bool {
        let Some(message) = with_sender(message) else {
            return false;
        };
        let queue = self.shared.clients.borrow().get(&client).map(|entry| entry.queue.clone());
        queue.is_some_and(|queue| self.push(client, &queue, message))
    }

    /// Queues a message, usually a signal, for every client.
    pub fn broadcast(&self, message: Message) {
        self.broadcast_if(message, |_| true);
    }

    /// Queues a message for the clients that came through one listener.
    pub fn broadcast_to(&self, face: &str, message: Message) {
        self.broadcast_if(message, |client| client.face == face);
    }

    /// Queues a message for the clients that `wanted` picks.
    pub fn broadcast_if(&self, message: Message, wanted: impl Fn(&Client) -> bool) {
        let Some(message) = with_sender(message) else {
            return;
        };
        let targets: Vec<(ClientId, Rc<Queue>)> = self
            .shared
            .clients
            .borrow()
            .values()
            .filter(|entry| wanted(&entry.client))
            .map(|entry| (entry.client.id, entry.queue.clone()))
            .collect();
        for (client, queue) in targets {
            self.push(client, &queue, message.clone());
        }
    }

    /// This client gets nothing any more of what [`Server::remark`] tells.
    pub fn quieten(&self, client: ClientId) {
        if let Some(entry) = self.shared.clients.borrow().get(&client) {
            entry.quiet.set(true);
        }
    }

    /// Queues a message that is no more than a remark for the clients that did not ask to be spared; it isn't even made when
    /// there is none.
    pub fn remark(&self, make: impl FnOnce() -> Option<Message>) {
        let curious: Vec<ClientId> = {
            let clients = self.shared.clients.borrow();
            clients.values().filter(|entry| !entry.quiet.get()).map(|entry| entry.client.id).collect()
        };
        if let Some(message) = (!curious.is_empty()).then(make).flatten() {
            self.broadcast_if(message, |client| curious.contains(&client.id));
        }
    }

    /// Ends a connection; what is queued for it is dropped.
    pub fn disconnect(&self, client: ClientId) {
        if let Some(entry) = self.shared.clients.borrow().get(&client) {
            entry.queue.close();
        }
    }

    /// All connected clients.
    pub fn clients(&self) -> Vec<Client> {
        self.shared.clients.borrow().values().map(|entry| entry.client.clone()).collect()
    }

    /// One client, while it is connected.
    pub fn client(&self, id: ClientId) -> Option<Client> {
        self.shared.clients.borrow().get(&id).map(|entry| entry.client.clone())
    }

    /// Waits until all queues are with the kernel, `limit` at most: for a daemon about to exit.
    pub async fn drain(&self, limit: Duration) {
        let queues: Vec<_> = self.shared.clients.borrow().values().map(|entry| entry.queue.clone()).collect();
        let all = async {
            for queue in queues {
                queue.drained().await;
            }
        };
        // A client that does not read must not hold up the exit.
        let _ = tokio::time::timeout(limit, all).await;
    }

    fn push(&self, client: ClientId, queue: &Queue, message: Message) -> bool {
        match queue.push(message) {
            Ok(()) => true,
            Err(PushError::Closed) => false,
            Err(error @ (PushError::Overflow | PushError::TooManyFds)) => {
                tracing::warn!(client = client.0, "message not sent: {error}");
                false
            }
        }
    }
}

/// sd-bus matches signals on their sender, zbus insists on a unique name: see [`PEER_NAME`].
fn with_sender(message: Message) -> Option<Message> {
    if message.header().sender().is_some() {
        return Some(message);
    }
    let named = UniqueName::try_from(PEER_NAME).and_then(|name| message.with_sender(&name));
    named.inspect_err(|error| tracing::error!("message not sent: {error}")).ok()
}
