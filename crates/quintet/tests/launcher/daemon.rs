//! A play-act daemon: one command per connection on its `bus` socket, one line as answer.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::{Command, ExitCode};
use sys::listen_fds::NamedFd;
use sys::notify::Notifier;
use sys::signals::{self, Signals};

pub fn play(name: &str) -> ExitCode {
    signals::block_all().unwrap();
    let signals = Signals::all().unwrap();
    let notifier = Notifier::from_env().unwrap().unwrap();
    let (mut bus, mut others) = (None, Vec::new());
    for NamedFd { name, fd } in sys::listen_fds() {
        if name == "bus" && bus.is_none() {
            bus = Some(UnixListener::from(fd));
        } else {
            others.push((name, fd));
        }
    }
    let bus = bus.unwrap();
    bus.set_nonblocking(true).unwrap();
    notifier.send("READY=1").unwrap();
    loop {
        let wait = |fd| PollFd::new(fd, PollFlags::POLLIN);
        poll(&mut [wait(signals.as_fd()), wait(bus.as_fd())], PollTimeout::NONE).unwrap();
        while let Some(arrived) = signals.read().unwrap() {
            if arrived.signal == libc_number("TERM") {
                note(&format!("{name} TERM"));
                return ExitCode::SUCCESS;
            }
            if arrived.signal >= signals::rtmin() {
                note(&format!("{name} RTMIN+{}", arrived.signal - signals::rtmin()));
                if std::env::var_os("PLAY_DEAF").is_none() {
                    notifier.send("X_QUINTET_REQUEST=exit\nX_QUINTET_EXIT_STATUS=7").unwrap();
                }
            }
        }
        while let Ok((connection, _)) = bus.accept() {
            connection.set_nonblocking(false).unwrap();
            obey(connection, &others, &notifier);
        }
    }
}

fn libc_number(name: &str) -> i32 {
    signals::number(name).unwrap()
}

/// Appends to the record of what happened, in the order in which it happened.
fn note(line: &str) {
    let path = std::path::PathBuf::from(std::env::var("QUINTET_RUNTIME_DIR").unwrap()).join("notes");
    OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn obey(mut connection: UnixStream, others: &[(String, OwnedFd)], notifier: &Notifier) {
    let mut line = String::new();
    BufReader::new(&connection).read_line(&mut line).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let answer = match words.as_slice() {
        ["pid"] => std::process::id().to_string(),
        ["names"] => others.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" "),
        ["contents"] => others.iter().filter_map(|(_, fd)| content(fd)).collect::<Vec<_>>().join(" "),
        ["store", name, content] => {
            let fd = sys::memfd::sealed("stored", content.as_bytes()).unwrap();
            notifier.send_fds(&format!("FDSTORE=1\nFDNAME={name}\nFDPOLL=0"), &[fd.as_fd()]).unwrap();
            answered(notifier)
        }
        ["store-pipe", name] => {
            let (near, far) = UnixStream::pair().unwrap();
            notifier.send_fds(&format!("FDSTORE=1\nFDNAME={name}"), &[near.as_fd()]).unwrap();
            let answer = answered(notifier);
            drop(far); // now the stored end hangs up
            answer
        }
        ["remove", name] => {
            notifier.send(&format!("FDSTOREREMOVE=1\nFDNAME={name}")).unwrap();
            answered(notifier)
        }
        ["notify", text] => {
            notifier.send(text).unwrap();
            "sent".to_owned()
        }
        // Never waited for: it is the launcher's child once we are dead.
        ["orphan", script @ ..] => {
            let child = Command::new("/bin/sh").args(["-c", &script.join(" ")]).spawn();
            child.map_or_else(|e| e.to_string(), |child| child.id().to_string())
        }
        ["exit-status"] => {
            let exits = others.iter().find(|(name, _)| name == "exits").unwrap().1.try_clone().unwrap();
            let exits = UnixDatagram::from(exits);
            poll(&mut [PollFd::new(exits.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE).unwrap();
            let mut buffer = [0; 64];
            let bytes = exits.recv(&mut buffer).unwrap();
            String::from_utf8_lossy(&buffer[..bytes]).into_owned()
        }
        ["die", status] => {
            let _ = connection.write_all(b"dying\n");
            std::process::exit(status.parse().unwrap());
        }
        other => format!("what is {other:?}?"),
    };
    connection.write_all(format!("{answer}\n").as_bytes()).unwrap();
}

fn answered(notifier: &Notifier) -> String {
    if notifier.barrier(60_000).unwrap() { "done" } else { "no answer" }.to_owned()
}

/// What a stored memfd holds; `None` for sockets.
fn content(fd: &OwnedFd) -> Option<String> {
    let mut text = String::new();
    let mut file =
        OpenOptions::new().read(true).open(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(fd))).ok()?;
    file.read_to_string(&mut text).ok().map(|_| text)
}
