//! The command of every service in a random graph: it writes down that it was started, and then waits until the test says
//! how to go on, so that nothing depends on how quick anybody is.
//!
//!     gate DIR UNIT PHASE... [--notify]
//!     gate --relay SOCKET
//!
//! For each PHASE in turn: one line `UNIT PHASE` is added to DIR/log, and a word is awaited on the socket DIR/UNIT.PHASE:
//! `ok` goes on (and ends well after the last phase), `fail` ends with status 1, `crash` by SIGKILL. With `--notify`, READY=1
//! is sent after the first phase. With `--relay`, it moves bytes between a socket and its own standard input and output.
#![forbid(unsafe_code)]

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [option, socket] = arguments.as_slice()
        && option == "--relay"
    {
        return if relay(Path::new(socket)).is_ok() { ExitCode::SUCCESS } else { ExitCode::from(5) };
    }
    let notify = arguments.last().is_some_and(|last| last == "--notify");
    if notify {
        arguments.pop();
    }
    let [dir, unit, phases @ ..] = arguments.as_slice() else { return ExitCode::from(2) };
    for (at, phase) in phases.iter().enumerate() {
        match wait(Path::new(dir), unit, phase) {
            Ok(word) if word == "ok" => {}
            Ok(word) if word == "crash" => {
                let _ = Command::new("kill").args(["-KILL", &std::process::id().to_string()]).status();
            }
            Ok(_) => return ExitCode::from(1),
            Err(error) => {
                eprintln!("{dir}: {unit}: {error}");
                return ExitCode::from(3);
            }
        }
        if notify && at == 0 && ready().is_err() {
            return ExitCode::from(4);
        }
    }
    ExitCode::SUCCESS
}

/// Waits for a word; those who only look whether somebody is here send none.
fn wait(dir: &Path, unit: &str, phase: &str) -> io::Result<String> {
    let path = dir.join(format!("{unit}.{phase}"));
    let _ = fs::remove_file(&path);
    // A line at a time: others write to it too.
    let line = format!("{unit} {phase}\n");
    OpenOptions::new().append(true).create(true).open(dir.join("log"))?.write_all(line.as_bytes())?;
    let listener = UnixListener::bind(&path)?;
    loop {
        let mut word = String::new();
        let mut teller = listener.accept()?.0;
        teller.read_to_string(&mut word)?;
        if !word.is_empty() {
            // The teller waits until its connection ends: then nobody is at this gate any more.
            fs::remove_file(&path)?;
            return Ok(word);
        }
    }
}

/// Ends when either side does.
fn relay(path: &Path) -> io::Result<()> {
    let socket = UnixStream::connect(path)?;
    let other = socket.try_clone()?;
    std::thread::spawn(move || {
        let _ = move_bytes(io::stdin(), other);
        std::process::exit(0);
    });
    move_bytes(socket, io::stdout())
}

fn move_bytes(mut from: impl Read, mut to: impl Write) -> io::Result<()> {
    let mut buffer = [0; 65536];
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..count])?;
        to.flush()?;
    }
}

/// sd_notify(3).
fn ready() -> io::Result<()> {
    let path = std::env::var("NOTIFY_SOCKET").map_err(io::Error::other)?;
    let address = match path.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&path)?,
    };
    UnixDatagram::unbound()?.send_to_addr(b"READY=1", &address)?;
    Ok(())
}
