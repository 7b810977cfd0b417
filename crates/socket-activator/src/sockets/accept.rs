//! The two ends of an accepted connection, as instance names want them.

use std::net::SocketAddr;
use std::os::fd::BorrowedFd;

use sys::net::{self, Address};

use crate::core::instance::Endpoint;

/// Our end and the other. `None` when the peer is gone already: a connection that was reset before it was looked at.
pub fn endpoints(fd: BorrowedFd<'_>) -> Option<(Endpoint, Endpoint)> {
    let local = net::local_address(fd).ok()?;
    let peer = net::peer_address(fd).ok()?;
    Some((endpoint(&local, fd)?, endpoint(&peer, fd)?))
}

fn endpoint(address: &Address, fd: BorrowedFd<'_>) -> Option<Endpoint> {
    Some(match address {
        Address::V4(v4) => Endpoint::Inet(SocketAddr::V4(*v4)),
        Address::V6(v6) => Endpoint::Inet(SocketAddr::V6(*v6)),
        Address::Vsock { cid, port } => Endpoint::Vsock(*cid, *port),
        Address::Path(_) | Address::Abstract(_) | Address::Unnamed => {
            Endpoint::Unix(sys::peer::credentials(fd).ok().map(|peer| (peer.pid, peer.uid)))
        }
        Address::Netlink { .. } | Address::Other(_) => return None,
    })
}
