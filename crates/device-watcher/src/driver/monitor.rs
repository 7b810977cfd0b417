//! udev's netlink socket, or the kernel's. libudev drops messages that don't come from root (the kernel's: from the
//! kernel), were sent to nobody but us, or don't match the filter.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use daemon_runtime::readiness;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{setsockopt, sockopt};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::database::{Filter, Source};
use crate::core::event::DeviceEvent;

/// How much the kernel may queue for us; a limit, not memory in use. The default of 208 kB holds few hundred events.
const RECEIVE_BUFFER: usize = 128 << 20;

/// Events taken in one go, so that clients are served in between.
const BATCH: usize = 256;

/// A listening socket.
pub struct Monitor {
    socket: udev::MonitorSocket,
    source: Source,
    readiness: AsyncFd<OwnedFd>,
}

/// What came.
#[derive(Debug, Default)]
pub struct Received {
    /// Events in order.
    pub events: Vec<DeviceEvent>,
    /// The kernel dropped events after these: the database must be read again.
    pub overflow: bool,
}

impl Monitor {
    /// Starts to listen; from here on no event is missed.
    ///
    /// # Errors
    /// When the socket can't be made.
    pub fn listen(filter: &Filter) -> io::Result<Monitor> {
        let mut builder = match filter.source {
            Source::Udev => udev::MonitorBuilder::new()?,
            Source::Kernel => udev::MonitorBuilder::new_kernel()?,
        };
        if let Some(tag) = &filter.tag {
            builder = builder.match_tag(tag)?;
        }
        if let Some(subsystem) = &filter.subsystem {
            builder = builder.match_subsystem(subsystem)?;
        }
        if let Err(forced) = setsockopt(&builder, sockopt::RcvBufForce, &RECEIVE_BUFFER) {
            // Without CAP_NET_ADMIN: as much as net.core.rmem_max lets us.
            let capped = setsockopt(&builder, sockopt::RcvBuf, &RECEIVE_BUFFER);
            tracing::debug!(%forced, ?capped, "receive buffer of udev's socket");
        }
        let socket = builder.listen()?;
        let readiness = readiness::watch(&socket, Interest::READABLE)?;
        Ok(Monitor { socket, source: filter.source, readiness })
    }

    /// Waits for events and takes what is there.
    ///
    /// # Errors
    /// When the socket fails for good.
    pub async fn receive(&self) -> io::Result<Received> {
        loop {
            let mut guard = self.readiness.readable().await?;
            if let Ok(result) = guard.try_io(|_| drain(&self.socket, self.source)) {
                return result;
            }
        }
    }
}

fn is_readable(socket: &udev::MonitorSocket) -> bool {
    let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    matches!(poll(&mut fds, PollTimeout::ZERO), Ok(1..))
}

/// The iterator ends alike for "nothing left" and for errors; errno tells which.
fn drain(socket: &udev::MonitorSocket, source: Source) -> io::Result<Received> {
    let mut received = Received::default();
    let mut iterator = socket.iter();
    // After an overflow all that is still queued, which is older than what the database says, goes before it is read again.
    while received.overflow || received.events.len() < BATCH {
        Errno::clear();
        if let Some(event) = iterator.next() {
            received.events.push(source.read(&event.device()));
            continue;
        }
        match Errno::last() {
            // libudev says EAGAIN for a message that it ignores (from another sender, say), too.
            Errno::UnknownErrno | Errno::EAGAIN if is_readable(socket) => {}
            Errno::UnknownErrno | Errno::EAGAIN => {
                if received.events.is_empty() && !received.overflow {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                return Ok(received);
            }
            Errno::ENOBUFS => received.overflow = true,
            Errno::EINTR => {}
            other => return Err(other.into()),
        }
    }
    Ok(received)
}
