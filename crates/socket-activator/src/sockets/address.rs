//! A unit's addresses as the kernel takes them.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::path::Path;

use sys::net::Address;
use unit_parser::ListenAddress;
use unit_parser::ListenTarget as Written;

use super::error::OpenError;

/// For sockets of the internet, AF_UNIX and AF_VSOCK.
pub fn socket_address(listen: &ListenAddress) -> Result<Address, OpenError> {
    Ok(match &listen.address {
        Written::Any(port) if has_ipv6() => Address::V6(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, *port, 0, 0)),
        Written::Any(port) => Address::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, *port)),
        Written::Inet(SocketAddr::V4(address)) => Address::V4(*address),
        Written::Inet(SocketAddr::V6(address)) => Address::V6(*address),
        Written::Link { address, interface } => {
            let index = interface.parse().ok().or_else(|| sys::net::interface_index(interface));
            let source = || io::Error::from_raw_os_error(libc::ENODEV);
            let index =
                index.ok_or_else(|| OpenError { what: listen.text.clone(), step: "bind to", source: source() })?;
            Address::V6(SocketAddrV6::new(*address.ip(), address.port(), 0, index))
        }
        Written::Path(path) => Address::Path(path.into()),
        Written::Abstract(name) => Address::Abstract(name.clone().into_bytes()),
        Written::Vsock { cid, port } => Address::Vsock { cid: *cid, port: *port },
        Written::Netlink { .. } => return Err(mismatch(listen)),
    })
}

/// The path of a FIFO, special file, queue or directory.
pub fn path(listen: &ListenAddress) -> Result<&Path, OpenError> {
    match &listen.address {
        Written::Path(path) => Ok(Path::new(path)),
        Written::Any(_)
        | Written::Inet(_)
        | Written::Link { .. }
        | Written::Abstract(_)
        | Written::Vsock { .. }
        | Written::Netlink { .. } => Err(mismatch(listen)),
    }
}

/// A definition that no parser of ours makes.
pub fn mismatch(listen: &ListenAddress) -> OpenError {
    let source = io::Error::from_raw_os_error(libc::EINVAL);
    OpenError { what: listen.text.clone(), step: "use", source }
}

/// The file system path of an AF_UNIX socket or FIFO: what `SocketUser=`, `Symlinks=` and `RemoveOnStop=` are about.
pub fn node(listen: &ListenAddress) -> Option<&Path> {
    use unit_parser::ListenKind as Kind;
    match (listen.kind, &listen.address) {
        (Kind::Stream | Kind::Datagram | Kind::SequentialPacket | Kind::Fifo, Written::Path(path)) => {
            Some(Path::new(path))
        }
        _ => None,
    }
}

fn has_ipv6() -> bool {
    // Of this thread, that may be in another network than the daemon.
    Path::new("/proc/thread-self/net/if_inet6").exists()
}
