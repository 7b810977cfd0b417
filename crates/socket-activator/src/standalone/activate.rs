//! `socket-activator --listen ADDRESS -- COMMAND`: waits, then becomes the command with the sockets; with `--accept`
//! starts one command per connection instead, for ever.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::ExitCode;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use sys::exec::Program;
use sys::net;

use super::{command, listen};
use crate::cli::ActivateArgs;

/// Runs until the command takes over, or with `--accept` until killed.
pub fn activate(args: &ActivateArgs) -> ExitCode {
    match try_activate(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("socket-activator: {text}");
            ExitCode::FAILURE
        }
    }
}

fn try_activate(args: &ActivateArgs) -> Result<(), String> {
    if args.command.is_empty() {
        return Err("No command to start: socket-activator --listen ADDRESS -- COMMAND".to_owned());
    }
    // Whatever isn't a known option begins the command.
    if let Some(option) = args.command.first().filter(|word| word.to_string_lossy().starts_with('-')) {
        return Err(format!("unrecognized option '{}'; a command follows --", option.display()));
    }
    if args.accept && args.datagram {
        return Err("Datagram sockets do not accept connections: --datagram and --accept do not go together".to_owned());
    }
    let fds = listen::sockets(args)?;
    if args.inetd && !args.accept && fds.len() != 1 {
        return Err("--inetd passes one socket only".to_owned());
    }
    let program = command::program(args, if args.accept { 1 } else { fds.len() })?;
    let fds: Vec<OwnedFd> = fds;
    let borrowed: Vec<BorrowedFd<'_>> = fds.iter().map(AsFd::as_fd).collect();
    if args.accept {
        serve(&program, &borrowed)
    } else {
        wait(&borrowed)?;
        let words: Vec<_> = args.command.iter().map(|word| word.to_string_lossy()).collect();
        eprintln!("Execing {} ({})", program.path().display(), words.join(" "));
        // The sockets are non-blocking for poll only; whoever gets them expects the default, as systemd passes them.
        for fd in &borrowed {
            net::set_blocking(*fd).map_err(|error| error.to_string())?;
        }
        Err(format!("Failed to execute: {}", program.replace(&borrowed)))
    }
}

fn wait(fds: &[BorrowedFd<'_>]) -> Result<(), String> {
    loop {
        let ready = net::wait(fds).map_err(|error| format!("Failed to wait: {error}"))?;
        if let Some(first) = ready.first() {
            eprintln!("Communication attempt on fd {}.", first + 3);
            return Ok(());
        }
    }
}

/// One child per connection. The ends of children wake us too, so that none stays a zombie.
fn serve(program: &Program, listeners: &[BorrowedFd<'_>]) -> Result<(), String> {
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGCHLD);
    let ends = mask
        .thread_block()
        .and_then(|()| SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK))
        .map_err(|error| format!("Failed to watch children: {error}"))?;
    let fds: Vec<BorrowedFd<'_>> = listeners.iter().copied().chain([ends.as_fd()]).collect();
    loop {
        for at in net::wait(&fds).map_err(|error| format!("Failed to wait: {error}"))? {
            match listeners.get(at) {
                Some(listener) => accept_all(program, *listener)?,
                None => reap(&ends),
            }
        }
    }
}

/// Some connections, then the others' turn: poll comes back at once while there are more.
fn accept_all(program: &Program, listener: BorrowedFd<'_>) -> Result<(), String> {
    for _ in 0..16 {
        match program.accept_and_spawn(listener) {
            Ok(pid) => eprintln!("Spawned {} as PID {pid}.", program.path().display()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted) => {}
            Err(error) => return Err(format!("Failed to start {}: {error}", program.path().display())),
        }
    }
    Ok(())
}

fn reap(ends: &SignalFd) {
    while let Ok(Some(_)) = ends.read_signal() {}
    while let Ok(Some((pid, exit))) = sys::reap::any() {
        eprintln!("Child {pid} died with code {}", exit.status());
    }
}
