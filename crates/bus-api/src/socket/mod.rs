//! The transport under [`crate::serve`] and [`crate::connect`]: SASL, framing with limits, a bounded write queue.
//!
//! zbus parses and builds the messages; the bytes are moved here, because zbus's own handshake has neither timeout nor
//! limit, its reader allocates what a header claims, and its sender waits for a slow client.

pub mod queue;
pub mod reader;
pub mod sasl;
pub mod stream;

/// The largest number of descriptors that one `sendmsg` takes (the kernel's SCM_MAX_FD), and so one message.
pub const MAX_FDS: usize = 253;
