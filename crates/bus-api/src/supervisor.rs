//! `org.quintet.Supervisor1`: what only the process-supervisor is told, besides [`crate::worker`].

use zbus::message::Message;

use crate::errors::BusError;
use crate::message::{arguments, call, is_call_of, member};
use crate::names::SUPERVISOR;

/// What the broker asks of the process-supervisor alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// No job runs or waits any more: `Type=idle` services that hold back may go on. Sent each time the queue becomes
    /// empty; without it they go on after five seconds.
    Idle,
    /// A start was refused before it began (`start-limit-hit`, `resources`): the service, which is down, fails with this
    /// result, as its status then tells.
    Refuse {
        /// Full unit name.
        unit: String,
        /// The `Result` property.
        result: String,
        /// Why.
        cause: String,
    },
}

impl Request {
    /// Reads a call; `None` when it is not one of [`SUPERVISOR`] or the member is unknown.
    ///
    /// # Errors
    /// `InvalidArgs` when the arguments have other types.
    pub fn parse(message: &Message) -> Result<Option<Request>, BusError> {
        if !is_call_of(message, SUPERVISOR) {
            return Ok(None);
        }
        Ok(match member(message).as_str() {
            "Idle" => Some(Request::Idle),
            "Refuse" => {
                let (unit, result, cause) = arguments(message)?;
                Some(Request::Refuse { unit, result, cause })
            }
            _ => None,
        })
    }

    /// The call as a message, for [`crate::connect::Peer`].
    ///
    /// # Errors
    /// When it cannot be serialized (a NUL byte in a string).
    pub fn message(&self) -> Result<Message, zbus::Error> {
        match self {
            Request::Idle => call(SUPERVISOR, "Idle", &()),
            Request::Refuse { unit, result, cause } => call(SUPERVISOR, "Refuse", &(unit, result, cause)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_round_trip() {
        let refuse = Request::Refuse {
            unit: "a.service".into(),
            result: "start-limit-hit".into(),
            cause: "started too often".into(),
        };
        for request in [Request::Idle, refuse] {
            assert_eq!(Request::parse(&request.message().unwrap()).unwrap(), Some(request));
        }
    }
}
