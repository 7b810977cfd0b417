//! Listening addresses (systemd.socket(5), ListenStream= and its like).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use super::{checked, number};
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
    let shown = match (&address, kind) {
        (Address::Path(path), ListenKind::Stream | ListenKind::Datagram | ListenKind::SequentialPacket) => {
            c_escape(path)
        }
        (Address::Abstract(name), _) => format!("@{}", c_escape(name)),
        _ => show(&address),
    };
    Ok((address, shown))
}

fn netlink(text: &str) -> Result<Address, &'static str> {
    let mut words = text.split_ascii_whitespace();
    let word = words.next().ok_or("the netlink family is missing")?;
    let family = netlink_family(word).ok_or("there is no such netlink family")?;
    let group = match words.next() {
        Some(word) => u32_number(word).ok_or("the netlink group is not a number")?,
        None => 0,
    };
    if words.next().is_some() {
        return Err("there is something after the netlink group");
    }
    Ok(Address::Netlink { family, group })
}

/// systemd's names of netlink families (netlink(7)), by their numbers; an empty one is a number without a name.
const NETLINK_FAMILIES: &[&str] = &[
    "route",
    "",
    "",
    "firewall",
    "inet-diag",
    "nflog",
    "xfrm",
    "selinux",
    "iscsi",
    "audit",
    "fib-lookup",
    "connector",
    "netfilter",
    "ip6-fw",
    "dnrtmsg",
    "kobject-uevent",
    "generic",
    "",
    "scsitransport",
    "ecryptfs",
    "rdma",
];

/// A family by name or number, in the form in which it is shown.
fn netlink_family(word: &str) -> Option<String> {
    if NETLINK_FAMILIES.contains(&word) && !word.is_empty() {
        return Some(word.to_owned());
    }
    let number = u32_number(word).filter(|number| *number <= i32::MAX as u32)?;
    let name = usize::try_from(number).ok().and_then(|at| NETLINK_FAMILIES.get(at)).filter(|name| !name.is_empty());
    Some(name.map_or_else(|| number.to_string(), ToString::to_string))
}

/// The number of a family of [`Address::Netlink`].
pub fn netlink_number(family: &str) -> Option<i32> {
    let named = NETLINK_FAMILIES.iter().position(|name| *name == family).filter(|_| !family.is_empty());
    named.and_then(|at| i32::try_from(at).ok()).or_else(|| family.parse().ok())
}

fn socket(text: &str) -> Result<Address, &'static str> {
    if text.starts_with('/') {
        if text.len() > UNIX_PATH_MAX {
            return Err("the path is too long for a socket");
        }
        if text == "/" {
            return Err("the path is that of the root directory");
        }
        super::path::absolute(text).ok_or("the path is not valid")?;
        // As written, doubled slashes and all: it is no file yet, but an address.
        return Ok(Address::Path(text.to_owned()));
    }
    if let Some(name) = text.strip_prefix('@') {
        // One byte less than the kernel would take, as in systemd.
        if name.len() >= UNIX_PATH_MAX {
            return Err("the abstract name is too long for a socket");
        }
        if name.is_empty() {
            return Err("the abstract name is empty");
        }
        return Ok(Address::Abstract(name.to_owned()));
    }
    if let Some(rest) = text.strip_prefix("vsock:") {
        return vsock(rest);
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once("]:").ok_or("not an IPv6 address with a port")?;
        let (port, interface) = interface(port)?;
        let ip: Ipv6Addr = host.parse().map_err(|_| "not an IPv6 address")?;
        let address = SocketAddrV6::new(ip, port_number(port)?, 0, 0);
        return Ok(match interface {
            Some(interface) => Address::Link { address, interface: interface.to_owned() },
            None => Address::Inet(SocketAddr::V6(address)),
        });
    }
    if let Some((host, port)) = text.split_once(':') {
        // Checked, and of no use to IPv4: as in systemd.
        let (port, _) = interface(port)?;
        let ip: Ipv4Addr = host.parse().map_err(|_| "not an IPv4 address with a port")?;
        return Ok(Address::Inet(SocketAddr::new(IpAddr::V4(ip), port_number(port)?)));
    }
    Ok(Address::Any(port_number(text)?))
}

