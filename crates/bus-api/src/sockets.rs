//! `org.quintet.Sockets1`: what the socket-activator tells of traffic.

use serde::{Deserialize, Serialize};
use zbus::Type;

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
