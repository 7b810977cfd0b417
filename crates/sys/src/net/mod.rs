//! Sockets, FIFOs and message queues as socket units make them: one call a function.
//!
//! std's sockets can't do this job: it takes options between socket(2) and bind(2), families and types that std doesn't
//! know, and descriptors that stay plain descriptors, to be passed on.

mod accept;
mod address;
mod node;
mod options;
mod poll;
mod queue;
mod socket;

pub use accept::accept_in_child;
pub use address::Address;
pub(crate) use address::internet;
pub use node::{mkfifo, mq_open, mq_unlink, node_owner, set_pipe_size, touch, with_umask};
pub use options::{interface_index, interface_name, option_bytes, option_int, set_option_bytes, set_option_int};
pub use poll::{POLLERR, POLLHUP, POLLIN, readiness, wait};
pub use queue::{pair, receive};
pub use socket::{
    accept, bind, cookie, discard, kind, listen, local_address, peer_address, set_blocking, shutdown_read, socket,
};

/// The kernel's words for an error, without the number that [`std::io::Error`] appends ("Address already in use").
pub fn message(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    }
}
