//! `org.quintet.Sockets1`: what the socket-activator tells of traffic.

use serde::{Deserialize, Serialize};
use zbus::Type;
use zbus::message::Message;

use crate::errors::BusError;
use crate::message::{NamedFd, arguments, call, is_call_of, is_signal_of, member, reply, signal, tell};
use crate::names::SOCKETS;

/// Traffic on a socket unit. For `Accept=no` it names the service to start; for `Accept=yes` the instance, and the
/// signal carries the accepted connection as its only descriptor, named `connection`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
pub struct TriggerInfo {
    /// Counts up; acknowledged with `Ack`. Until then it is sent again to every broker that connects.
    pub id: u64,
    /// The socket unit.
    pub socket: String,
    /// The service unit to start (an instance for `Accept=yes`).
    pub service: String,
    /// Environment of that start (`REMOTE_ADDR=`, `REMOTE_PORT=`).
    pub environment: Vec<String>,
    /// Why, for `unitctl why` ("connection from 127.0.0.1:4242").
    pub cause: String,
    /// The other end of an accepted connection, as it goes into the instance's description: `127.0.0.1:4242`,
    /// `PID 7/UID 0`. Empty for `Accept=no`. systemd sets the description of the instance to `DESCRIPTION (PEER)`, or to
    /// the peer alone when the unit has none.
    pub peer: String,
}

/// Arguments of `ServiceState`: what became of a service that a socket triggers. Sent on every change of the service that
/// leaves it without a job, as systemd's `trigger_notify` does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct ServiceState {
    /// The socket unit.
    pub socket: String,
    /// The service: the unit that is triggered, or the instance that a connection was given to.
    pub service: String,
    /// Its SubState (`running`, `dead`, `failed`, `auto-restart`, ...).
    pub sub: String,
    /// Its Result; `start-limit-hit` fails the socket with `service-start-limit-hit`.
    pub result: String,
}

/// What the broker asks of, and tells, the socket-activator beyond [`crate::worker::Request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// The listening descriptors of a socket unit; reply by [`fds_reply`].
    Fds {
        /// The socket unit.
        unit: String,
    },
    /// The service that a socket unit triggers changed.
    ServiceState(ServiceState),
    /// Which instances hold connections of an `Accept=yes` socket, of all those whose triggers the broker has taken. Sent
    /// when the two have found each other again: the end of others may have passed unheard.
    Holders {
        /// The socket unit.
        unit: String,
        /// The instances.
        services: Vec<String>,
    },
    /// The broker has taken a trigger: it is not sent again.
    Ack {
        /// [`TriggerInfo::id`].
        id: u64,
    },
    /// The broker could not start the service: the socket unit fails.
    Fail {
        /// The socket unit.
        unit: String,
        /// Result of the socket unit (`service-start-limit-hit`, `trigger-limit-hit`, ...).
        result: String,
    },
}

impl Request {
    /// Reads a call; `None` when it is not one of [`SOCKETS`].
    ///
    /// # Errors
    /// `InvalidArgs` when the arguments have other types.
    pub fn parse(message: &Message) -> Result<Option<Request>, BusError> {
        if !is_call_of(message, SOCKETS) {
            return Ok(None);
        }
        let request = match member(message).as_str() {
            "Fds" => Request::Fds { unit: arguments::<(String,)>(message)?.0 },
            "ServiceState" => Request::ServiceState(arguments(message)?),
            "Holders" => {
                let (unit, services) = arguments(message)?;
                Request::Holders { unit, services }
            }
            "Ack" => Request::Ack { id: arguments::<(u64,)>(message)?.0 },
            "Fail" => {
                let (unit, result) = arguments(message)?;
                Request::Fail { unit, result }
            }
            _ => return Ok(None),
        };
        Ok(Some(request))
    }

    /// The call as a message, for [`crate::connect::Peer`].
    ///
    /// # Errors
    /// When it cannot be serialized.
    pub fn message(&self) -> Result<Message, zbus::Error> {
        match self {
            Request::Fds { unit } => call(SOCKETS, "Fds", &(unit,)),
            Request::ServiceState(state) => tell(SOCKETS, "ServiceState", state),
            Request::Holders { unit, services } => tell(SOCKETS, "Holders", &(unit, services)),
            Request::Ack { id } => tell(SOCKETS, "Ack", &(id,)),
            Request::Fail { unit, result } => tell(SOCKETS, "Fail", &(unit, result)),
        }
    }
}

/// What the socket-activator signals beyond [`crate::worker::Event`].
#[derive(Debug)]
pub enum Event {
    /// Traffic arrived, or (with one descriptor named `connection`) a connection was accepted.
    Triggered {
        /// Whom to start, and why.
        info: TriggerInfo,
        /// Empty, or the accepted connection.
        fds: Vec<NamedFd>,
    },
}

impl Event {
    /// Reads a signal; `None` when it is not one of [`SOCKETS`].
    ///
    /// # Errors
    /// `InvalidArgs` when the arguments have other types.
    pub fn parse(message: &Message) -> Result<Option<Event>, BusError> {
        if !is_signal_of(message, SOCKETS) {
            return Ok(None);
        }
        match member(message).as_str() {
            "Triggered" => {
                let (info, fds) = arguments(message)?;
                Ok(Some(Event::Triggered { info, fds }))
            }
            _ => Ok(None),
        }
    }

    /// The signal as a message.
    ///
    /// # Errors
    /// When it cannot be serialized.
    pub fn message(&self) -> Result<Message, zbus::Error> {
        match self {
            Event::Triggered { info, fds } => signal(SOCKETS, "Triggered", &(info, fds)),
        }
    }
}

/// The reply to [`Request::Fds`].
///
/// # Errors
/// When it cannot be serialized.
pub fn fds_reply(call: &Message, fds: &[NamedFd]) -> Result<Message, zbus::Error> {
    reply(call, &(fds,))
}

/// Reads the reply to [`Request::Fds`].
///
/// # Errors
/// `InvalidArgs` when it has other types.
pub fn parse_fds(reply: &Message) -> Result<Vec<NamedFd>, BusError> {
    Ok(arguments::<(Vec<NamedFd>,)>(reply)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_round_trip() {
        let requests = [
            Request::Fds { unit: "a.socket".into() },
            Request::ServiceState(ServiceState {
                socket: "a.socket".into(),
                service: "a.service".into(),
                sub: "failed".into(),
                result: "exit-code".into(),
            }),
            Request::Ack { id: 7 },
            Request::Fail { unit: "a.socket".into(), result: "trigger-limit-hit".into() },
        ];
        for request in requests {
            assert_eq!(Request::parse(&request.message().unwrap()).unwrap().unwrap(), request);
        }
    }

    #[test]
    fn a_trigger_carries_its_connection() {
        let null = std::fs::File::open("/dev/null").unwrap();
        let info = TriggerInfo {
            id: 1,
            socket: "a.socket".into(),
            service: "a@1.service".into(),
            environment: vec!["REMOTE_ADDR=127.0.0.1".into()],
            peer: String::new(),
            cause: "test".into(),
        };
        let event = Event::Triggered {
            info: info.clone(),
            fds: vec![("connection".into(), std::os::fd::OwnedFd::from(null).into())],
        };
        let Some(Event::Triggered { info: read, fds }) = Event::parse(&event.message().unwrap()).unwrap() else {
            panic!("not a trigger");
        };
        assert_eq!(read, info);
        assert_eq!(fds.len(), 1);
    }
}
