//! One connection from accept to its end.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};

use super::{Client, ClientId, Entry, Incoming, Server};
use crate::socket::queue::Queue;
use crate::socket::reader::Reader;
use crate::socket::stream::{Stream, serve_handshake};

/// Accepts until the server is dropped with its task set.
pub(super) async fn accept(server: Server, listener: UnixListener, face: &'static str) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => admit(&server, stream, face),
            Err(error) => {
                // Out of descriptors or memory: the connection stays in the backlog, try again when some are free.
                tracing::warn!(face, "cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn admit(server: &Server, stream: UnixStream, face: &'static str) {
    let shared = &server.shared;
    if shared.open.get() >= shared.limits.connections {
        tracing::warn!(face, limit = shared.limits.connections, "too many connections, one refused");
        return;
    }
    let credentials = match rustix::net::sockopt::socket_peercred(&stream) {
        Ok(credentials) => credentials,
        Err(error) => return tracing::warn!(face, "no credentials of a connection: {error}"),
    };
    let uid = credentials.uid.as_raw();
    if uid != 0 && uid != rustix::process::geteuid().as_raw() {
        return tracing::warn!(face, uid, "connection refused: only root and this daemon's own user may connect");
    }
    let id = ClientId(shared.next.get());
    shared.next.set(id.0 + 1);
    let client = Client { id, uid, pid: credentials.pid.as_raw_nonzero().get().unsigned_abs(), face };
    shared.open.set(shared.open.get() + 1);
    let server = server.clone();
    tokio::task::spawn_local(async move {
        if let Err(error) = run(&server, client, stream).await {
            tracing::debug!(client = id.0, face, "connection ended: {error}");
        }
        server.shared.open.set(server.shared.open.get().saturating_sub(1));
    });
}

async fn run(server: &Server, client: Client, stream: UnixStream) -> io::Result<()> {
    let limits = &server.shared.limits;
    let stream = Stream::new(stream)?;
    let handshake = serve_handshake(&stream, client.uid, &server.shared.guid);
    let fds = tokio::time::timeout(limits.handshake, handshake)
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "handshake took too long"))??;
    let id = client.id;
    let queue = Rc::new(Queue::new(limits.queue));
    let entry = Entry { client: client.clone(), queue: queue.clone(), quiet: false.into() };
    server.shared.clients.borrow_mut().insert(id, entry);
    let result = if server.shared.incoming.send(Incoming::Connected(client)).await.is_ok() {
        let stream = Arc::new(stream);
        let mut reader = Reader::new(stream.clone(), limits.message, fds);
        tokio::select! {
            result = read(server, id, &mut reader) => result,
            result = queue.write_to(&stream) => result,
        }
    } else {
        Ok(())
    };
    queue.close();
    server.shared.clients.borrow_mut().remove(&id);
    // The daemon may have dropped its end: then nobody needs to know.
    let _ = server.shared.incoming.send(Incoming::Disconnected(id)).await;
    result
}

async fn read(server: &Server, id: ClientId, reader: &mut Reader) -> io::Result<()> {
    loop {
        let message = reader.next().await.map_err(io::Error::other)?;
        if server.shared.incoming.send(Incoming::Message(id, message)).await.is_err() {
            return Ok(());
        }
    }
}
