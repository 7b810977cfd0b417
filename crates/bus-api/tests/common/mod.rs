//! A socket in a directory of its own, a server that echoes, raw clients.
#![allow(dead_code, reason = "each test program uses a part")]

use std::future::Future;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use bus_api::errors::{BusError, ErrorName};
use bus_api::message::{NamedFd, arguments, member, reply};
use bus_api::serve::{Incoming, Limits, Server, default_reply, guarded};
use zbus::connection::socket::ReadHalf;
use zbus::message::Message;

/// Runs a test on the runtime that the daemons have.
pub fn local(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let limited = async { tokio::time::timeout(std::time::Duration::from_secs(30), test).await };
    tokio::task::LocalSet::new().block_on(&runtime, limited).expect("the test takes too long");
}

/// Runs a blocking client beside the server.
pub fn blocking<T: Send + 'static>(client: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> {
    let running = tokio::task::spawn_blocking(client);
    async { running.await.expect("client") }
}

/// A private directory with a socket path in it.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("bus-api-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        Scratch(dir)
    }

    pub fn path(&self) -> PathBuf {
        self.0.join("bus")
    }

    pub fn listener(&self) -> UnixListener {
        UnixListener::bind(self.path()).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// `org.quintet.Test1` on a socket, as a daemon would serve it.
pub struct Echo {
    scratch: Scratch,
    task: tokio::task::JoinHandle<()>,
}

impl Echo {
    pub fn start(limits: Limits) -> Echo {
        let scratch = Scratch::new();
        let listener = scratch.listener();
        let task = tokio::task::spawn_local(serve(listener, limits));
        Echo { scratch, task }
    }

    pub fn path(&self) -> PathBuf {
        self.scratch.path()
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves until dropped.
pub async fn serve(listener: UnixListener, limits: Limits) {
    let (server, mut incoming) = Server::new(limits);
    server.listen(listener, "bus").unwrap();
    while let Some(event) = incoming.recv().await {
        if let Incoming::Message(client, message) = event
            && let Some(answer) = handle(&message)
        {
            server.send(client, answer);
        }
    }
}

fn handle(message: &Message) -> Option<Message> {
    let call = message.clone();
    guarded(message, move || match member(&call).as_str() {
        "Echo" => Ok(Some(reply(&call, &arguments::<(String,)>(&call)?)?)),
        "Fds" => Ok(Some(reply(&call, &arguments::<(Vec<NamedFd>,)>(&call)?)?)),
        "Refuse" => Err(BusError::new(ErrorName::NoSuchUnit, "Unit a.service not loaded.")),
        "Panic" => panic!("a handler of the test panics"),
        _ => Ok(default_reply(&call, &|_| Some("<node/>".to_owned()))),
    })
}

/// A client past its handshake.
pub fn greet(path: &Path) -> UnixStream {
    try_greet(path).expect("handshake")
}

/// The same, `None` when the server hangs up.
pub fn try_greet(path: &Path) -> Option<UnixStream> {
    let mut client = UnixStream::connect(path).ok()?;
    client.set_read_timeout(Some(std::time::Duration::from_secs(10))).ok()?;
    client.write_all(b"\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n").ok()?;
    let mut lines = vec![0; "DATA\r\nOK \r\nAGREE_UNIX_FD\r\n".len() + 32];
    client.read_exact(&mut lines).ok()?;
    Some(client)
}

/// Reads one message, without descriptors.
pub fn read_message(client: &mut UnixStream) -> Message {
    let mut bytes = vec![0; 16];
    client.read_exact(&mut bytes).expect("a message");
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let size = (16 + word(12)).next_multiple_of(8) + word(4);
    bytes.resize(size, 0);
    client.read_exact(&mut bytes[16..]).expect("the rest of a message");
    parse(bytes)
}

/// zbus parses what a reader has already received.
fn parse(mut bytes: Vec<u8>) -> Message {
    #[derive(Debug)]
    struct Nothing;
    #[zbus::export::async_trait::async_trait]
    impl ReadHalf for Nothing {
        async fn recvmsg(&mut self, _: &mut [u8]) -> std::io::Result<(usize, Vec<std::os::fd::OwnedFd>)> {
            Err(std::io::ErrorKind::UnexpectedEof.into())
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut nothing = Nothing;
    std::thread::scope(|scope| {
        scope
            .spawn(|| runtime.block_on(nothing.receive_message(1, &mut bytes, &mut Vec::new())))
            .join()
            .expect("parser")
            .expect("a well-formed message")
    })
}
