//! An address of a unit, with its descriptor while the unit is up.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;

use sys::namespace::Kind;
use sys::net;
use unit_parser::{ListenAddress, ListenKind};

use super::error::{OpenError, at};
use super::{address, node, open, options, usb};
use crate::core::rate_limit::RateLimit;
use crate::settings::Settings;

/// A descriptor that tasks may watch while the unit holds it.
#[derive(Debug, Clone)]
pub struct SharedFd(Rc<OwnedFd>);

impl AsFd for SharedFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for SharedFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// One `Listen…=` line of a unit.
#[derive(Debug, Clone)]
pub struct Port {
    /// Where.
    pub address: ListenAddress,
    /// Number of its descriptor in the store; stays with the address when lines are added before it.
    pub slot: u32,
    /// While it is open.
    pub fd: Option<SharedFd>,
    /// Wake-ups by traffic, where they are limited (`PollLimitBurst=`).
    pub wake_ups: RateLimit,
}

impl Port {
    /// A port that isn't open.
    pub fn new(address: ListenAddress, slot: u32) -> Self {
        Port { address, slot, fd: None, wake_ups: RateLimit::default() }
    }

    /// Opens it, with all options and links; a socket in that network namespace, if it is given.
    pub fn open(&mut self, settings: &Settings, network: Option<&OwnedFd>) -> Result<SharedFd, OpenError> {
        let opened = match network.filter(|_| self.is_socket()) {
            None => open(&self.address, &settings.open),
            Some(network) => sys::namespace::within(Kind::Network, network, || open(&self.address, &settings.open))
                .map_err(at("enter the network namespace of", &self.address.text))?,
        };
        let fd = SharedFd(Rc::new(opened?));
        options::apply(fd.as_fd(), &self.address.text, &settings.socket);
        if let Some(path) = address::node(&self.address) {
            node::make_links(path, &settings.open);
        }
        self.fd = Some(fd.clone());
        Ok(fd)
    }

    /// Takes back a descriptor that was stored.
    pub fn adopt(&mut self, fd: OwnedFd) {
        self.fd = Some(SharedFd(Rc::new(fd)));
    }

    /// Closes it; with `RemoveOnStop=` what it made goes too.
    pub fn close(&mut self, settings: &Settings) {
        if self.fd.take().is_none() || !settings.open.remove_on_stop {
            return;
        }
        if let Some(path) = address::node(&self.address) {
            node::remove(path);
            for link in &settings.open.symlinks {
                node::remove(link.as_ref());
            }
        }
        if self.address.kind == ListenKind::MessageQueue
            && let Ok(name) = address::path(&self.address)
        {
            let _ = net::mq_unlink(&name.to_string_lossy());
        }
    }

    /// What goes to the service beside the descriptor: the endpoints of a USB function.
    ///
    /// # Errors
    /// When they can't be opened.
    pub fn endpoints(&self) -> std::io::Result<Vec<OwnedFd>> {
        match address::path(&self.address) {
            Ok(path) if self.address.kind == ListenKind::UsbFunction => usb::endpoints(path),
            _ => Ok(Vec::new()),
        }
    }

    /// Whether it is a socket, which is of a network, as opposed to a file or queue.
    pub fn is_socket(&self) -> bool {
        use ListenKind as Kind;
        matches!(self.address.kind, Kind::Stream | Kind::Datagram | Kind::SequentialPacket | Kind::Netlink)
    }

    /// Whether connections are accepted on it, as opposed to data being read.
    pub fn can_accept(&self) -> bool {
        matches!(self.address.kind, ListenKind::Stream | ListenKind::SequentialPacket)
    }

    /// Drops what is pending (`FlushPending=`).
    pub fn flush(&self) {
        let Some(fd) = &self.fd else { return };
        // Bounded: a sender that never stops must not hold the daemon.
        for _ in 0..1024 {
            // The service may have made the socket a blocking one: the open file is the same.
            if !matches!(net::readiness(fd.as_fd()), Ok(net::POLLIN)) {
                return;
            }
            let more = if self.can_accept() { net::accept(fd.as_fd()).map(|_| true) } else { net::discard(fd.as_fd()) };
            if !matches!(more, Ok(true)) {
                return;
            }
        }
    }
}
