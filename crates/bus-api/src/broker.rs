//! `org.quintet.Broker1`: what Quintet's broker offers beyond `org.freedesktop.systemd1`.

use serde::{Deserialize, Serialize};
use zbus::Type;
use zbus::message::Message;

use crate::errors::BusError;
use crate::message::{arguments, call, is_call_of, member, reply};
use crate::names::BROKER;

/// One link of the causal chain of a unit's last changes, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct WhyEntry {
    /// CLOCK_REALTIME, µs.
    pub realtime_usec: u64,
    /// The unit that changed.
    pub unit: String,
    /// What happened: `inactive (dead) -> activating (start)`, `job 12 start queued`, ...
    pub change: String,
    /// What caused it: a client (pid, uid, command), an event of a worker, or an edge of the graph.
    pub cause: String,
    /// Where the edge is written (`/etc/systemd/system/foo.service:7`), or empty.
    pub source: String,
    /// Index of the entry in this list that caused this one; -1 for a root cause.
    pub parent: i32,
}

/// What a client asks of the broker beyond `org.freedesktop.systemd1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Why a unit is in its state; reply by [`why_reply`].
    Why {
        /// Full unit name.
        unit: String,
    },
}

impl Request {
    /// Reads a call; `None` when it is not one of [`BROKER`].
    ///
    /// # Errors
    /// `InvalidArgs` when the arguments have other types.
    pub fn parse(message: &Message) -> Result<Option<Request>, BusError> {
        if !is_call_of(message, BROKER) {
            return Ok(None);
        }
        match member(message).as_str() {
            "Why" => Ok(Some(Request::Why { unit: arguments::<(String,)>(message)?.0 })),
            _ => Ok(None),
        }
    }

    /// The call as a message.
    ///
    /// # Errors
    /// When it cannot be serialized.
    pub fn message(&self) -> Result<Message, zbus::Error> {
        match self {
            Request::Why { unit } => call(BROKER, "Why", &(unit,)),
        }
    }
}

/// The reply to [`Request::Why`].
///
/// # Errors
/// When it cannot be serialized.
pub fn why_reply(call: &Message, entries: &[WhyEntry]) -> Result<Message, zbus::Error> {
    reply(call, &(entries,))
}

/// Reads the reply to [`Request::Why`].
///
/// # Errors
/// `InvalidArgs` when it has other types.
pub fn parse_why(reply: &Message) -> Result<Vec<WhyEntry>, BusError> {
    Ok(arguments::<(Vec<WhyEntry>,)>(reply)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_round_trips() {
        let call = Request::Why { unit: "a.service".into() }.message().unwrap();
        assert_eq!(Request::parse(&call).unwrap(), Some(Request::Why { unit: "a.service".into() }));
        let entry = WhyEntry {
            realtime_usec: 1,
            unit: "a.service".into(),
            change: "start queued".into(),
            cause: "client".into(),
            source: String::new(),
            parent: -1,
        };
        let reply = why_reply(&call, std::slice::from_ref(&entry)).unwrap();
        assert_eq!(parse_why(&reply).unwrap(), vec![entry]);
    }
}
