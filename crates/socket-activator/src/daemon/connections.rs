//! `Accept=yes`: taking connections so that none is lost, whenever this daemon is killed.
//!
//! A child accepts and puts the connection into a socket pair (see [`sys::net::accept_in_child`]); both ends of the pair
//! lie in the runner's store, so what is in it outlives us. We look at the connection without taking it out, store it under
//! a name of its own, and only then take it out. From there on it is a trigger that waits for a broker.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use sys::net;
use tokio::sync::oneshot;

use super::Daemon;
use super::store::{self, Stored};
use crate::core::Event;
use crate::sockets::accept::endpoints;
use crate::sockets::options;

/// Connections taken at a time before other sockets get their turn.
const BATCH: usize = 16;

/// The pair.
#[derive(Debug)]
pub struct AcceptQueue {
    /// Where the child writes.
    pub inlet: OwnedFd,
    /// Where we read.
    pub outlet: OwnedFd,
}

impl AcceptQueue {
    /// A new pair, its ends in the store.
    pub fn new(runner: &daemon_runtime::notify::Runner) -> io::Result<Self> {
        let (inlet, outlet) = net::pair()?;
        runner.store(store::ACCEPT_IN, &[inlet.as_fd()], false);
        runner.store(store::ACCEPT_OUT, &[outlet.as_fd()], false);
        Ok(AcceptQueue { inlet, outlet })
    }
}

impl Daemon {
    /// A port is ready.
    pub(crate) fn ready(&mut self, name: &str, slot: u32, readiness: i16, done: oneshot::Sender<()>) {
        if let Some(wait) = self.poll_pause(name, slot) {
            // The watcher looks again when `done` is gone. It is taken back with the watcher if the unit stops meanwhile.
            tokio::task::spawn_local(async move {
                tokio::time::sleep(wait).await;
                drop(done);
            });
            return;
        }
        let Some(unit) = self.units.get(name) else { return };
        let Some(port) = unit.ports.iter().find(|port| port.slot == slot) else { return };
        if readiness != net::POLLIN {
            let text = if readiness & net::POLLHUP != 0 {
                "Got POLLHUP on a listening socket. The service probably invoked shutdown() on it.".to_owned()
            } else {
                format!("Got unexpected poll event ({readiness:#x}) on socket.")
            };
            return self.feed(name, Event::Broken { text });
        }
        if unit.settings.accepts() && port.can_accept() {
            self.accept_some(name, slot);
            let _ = done.send(());
        } else {
            let id = self.next_id();
            self.feed(name, Event::Traffic { id });
        }
    }

    /// Counts a wake-up of a port; how long it must rest if there were too many (systemd.socket(5), PollLimitBurst=).
    fn poll_pause(&mut self, name: &str, slot: u32) -> Option<Duration> {
        let unit = self.units.get_mut(name)?;
        let (interval, burst) = unit.settings.poll_limit?;
        let port = unit.ports.iter_mut().find(|port| port.slot == slot)?;
        let now = sys::clock::boottime();
        if port.wake_ups.below(now, interval, burst) {
            return None;
        }
        let until = port.wake_ups.full_until(now, interval, burst)?;
        tracing::debug!("{name}: poll limit hit on {}", port.address.text);
        Some(Duration::from_micros(until.saturating_sub(now)))
    }

