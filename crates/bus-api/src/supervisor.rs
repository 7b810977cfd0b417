//! `org.quintet.Supervisor1`: what only the process-supervisor is told, besides [`crate::worker`].

use zbus::message::Message;

use crate::errors::BusError;
use crate::message::{arguments, call, is_call_of, member, tell};
use crate::names::SUPERVISOR;

/// What is asked of the process-supervisor alone: by the broker, or by clients of one that runs without a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// No job runs or waits any more: `Type=idle` services that hold back may go on. Sent each time the queue becomes
    /// empty; without it they go on after five seconds.
    Idle,
    /// The caller has no use for [`crate::worker::Event::Log`] and gets none any more on this connection.
    Quiet,
    /// Start one of the units that `process-supervisor run` was given. Where a broker coordinates, it starts units, with
    /// [`crate::worker::Request::Start`], and this is refused.
    Start {
        /// Full unit name.
        unit: String,
    },
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
    /// A slice is up, and has this definition; an empty one says that it is down. Sent at every change, for all slices that
    /// are up when the supervisor was away, and before anything is started in them.
    Slice {
        /// Full unit name.
        unit: String,
        /// As [`crate::worker::Request::Start`] has it.
        definition: String,
    },
    /// Whether services whose watchdog isn't notified in time are ended (`systemctl service-watchdogs`), which they are until
    /// the contrary is told. Sent at every change, and when the supervisor was away.
    Watchdogs {
        /// They are.
        on: bool,
    },
    /// A name on the message bus that some service has as its `BusName=` got an owner or lost it. Sent at every change, and
    /// for all names when either side was away.
    BusName {
        /// The name.
        name: String,
        /// The owner's unique name; empty when there is none.
        owner: String,
        /// The owner's process; 0 when nobody asked or it is out of sight.
        pid: u32,
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
            "Quiet" => Some(Request::Quiet),
            "Start" => Some(Request::Start { unit: arguments::<(String,)>(message)?.0 }),
            "Refuse" => {
                let (unit, result, cause) = arguments(message)?;
                Some(Request::Refuse { unit, result, cause })
            }
            "Slice" => {
                let (unit, definition) = arguments(message)?;
                Some(Request::Slice { unit, definition })
            }
            "Watchdogs" => Some(Request::Watchdogs { on: arguments::<(bool,)>(message)?.0 }),
            "BusName" => {
                let (name, owner, pid) = arguments(message)?;
                Some(Request::BusName { name, owner, pid })
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
            Request::Idle => tell(SUPERVISOR, "Idle", &()),
            Request::Quiet => tell(SUPERVISOR, "Quiet", &()),
            Request::Start { unit } => call(SUPERVISOR, "Start", &(unit,)),
            Request::Refuse { unit, result, cause } => call(SUPERVISOR, "Refuse", &(unit, result, cause)),
            Request::Slice { unit, definition } => call(SUPERVISOR, "Slice", &(unit, definition)),
            Request::Watchdogs { on } => tell(SUPERVISOR, "Watchdogs", &(on,)),
            Request::BusName { name, owner, pid } => call(SUPERVISOR, "BusName", &(name, owner, pid)),
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
        let name = Request::BusName { name: "org.example.A".into(), owner: ":1.7".into(), pid: 42 };
        let slice = Request::Slice { unit: "a.slice".into(), definition: "{}".into() };
        let start = Request::Start { unit: "a.service".into() };
        let watchdogs = Request::Watchdogs { on: false };
        for request in [slice, Request::Idle, Request::Quiet, start, refuse, watchdogs, name] {
            assert_eq!(Request::parse(&request.message().unwrap()).unwrap(), Some(request));
        }
    }
}
