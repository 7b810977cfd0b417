//! Names, environment and description of the service instance that a connection is given to (`Accept=yes`).

use core::net::{IpAddr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};

/// One end of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Endpoint {
    /// TCP or SCTP.
    Inet(SocketAddr),
    /// AF_UNIX: the process at the other end, unless the kernel doesn't know it.
    Unix(Option<(i32, u32)>),
    /// AF_VSOCK.
    Vsock(u32, u32),
}

/// `foo@<this>.service` for the `number`th connection, in systemd's form: `4-127.0.0.1:80-127.0.0.1:4242`, `4-PID-UID`.
pub fn instance(number: u32, local: &Endpoint, peer: &Endpoint) -> String {
    match (local, peer) {
        (Endpoint::Inet(local), Endpoint::Inet(peer)) => {
            // IPv4 over an IPv6 socket is written as IPv4, when both ends are.
            let (l, p) = match (mapped(local.ip()), mapped(peer.ip())) {
                (Some(l), Some(p)) => (l, p),
                _ => (local.ip(), peer.ip()),
            };
            format!("{number}-{l}:{}-{p}:{}", local.port(), peer.port())
        }
        (_, Endpoint::Unix(Some((pid, uid)))) => format!("{number}-{pid}-{uid}"),
        (_, Endpoint::Unix(None)) => format!("{number}-unknown"),
        (Endpoint::Vsock(cid, port), Endpoint::Vsock(peer_cid, peer_port)) => {
            format!("{number}-{cid}:{port}-{peer_cid}:{peer_port}")
        }
        (_, peer) => format!("{number}-{}", describe(peer)),
    }
}

/// The address as an IPv4 one if it is, mapped or plain.
fn mapped(ip: IpAddr) -> Option<IpAddr> {
    match ip {
        IpAddr::V4(_) => Some(ip),
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map(IpAddr::V4),
    }
}

/// Host of a connection's peer; `None` for AF_UNIX. The key of `MaxConnectionsPerSource=`.
pub fn source(peer: &Endpoint) -> Option<String> {
    match peer {
        Endpoint::Inet(peer) => Some(mapped(peer.ip()).unwrap_or(peer.ip()).to_string()),
        Endpoint::Vsock(cid, _) => Some(format!("vsock:{cid}")),
        Endpoint::Unix(_) => None,
    }
}

/// `REMOTE_ADDR=`, `REMOTE_PORT=` of the instance; nothing for AF_UNIX.
pub fn environment(peer: &Endpoint) -> Vec<String> {
    let port = match peer {
        Endpoint::Inet(peer) => u32::from(peer.port()),
        Endpoint::Vsock(_, port) => *port,
        Endpoint::Unix(_) => return Vec::new(),
    };
    match source(peer) {
        Some(host) => vec![format!("REMOTE_ADDR={host}"), format!("REMOTE_PORT={port}")],
        None => Vec::new(),
    }
}

/// The peer in the description of the instance: `127.0.0.1:4242`, `PID 7/UID 0`.
pub fn describe(peer: &Endpoint) -> String {
    match peer {
        Endpoint::Inet(peer) => match mapped(peer.ip()) {
            Some(ip) => format!("{ip}:{}", peer.port()),
            None => peer_v6(peer),
        },
        Endpoint::Unix(Some((pid, uid))) => format!("PID {pid}/UID {uid}"),
        Endpoint::Unix(None) => "unknown".into(),
        Endpoint::Vsock(cid, port) => format!("vsock:{cid}:{port}"),
    }
}

fn peer_v6(peer: &SocketAddr) -> String {
    let ip: IpAddr = peer.ip();
    let ip = match ip {
        IpAddr::V6(v6) => v6,
        IpAddr::V4(v4) => Ipv6Addr::from(v4.to_ipv6_mapped().octets()),
    };
    format!("[{ip}]:{}", peer.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inet(text: &str) -> Endpoint {
        Endpoint::Inet(text.parse().unwrap())
    }

    #[test]
    fn names() {
        for (local, peer, name, described, environment_text) in [
            (
                inet("127.0.0.1:80"),
                inet("127.0.0.2:4242"),
                "3-127.0.0.1:80-127.0.0.2:4242",
                "127.0.0.2:4242",
                "REMOTE_ADDR=127.0.0.2 REMOTE_PORT=4242",
            ),
            (
                inet("[::ffff:127.0.0.1]:80"),
                inet("[::ffff:127.0.0.2]:4242"),
                "3-127.0.0.1:80-127.0.0.2:4242",
                "127.0.0.2:4242",
                "REMOTE_ADDR=127.0.0.2 REMOTE_PORT=4242",
            ),
            (
                inet("[::1]:80"),
                inet("[::1]:4242"),
                "3-::1:80-::1:4242",
                "[::1]:4242",
                "REMOTE_ADDR=::1 REMOTE_PORT=4242",
            ),
            (Endpoint::Unix(None), Endpoint::Unix(Some((7, 1000))), "3-7-1000", "PID 7/UID 1000", ""),
            (Endpoint::Unix(None), Endpoint::Unix(None), "3-unknown", "unknown", ""),
        ] {
            assert_eq!(instance(3, &local, &peer), name);
            assert_eq!(describe(&peer), described);
            assert_eq!(environment(&peer).join(" "), environment_text);
        }
    }
}
