//! Socket options of a unit, on its sockets and on the connections they accept. None is worth failing for: what the kernel
//! refuses is logged, as in systemd.

use std::os::fd::BorrowedFd;

use sys::net;

use crate::settings::SocketOptions;

/// linux/socket.h; newer than libc's list.
const SO_PASSPIDFD: i32 = 76;
const NETLINK_PKTINFO: i32 = 3;
const PACKET_AUXDATA: i32 = 8;
const SOL_NETLINK: i32 = 270;
const SOL_PACKET: i32 = 263;

/// Sets them on `fd`, in systemd's order (`IPTOS=` changes the priority).
pub fn apply(fd: BorrowedFd<'_>, what: &str, options: &SocketOptions) {
    let Some((family, _)) = family(fd) else { return };
    let set = |directive: &str, level, name, value: i64| {
        let value = i32::try_from(value).unwrap_or(i32::MAX);
        if let Err(error) = net::set_option_int(fd, level, name, value) {
            tracing::warn!("{what}: {directive} failed, ignoring: {}", net::message(&error));
        }
    };
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let (socket, tcp) = (libc::SOL_SOCKET, libc::IPPROTO_TCP);
    let o = options;
    let (timestamp, timestamp_ns) = (o.timestamping == "us", o.timestamping == "ns");
    let (ttl_level, ttl) = match family {
        libc::AF_INET6 => (libc::IPPROTO_IPV6, libc::IPV6_UNICAST_HOPS),
        _ => (libc::IPPROTO_IP, libc::IP_TTL),
    };
    for (wanted, directive, level, name, value) in [
        (o.keep_alive, "KeepAlive=", socket, libc::SO_KEEPALIVE, 1),
        (o.keep_alive_time > 0, "KeepAliveTimeSec=", tcp, libc::TCP_KEEPIDLE, number(o.keep_alive_time)),
        (o.keep_alive_interval > 0, "KeepAliveIntervalSec=", tcp, libc::TCP_KEEPINTVL, number(o.keep_alive_interval)),
        (o.keep_alive_probes > 0, "KeepAliveProbes=", tcp, libc::TCP_KEEPCNT, number(o.keep_alive_probes)),
        (o.defer_accept > 0, "DeferAcceptSec=", tcp, libc::TCP_DEFER_ACCEPT, number(o.defer_accept)),
        (o.no_delay, "NoDelay=", tcp, libc::TCP_NODELAY, 1),
        (o.broadcast, "Broadcast=", socket, libc::SO_BROADCAST, 1),
        (o.pass_credentials, "PassCredentials=", socket, libc::SO_PASSCRED, 1),
        (o.pass_security, "PassSecurity=", socket, libc::SO_PASSSEC, 1),
        (o.pass_pidfd, "PassPIDFD=", socket, SO_PASSPIDFD, 1),
        (timestamp, "Timestamping=", socket, libc::SO_TIMESTAMP, 1),
        (timestamp_ns, "Timestamping=", socket, libc::SO_TIMESTAMPNS, 1),
        (o.priority >= 0, "Priority=", socket, libc::SO_PRIORITY, o.priority),
        (o.mark >= 0, "Mark=", socket, libc::SO_MARK, o.mark),
        (o.tos >= 0, "IPTOS=", libc::IPPROTO_IP, libc::IP_TOS, o.tos),
        (o.ttl >= 0, "IPTTL=", ttl_level, ttl, o.ttl),
    ] {
        if wanted {
            set(directive, level, name, value);
        }
    }
    if o.pass_packet_info {
        match family {
            libc::AF_INET => set("PassPacketInfo=", libc::IPPROTO_IP, libc::IP_PKTINFO, 1),
            libc::AF_INET6 => set("PassPacketInfo=", libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1),
            libc::AF_NETLINK => set("PassPacketInfo=", SOL_NETLINK, NETLINK_PKTINFO, 1),
            libc::AF_PACKET => set("PassPacketInfo=", SOL_PACKET, PACKET_AUXDATA, 1),
            _ => tracing::warn!("{what}: PassPacketInfo= has no meaning here, ignoring"),
        }
    }
    buffer(fd, what, "ReceiveBuffer=", o.receive_buffer, libc::SO_RCVBUF, libc::SO_RCVBUFFORCE);
    buffer(fd, what, "SendBuffer=", o.send_buffer, libc::SO_SNDBUF, libc::SO_SNDBUFFORCE);
    if !o.congestion.is_empty()
        && let Err(error) = net::set_option_bytes(fd, tcp, libc::TCP_CONGESTION, o.congestion.as_bytes())
    {
        tracing::warn!("{what}: TCPCongestion= failed, ignoring: {}", net::message(&error));
    }
}

/// The kernel doubles the number, and caps it silently: then the way of the privileged, past the cap.
fn buffer(fd: BorrowedFd<'_>, what: &str, directive: &str, bytes: u64, plain: i32, force: i32) {
    let Ok(wanted) = i32::try_from(bytes.min(i32::MAX as u64)) else { return };
    if wanted == 0 {
        return;
    }
    let set = net::set_option_int(fd, libc::SOL_SOCKET, plain, wanted);
    let got = net::option_int(fd, libc::SOL_SOCKET, plain).unwrap_or(0);
    if set.is_ok() && got >= wanted.saturating_mul(2) {
        return;
    }
    if let Err(error) = net::set_option_int(fd, libc::SOL_SOCKET, force, wanted) {
        tracing::warn!("{what}: {directive} failed, ignoring: {}", net::message(&error));
    }
}

/// Address family and type; `None` for what is no socket.
fn family(fd: BorrowedFd<'_>) -> Option<(i32, i32)> {
    let (kind, _) = net::kind(fd)?;
    let family = net::option_int(fd, libc::SOL_SOCKET, libc::SO_DOMAIN).ok()?;
    Some((family, kind))
}
