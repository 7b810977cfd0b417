//! `ListenNetlink=`: a netlink family by name, and a multicast group.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use sys::net::{self, Address};
use unit_parser::ListenAddress;
use unit_parser::ListenTarget as Written;

use super::address::mismatch;
use super::error::{OpenError, at};

/// systemd's names of netlink families (netlink(7)).
const FAMILIES: &[(&str, i32)] = &[
    ("route", libc::NETLINK_ROUTE),
    ("firewall", libc::NETLINK_FIREWALL),
    ("inet-diag", libc::NETLINK_INET_DIAG),
    ("nflog", libc::NETLINK_NFLOG),
    ("xfrm", libc::NETLINK_XFRM),
    ("selinux", libc::NETLINK_SELINUX),
    ("iscsi", libc::NETLINK_ISCSI),
    ("audit", libc::NETLINK_AUDIT),
    ("fib-lookup", libc::NETLINK_FIB_LOOKUP),
    ("connector", libc::NETLINK_CONNECTOR),
    ("netfilter", libc::NETLINK_NETFILTER),
    ("ip6-fw", libc::NETLINK_IP6_FW),
    ("dnrtmsg", libc::NETLINK_DNRTMSG),
    ("kobject-uevent", libc::NETLINK_KOBJECT_UEVENT),
    ("scsitransport", libc::NETLINK_SCSITRANSPORT),
    ("rdma", libc::NETLINK_RDMA),
];

/// A raw netlink socket, in the group.
pub fn open(listen: &ListenAddress) -> Result<OwnedFd, OpenError> {
    let what = listen.text.as_str();
    let Written::Netlink { family, group } = &listen.address else {
        return Err(mismatch(listen));
    };
    let known = FAMILIES.iter().find(|(name, _)| name == family).map(|(_, number)| *number);
    let Some(protocol) = known.or_else(|| family.parse().ok()) else {
        return Err(at("create netlink socket", what)(io::Error::from_raw_os_error(libc::EPROTONOSUPPORT)));
    };
    let socket = net::socket(libc::AF_NETLINK, libc::SOCK_RAW, protocol).map_err(at("create netlink socket", what))?;
    net::set_option_int(socket.as_fd(), libc::SOL_SOCKET, libc::SO_REUSEADDR, 1).map_err(at("set up", what))?;
    // systemd takes the number as the bit set of bind(2).
    net::bind(socket.as_fd(), &Address::Netlink { groups: *group }).map_err(at("bind to", what))?;
    Ok(socket)
}
