//! One address of a unit becomes a descriptor.

use std::os::fd::OwnedFd;

use unit_parser::{ListenAddress, ListenKind};

use super::error::OpenError;
use super::{address, fifo, inet, netlink, queue, unix, usb};
use crate::settings::OpenOptions;

/// Opens a socket, FIFO, file or queue; non-blocking, close-on-exec, listening if it can.
pub fn open(listen: &ListenAddress, options: &OpenOptions) -> Result<OwnedFd, OpenError> {
    let what = listen.text.as_str();
    match listen.kind {
        ListenKind::Stream => socket(listen, libc::SOCK_STREAM, options),
        ListenKind::Datagram => socket(listen, libc::SOCK_DGRAM, options),
        ListenKind::SequentialPacket => socket(listen, libc::SOCK_SEQPACKET, options),
        ListenKind::Fifo => fifo::open(address::path(listen)?, what, options),
        ListenKind::Special => fifo::open_special(address::path(listen)?, what, options.writable),
        ListenKind::Netlink => netlink::open(listen),
        ListenKind::MessageQueue => queue::open(address::path(listen)?, what, options),
        ListenKind::UsbFunction => usb::open(address::path(listen)?, what, options.usb.as_ref()),
    }
}

fn socket(listen: &ListenAddress, kind: i32, options: &OpenOptions) -> Result<OwnedFd, OpenError> {
    let what = listen.text.as_str();
    let address = address::socket_address(listen)?;
    match &address {
        sys::net::Address::Path(_) | sys::net::Address::Abstract(_) => unix::open(&address, kind, what, options),
        _ => inet::open(&address, kind, what, options),
    }
}