fn vsock(rest: &str) -> Result<Address, &'static str> {
    let (cid, port) = rest.split_once(':').ok_or("a vsock address is vsock:CID:PORT")?;
    let cid = if cid.is_empty() { u32::MAX } else { u32_number(cid).ok_or("the vsock context id is not a number")? };
    let port = u32_number(port).ok_or("the vsock port is not a number")?;
    Ok(Address::Vsock { cid, port })
}

fn port_number(text: &str) -> Result<u16, &'static str> {
    let port = number::unsigned(text).ok().and_then(|port| u16::try_from(port).ok());
    match port.ok_or("neither a path nor a port nor an address with a port")? {
        0 => Err("port 0 can't be listened on"),
        port => Ok(port),
    }
}

fn u32_number(text: &str) -> Option<u32> {
    number::unsigned(text).ok().and_then(|number| u32::try_from(number).ok())
}

/// `PORT%INTERFACE`: the interface by name or number.
fn interface(port: &str) -> Result<(&str, Option<&str>), &'static str> {
    match port.split_once('%') {
        None => Ok((port, None)),
        Some((port, name)) if checked::interface(name) || u32_number(name).is_some_and(|index| index > 0) => {
            Ok((port, Some(name)))
        }
        Some(_) => Err("there is no network interface after %"),
    }
}

fn show(address: &Address) -> String {
    match address {
        Address::Any(port) => format!("[::]:{port}"),
        Address::Inet(inet) => inet.to_string(),
        Address::Link { address, interface } => format!("{address}%{interface}"),
        Address::Path(path) => path.clone(),
        Address::Abstract(name) => format!("@{name}"),
        Address::Vsock { cid: u32::MAX, port } => format!("vsock::{port}"),
        Address::Vsock { cid, port } => format!("vsock:{cid}:{port}"),
        Address::Netlink { family, group } => format!("{family} {group}"),
    }
}

/// As systemd shows the addresses of local sockets: in the C language's way, and what isn't ASCII in octal.
fn c_escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            7 => escaped.push_str("\\a"),
            8 => escaped.push_str("\\b"),
            b'\t' => escaped.push_str("\\t"),
            b'\n' => escaped.push_str("\\n"),
            11 => escaped.push_str("\\v"),
            12 => escaped.push_str("\\f"),
            b'\r' => escaped.push_str("\\r"),
            b'\\' | b'"' | b'\'' => escaped.extend(['\\', char::from(byte)]),
            b' '..=b'~' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("\\{byte:03o}")),
        }
    }
    escaped
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
            (Stream, "/run//x/", Some("/run//x/")),
            (Fifo, "/run//x/", Some("/run/x")),
            (Stream, "@abs", Some("@abs")),
            (Stream, "@a\\x20\"b\u{e9}", Some("@a\\\\x20\\\"b\\303\\251")),
            (Stream, "/run/a b\\", Some("/run/a b\\\\")),
            (Fifo, "/run/a\u{e9}", Some("/run/a\u{e9}")),
            (Stream, "vsock::80", Some("vsock::80")),
            (Stream, "vsock:2:80", Some("vsock:2:80")),
            (Netlink, "kobject-uevent 1", Some("kobject-uevent 1")),
            (Netlink, "route", Some("route 0")),
            (Netlink, "16 0x2", Some("generic 2")),
            (Netlink, "99", Some("99 0")),
            (Netlink, "crypto", None),
            (Netlink, "-1", None),
            (Stream, "0x50", Some("[::]:80")),
            (Stream, "1.2.3.4:017%lo", Some("1.2.3.4:15")),
            (Stream, "[fe80::1]:80%lo", Some("[fe80::1]:80%lo")),
            (Stream, "[fe80::1%lo]:80", None),
            (Stream, "[fe80::1]:80%", None),
            (Stream, "vsock:0x2:0x50", Some("vsock:2:80")),
            (Stream, "@", None),
            (Stream, "/", None),
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
        let named = |length: usize| parse(Stream, &format!("@{}", "x".repeat(length)));
        assert!(named(106).is_ok() && named(107).is_err());
    }
}