    fn accept_some(&mut self, name: &str, slot: u32) {
        // With a limit, every connection counts.
        let limited = self.units.get(name).is_some_and(|unit| unit.settings.poll_limit.is_some());
        for _ in 0..if limited { 1 } else { BATCH } {
            let Some(unit) = self.units.get(name) else { return };
            // The unit may have ended with the last connection.
            let Some(fd) = unit.ports.iter().find(|port| port.slot == slot).and_then(|port| port.fd.clone()) else {
                return;
            };
            if unit.watchers.is_empty() {
                return;
            }
            let accepted = match &self.queue {
                Some(queue) => net::accept_in_child(fd.as_fd(), queue.inlet.as_fd(), store::key(name).as_bytes()),
                None => net::accept(fd.as_fd()).map(|connection| self.accepted(name, connection)),
            };
            match accepted {
                Ok(()) => self.take_accepted(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if transient(&error) => {}
                Err(error) => {
                    let text = format!("Failed to accept socket: {}", net::message(&error));
                    return self.feed(name, Event::Broken { text });
                }
            }
        }
    }

    /// Takes everything out of the queue.
    pub(crate) fn take_accepted(&mut self) {
        loop {
            let Some(queue) = &self.queue else { return };
            let (tag, mut fds) = match net::receive(queue.outlet.as_fd(), true) {
                Ok(message) => message,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => return tracing::error!("cannot look into the accept queue: {error}"),
            };
            let name = self.tagged(&tag);
            let cookie = fds.first().and_then(|fd| net::cookie(fd.as_fd()).ok());
            let known = |name: &str, cookie| self.units.get(name).is_some_and(|u| u.connections.contains_key(&cookie));
            if let (Some(name), Some(cookie)) = (&name, cookie)
                && !known(name, cookie)
                && let Some(fd) = fds.first()
            {
                self.runner.store(&store::name(name, &Stored::Connection(cookie)), &[fd.as_fd()], false);
            }
            // Safe elsewhere now.
            let _ = net::receive(queue.outlet.as_fd(), false);
            if let (Some(name), Some(cookie), Some(fd)) = (name, cookie, fds.pop())
                && !known(&name, cookie)
            {
                self.accepted(&name, fd);
            }
        }
    }

    /// The unit whose name, or a short form of it, is the tag of a connection.
    fn tagged(&self, tag: &[u8]) -> Option<Rc<str>> {
        let plain = std::str::from_utf8(tag).ok().and_then(|tag| self.units.get_key_value(tag));
        let found = plain.map(|(name, _)| name);
        found.or_else(|| self.units.keys().find(|name| store::key(name).as_bytes() == tag)).cloned()
    }

    /// A connection that is in the store: now it is the unit's.
    pub(crate) fn accepted(&mut self, name: &str, fd: OwnedFd) {
        let Ok(cookie) = net::cookie(fd.as_fd()) else { return };
        let Some((local, peer)) = endpoints(fd.as_fd()) else {
            // Reset before it was looked at: systemd ignores it too.
            self.runner.remove(&store::name(name, &Stored::Connection(cookie)));
            return;
        };
        let id = self.next_id();
        let Some(unit) = self.units.get_mut(name) else { return };
        options::apply(fd.as_fd(), name, &unit.settings.socket);
        unit.connections.insert(cookie, fd);
        self.feed(name, Event::Connection { id, cookie, local, peer });
    }

    /// The broker has taken a trigger. The connection leaves the store first: what is found there after a restart without
    /// a trigger is new, and a trigger without its connection was taken.
    pub(crate) fn acknowledge(&mut self, id: u64) {
        let has = |machine: &crate::core::Machine| machine.triggers.iter().find(|t| t.id == id).cloned();
        let found = self.units.iter().find_map(|(name, unit)| Some((name.clone(), has(&unit.machine)?)));
        let Some((name, trigger)) = found else { return };
        if let Some(cookie) = trigger.connection {
            self.drop_connection(&name, cookie);
        }
        self.feed(&name, Event::Ack { id });
    }
}

/// Errors of accept(2) that belong to one connection, not to the socket (accept(2), "Error handling").
fn transient(error: &io::Error) -> bool {
    const ERRORS: &[i32] = &[
        libc::ECONNABORTED,
        libc::ECONNRESET,
        libc::EINTR,
        libc::ENETDOWN,
        libc::EPROTO,
        libc::ENOPROTOOPT,
        libc::EHOSTDOWN,
        libc::ENONET,
        libc::EHOSTUNREACH,
        libc::EOPNOTSUPP,
        libc::ENETUNREACH,
        libc::ETIMEDOUT,
        libc::EPERM,
    ];
    error.raw_os_error().is_some_and(|errno| ERRORS.contains(&errno))
}
