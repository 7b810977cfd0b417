//! The life of one connection, and of the attempts to have one.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use tokio::net::UnixStream;

use super::{Other, RETRY, Shared};
use crate::socket::queue::Queue;
use crate::socket::reader::Reader;
use crate::socket::stream::{Stream, connect_handshake};

/// Largest message that is taken from a daemon, bytes: the D-Bus maximum, for lists of many thousand units.
const MESSAGE_LIMIT: usize = 128 << 20;
/// Bytes of calls that a daemon may leave unread.
pub(super) const QUEUE_LIMIT: usize = 64 << 20;

/// A connection after its handshake.
pub(super) struct Established {
    stream: Arc<Stream>,
    fds: Vec<OwnedFd>,
}

/// Connects and authenticates. Waits while the socket is there and its daemon is not (the launcher holds it).
pub(super) async fn establish(path: &Path, other: Other) -> io::Result<Established> {
    let stream = UnixStream::connect(path).await?;
    let server = rustix::net::sockopt::socket_peercred(&stream)?.uid.as_raw();
    if other == Other::Daemon && server != 0 && server != rustix::process::geteuid().as_raw() {
        let text = format!("{} belongs to another user (uid {server})", path.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    let stream = Stream::new(stream)?;
    let fds = connect_handshake(&stream).await?;
    Ok(Established { stream: Arc::new(stream), fds })
}

/// Moves messages until the connection ends; returns why.
pub(super) async fn run(shared: &Shared, established: Established, queue: &Queue) -> String {
    let Established { stream, fds } = established;
    let mut reader = Reader::new(stream.clone(), MESSAGE_LIMIT, fds);
    let read = async {
        loop {
            match reader.next().await {
                Ok(message) => shared.receive(message, queue),
                Err(error) => return error.to_string(),
            }
        }
    };
    let write = async {
        match queue.write_to(&stream).await {
            Ok(()) => "the daemon does not read its messages".to_owned(),
            Err(error) => error.to_string(),
        }
    };
    tokio::select! {
        reason = read => reason,
        reason = write => reason,
    }
}

/// Keeps a connection for as long as its task lives.
pub(super) async fn keep(shared: Rc<Shared>) {
    let mut wait = RETRY.0;
    loop {
        match establish(&shared.path, shared.other).await {
            Ok(established) => {
                wait = RETRY.0;
                let queue = shared.set_back();
                let reason = run(&shared, established, &queue).await;
                shared.set_away(reason);
            }
            Err(error) => shared.set_away(error.to_string()),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(RETRY.1);
    }
}
