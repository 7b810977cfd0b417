//! Listening addresses (systemd.socket(5), ListenStream= and its like).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::value::{Address, ListenKind};

/// The longest path of a socket in the file system, in bytes.
const UNIX_PATH_MAX: usize = 107;

/// Reads the address of one directive, with its normal form; an error is a sentence.
pub fn parse(kind: ListenKind, text: &str) -> Result<(Address, String), &'static str> {
    let address = match kind {
        ListenKind::Fifo | ListenKind::Special | ListenKind::UsbFunction | ListenKind::MessageQueue => {
            Address::Path(super::path::absolute(text).ok_or("the path is not absolute")?)
        }
        ListenKind::Netlink => netlink(text)?,
        ListenKind::Stream | ListenKind::Datagram | ListenKind::SequentialPacket => socket(text)?,
    };
    let local = matches!(address, Address::Path(_) | Address::Abstract(_));
    if kind == ListenKind::SequentialPacket && !local {
        return Err("sequential packets need a path or an abstract name");
    }
    let shown = show(&address);
    Ok((address, shown))
}

fn netlink(text: &str) -> Result<Address, &'static str> {
    let mut words = text.split_ascii_whitespace();
    let family = words.next().ok_or("the netlink family is missing")?.to_owned();
    let group = match words.next() {
        Some(word) => word.parse().map_err(|_| "the netlink group is not a number")?,
        None => 0,
    };
    if words.next().is_some() {
        return Err("there is something after the netlink group");
    }
    Ok(Address::Netlink { family, group })
}

fn socket(text: &str) -> Result<Address, &'static str> {
    if text.starts_with('/') {
        if text.len() > UNIX_PATH_MAX {
            return Err("the path is too long for a socket");
        }
        let path = super::path::absolute(text).ok_or("the path is not valid")?;
        return Ok(Address::Path(path));
    }
    if let Some(name) = text.strip_prefix('@') {
        if name.len() > UNIX_PATH_MAX {
            return Err("the abstract name is too long for a socket");
        }
        return Ok(Address::Abstract(name.to_owned()));
    }
    if let Some(rest) = text.strip_prefix("vsock:") {
        return vsock(rest);
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once("]:").ok_or("not an IPv6 address with a port")?;
        let ip: Ipv6Addr = host.parse().map_err(|_| "not an IPv6 address")?;
        return Ok(Address::Inet(SocketAddr::new(IpAddr::V6(ip), port_number(port)?)));
    }
    if let Some((host, port)) = text.split_once(':') {
        let ip: Ipv4Addr = host.parse().map_err(|_| "not an IPv4 address with a port")?;
        return Ok(Address::Inet(SocketAddr::new(IpAddr::V4(ip), port_number(port)?)));
    }
    Ok(Address::Any(port_number(text)?))
}

fn vsock(rest: &str) -> Result<Address, &'static str> {
    let (cid, port) = rest.split_once(':').ok_or("a vsock address is vsock:CID:PORT")?;
    let cid =
        if cid.is_empty() { u32::MAX } else { cid.parse().map_err(|_| "the vsock context id is not a number")? };
    let port = port.parse().map_err(|_| "the vsock port is not a number")?;
    Ok(Address::Vsock { cid, port })
}

fn port_number(text: &str) -> Result<u16, &'static str> {
    let port = text.parse::<u16>().map_err(|_| "neither a path nor a port nor an address with a port")?;
    if port == 0 { Err("port 0 can't be listened on") } else { Ok(port) }
}

fn show(address: &Address) -> String {
    match address {
        Address::Any(port) => format!("[::]:{port}"),
        Address::Inet(inet) => inet.to_string(),
        Address::Path(path) => path.clone(),
        Address::Abstract(name) => format!("@{name}"),
        Address::Vsock { cid: u32::MAX, port } => format!("vsock::{port}"),
        Address::Vsock { cid, port } => format!("vsock:{cid}:{port}"),
        Address::Netlink { family, group } => format!("{family} {group}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        use ListenKind::{Fifo, Netlink, SequentialPacket, Stream};
        for (kind, text, shown) in [
            (Stream, "3233", Some("[::]:3233")),
            (Stream, "127.0.0.1:80", Some("127.0.0.1:80")),
            (Stream, "[::1]:80", Some("[::1]:80")),
            (Stream, "/run//x", Some("/run/x")),
            (Stream, "@abs", Some("@abs")),
            (Stream, "vsock::80", Some("vsock::80")),
            (Stream, "vsock:2:80", Some("vsock:2:80")),
            (Netlink, "kobject-uevent 1", Some("kobject-uevent 1")),
            (Netlink, "route", Some("route 0")),
            (Fifo, "/run/f", Some("/run/f")),
            (Fifo, "relative", None),
            (SequentialPacket, "80", None),
            (Stream, "0", None),
            (Stream, "70000", None),
            (Stream, "host:80", None),
            (Stream, "", None),
        ] {
            let got = parse(kind, text).ok().map(|(_, shown)| shown);
            assert_eq!(got.as_deref(), shown, "{text}");
        }
    }
}
