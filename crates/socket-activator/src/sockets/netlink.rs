//! `ListenNetlink=`: a netlink family by name, and a multicast group.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use sys::net::{self, Address};
use unit_parser::ListenAddress;
use unit_parser::ListenTarget as Written;
use unit_parser::parse::listen;

use super::address::mismatch;
use super::error::{OpenError, at};

/// A raw netlink socket, in the group.
pub fn open(address: &ListenAddress) -> Result<OwnedFd, OpenError> {
    let what = address.text.as_str();
    let Written::Netlink { family, group } = &address.address else {
        return Err(mismatch(address));
    };
    let Some(protocol) = listen::netlink_number(family) else {
        return Err(at("create netlink socket", what)(io::Error::from_raw_os_error(libc::EPROTONOSUPPORT)));
    };
    let socket = net::socket(libc::AF_NETLINK, libc::SOCK_RAW, protocol).map_err(at("create netlink socket", what))?;
    net::set_option_int(socket.as_fd(), libc::SOL_SOCKET, libc::SO_REUSEADDR, 1).map_err(at("set up", what))?;
    // systemd takes the number as the bit set of bind(2).
    net::bind(socket.as_fd(), &Address::Netlink { groups: *group }).map_err(at("bind to", what))?;
    Ok(socket)
}
