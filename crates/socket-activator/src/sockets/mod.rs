//! Making sockets: bind(2) and its relatives for every `Listen…=` (systemd.socket(5)).
//!
//! [`open`] opens one address; [`options`] sets the socket options; [`port`] is an address with its descriptor.

pub mod accept;
pub mod address;
pub mod error;
pub mod fifo;
pub mod inet;
pub mod netlink;
pub mod node;
pub mod open;
pub mod options;
pub mod port;
pub mod queue;
pub mod unix;
pub(crate) mod usb;

pub use error::OpenError;
pub use open::open;
pub use port::Port;
