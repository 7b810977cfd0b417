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
}
