//! A TCP server that says hello to everybody, in two ways of life:
//!
//! * started by a socket unit (`my_server.socket`), it finds its listening socket as descriptor 3 (sd_listen_fds(3)):
//!   LISTEN_PID says that the descriptors are meant for this very process, LISTEN_FDS how many there are;
//! * started by hand, it binds port 3233 by itself.
//!
//! It knows nothing of restarts: while it is down, the socket stays open elsewhere and clients wait in its backlog.

use std::io::{self, Write};
use std::net::{Ipv6Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::FromRawFd;
use std::time::Duration;
use std::{env, process, thread};

/// The port that is bound when nobody passes a socket.
const PORT: u16 = 3233;
/// The first passed descriptor, right behind standard error.
const FIRST_PASSED: i32 = 3;

fn main() -> io::Result<()> {
    let listener = match passed_socket() {
        Some(listener) => listener,
        // All addresses, IPv4 ones included.
        None => TcpListener::bind((Ipv6Addr::UNSPECIFIED, PORT))?,
    };
    eprintln!("my_server: process {}, listening on {}", process::id(), listener.local_addr()?);
    loop {
        let (connection, _) = listener.accept()?;
        // A client that is slow to go must not hold up the next one.
        thread::spawn(move || greet(connection));
    }
}

/// The socket that was passed to this process, if there is one.
fn passed_socket() -> Option<TcpListener> {
    let pid: u32 = env::var("LISTEN_PID").ok()?.parse().ok()?;
    let count: i32 = env::var("LISTEN_FDS").ok()?.parse().ok()?;
    if pid != process::id() || count < 1 {
        return None; // inherited from a parent for whom they were meant
    }
    // SAFETY: LISTEN_PID and LISTEN_FDS say that descriptor 3 is open and ours, and nothing has taken it yet.
    Some(unsafe { TcpListener::from_raw_fd(FIRST_PASSED) })
}

/// Answers one client.
fn greet(mut connection: TcpStream) -> io::Result<()> {
    connection.write_all(b"Hello from the server!\n")?;
    connection.shutdown(Shutdown::Write)?;
    // Closing with unread bytes would reset the connection and could take the greeting with it: let the client go first.
    connection.set_read_timeout(Some(Duration::from_secs(1)))?;
    io::copy(&mut connection, &mut io::sink())?;
    Ok(())
}
