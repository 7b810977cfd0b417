//! One line of `ListenStream=` and its like (systemd.socket(5)).

use serde::{Deserialize, Serialize};

/// Which directive it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ListenKind {
    /// `ListenStream=`
    Stream,
    /// `ListenDatagram=`
    Datagram,
    /// `ListenSequentialPacket=`
    SequentialPacket,
    /// `ListenFIFO=`
    Fifo,
    /// `ListenSpecial=`
    Special,
    /// `ListenNetlink=`
    Netlink,
    /// `ListenMessageQueue=`
    MessageQueue,
    /// `ListenUSBFunction=`
    UsbFunction,
}

impl ListenKind {
    /// The word in the D-Bus property `Listen`: `Stream`, `FIFO`, ...
    pub const fn as_str(self) -> &'static str {
        match self {
            ListenKind::Stream => "Stream",
            ListenKind::Datagram => "Datagram",
            ListenKind::SequentialPacket => "SequentialPacket",
            ListenKind::Fifo => "FIFO",
            ListenKind::Special => "Special",
            ListenKind::Netlink => "Netlink",
            ListenKind::MessageQueue => "MessageQueue",
            ListenKind::UsbFunction => "USBFunction",
        }
    }
}

/// A listening address, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenAddress {
    /// Which directive it was.
    pub kind: ListenKind,
    /// The address in systemd's normal form, as the D-Bus property `Listen` shows it: `[::]:3233`,
    /// `127.0.0.1:80`, `/run/x`, `@abstract`, `vsock:2:80`, `kobject-uevent 1`.
    pub text: String,
    /// The address, taken apart.
    pub address: Address,
    /// The line of the assignment.
    pub line: u32,
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Address {
    /// A port on all addresses: IPv6 with IPv4 mapped, or IPv4 alone where the host has no IPv6.
    Any(u16),
    /// An IPv4 or IPv6 address with its port.
    Inet(std::net::SocketAddr),
    /// An IPv6 address of one network interface.
    Link {
        /// Address and port; its scope is not set.
        address: std::net::SocketAddrV6,
        /// The interface, by name or number.
        interface: String,
    },
    /// An AF_UNIX path, a FIFO, a special file, a message queue (with its leading `/`) or a USB function directory.
    Path(String),
    /// An AF_UNIX abstract name, without the `@`.
    Abstract(String),
    /// AF_VSOCK: context id (`u32::MAX` is any) and port.
    Vsock {
        /// Context id.
        cid: u32,
        /// Port.
        port: u32,
    },
    /// AF_NETLINK: family name and multicast group.
    Netlink {
        /// Family by name: `kobject-uevent`, `route`, `audit`, ...
        family: String,
        /// Group, 0 for none.
        group: u32,
    },
}
