//! TCP, UDP, SCTP, UDP-Lite and vsock sockets.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use sys::net::{self, Address};

use super::error::{OpenError, at};
use crate::settings::OpenOptions;

/// Linux' option that nix and libc have no common name for.
const IPV6_FREEBIND: i32 = 78;

/// A bound socket; listening if its type can.
pub fn open(address: &Address, kind: i32, what: &str, options: &OpenOptions) -> Result<OwnedFd, OpenError> {
    let internet = matches!(address, Address::V4(_) | Address::V6(_));
    let protocol = if internet { options.protocol } else { 0 };
    let socket = net::socket(address.family(), kind, protocol).map_err(at("create listening socket", what))?;
    let fd = socket.as_fd();
    if let (Address::V6(_), Some(only)) = (address, options.ipv6_only) {
        net::set_option_int(fd, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, only.into())
            .map_err(at("set BindIPv6Only= of", what))?;
    }
    if internet {
        before_bind(fd, address, what, options)?;
    }
    net::set_option_int(fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1).map_err(at("set up", what))?;
    net::bind(fd, address).map_err(at("bind to", what))?;
    if kind != libc::SOCK_DGRAM {
        net::listen(fd, options.backlog).map_err(at("listen on", what))?;
    }
    Ok(socket)
}

fn before_bind(fd: BorrowedFd<'_>, address: &Address, what: &str, options: &OpenOptions) -> Result<(), OpenError> {
    if let Some(device) = &options.device {
        let name: Vec<u8> = device.bytes().chain([0]).collect();
        net::set_option_bytes(fd, libc::SOL_SOCKET, libc::SO_BINDTODEVICE, &name)
            .map_err(at("set BindToDevice= of", what))?;
    }
    let v6 = matches!(address, Address::V6(_));
    let (ip, free, transparent) = if v6 {
        (libc::IPPROTO_IPV6, IPV6_FREEBIND, libc::IPV6_TRANSPARENT)
    } else {
        (libc::IPPROTO_IP, libc::IP_FREEBIND, libc::IP_TRANSPARENT)
    };
    // systemd warns and goes on when one of these can't be set.
    for (wanted, level, name, directive) in [
        (options.reuse_port, libc::SOL_SOCKET, libc::SO_REUSEPORT, "ReusePort="),
        (options.free_bind, ip, free, "FreeBind="),
        (options.transparent, ip, transparent, "Transparent="),
    ] {
        if wanted {
            warn(net::set_option_int(fd, level, name, 1), what, directive);
        }
    }
    Ok(())
}

fn warn(result: io::Result<()>, what: &str, directive: &str) {
    if let Err(error) = result {
        tracing::warn!("{what}: {directive} failed, ignoring: {}", net::message(&error));
    }
}
