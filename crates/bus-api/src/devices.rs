//! `org.quintet.Devices1`: the device table as unit states.

use serde::{Deserialize, Serialize};
use zbus::Type;
use zbus::message::Message;

use crate::errors::BusError;
use crate::message::{arguments, call, is_call_of, is_signal_of, member, reply, signal};
use crate::names::DEVICES;

/// One `.device` unit. A device has one for its sysfs path, and one each for its device node, its links and its aliases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct DeviceUnit {
    /// Full unit name (`sys-subsystem-net-devices-eth0.device`).
    pub unit: String,
    /// `plugged`, `tentative` or `dead`.
    pub state: String,
    /// Unit named after the sysfs path, if this one is another name of it (`Following=`); else empty.
    pub following: String,
    /// Real sysfs path (`/sys/devices/...`).
    pub sysfs_path: String,
    /// Description: ID_MODEL_FROM_DATABASE, ID_MODEL, or the path.
    pub description: String,
    /// `SYSTEMD_WANTS` as full unit names, templates instantiated (only on the unit of the sysfs path).
    pub wants: Vec<String>,
    /// `SYSTEMD_USER_WANTS`, likewise.
    pub user_wants: Vec<String>,
    /// udev's action of the event (`add`, `change`, `remove`, `move`, ...), or `enumerate`.
    pub action: String,
}

/// What a client asks of the device-watcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// All device units; reply by [`list_reply`].
    List,
    /// Whether devices can be watched here; reply by [`status_reply`].
    Status,
    /// Handle a recorded event as if udev had sent it; empty reply once its signals are out. `AccessDenied` unless the
    /// daemon was started for it (`--allow-replay`, or `allow_replay = true` in its configuration).
    Inject {
        /// The event as JSON: one line of `device-watcher record`.
        event: String,
    },
}

impl Request {
    /// Reads a call; `None` when it is not one of [`DEVICES`].
    ///
    /// # Errors
    /// `InvalidArgs` when the arguments have other types.
    pub fn parse(message: &Message) -> Result<Option<Request>, BusError> {
        if !is_call_of(message, DEVICES) {
            return Ok(None);
        }
        Ok(match member(message).as_str() {
            "List" => Some(Request::List),
            "Status" => Some(Request::Status),
            "Inject" => Some(Request::Inject { event: arguments::<(String,)>(message)?.0 }),
            _ => None,
        })
    }

    /// The call as a message, for [`crate::connect::Peer`].
    ///
    /// # Errors
    /// When it cannot be serialized.
    pub fn message(&self) -> Result<Message, zbus::Error> {
        match self {
            Request::List => call(DEVICES, "List", &()),
            Request::Status => call(DEVICES, "Status", &()),
            Request::Inject { event } => call(DEVICES, "Inject", &(event,)),
        }
    }
}

/// What the device-watcher signals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// One udev event, with all units that it affects.
    Changed {
        /// udev's action (`add`, `remove`, ...), or `enumerate`.
        action: String,
        /// The units as they are now.
        units: Vec<DeviceUnit>,
    },
    /// What [`Request::Status`] would say has changed: udev came, died or went.
    Availability {
        /// Whether devices can be watched.
        available: bool,
        /// If not, why not.
        reason: String,
    },
}

impl Event {
    /// Reads a signal; `None` when it is not one of [`DEVICES`].
    ///
    /// # Errors
    /// `InvalidArgs` when the arguments have other types.
    pub fn parse(message: &Message) -> Result<Option<Event>, BusError> {
        if !is_signal_of(message, DEVICES) {
            return Ok(None);
        }
        match member(message).as_str() {
            "Changed" => {
                let (action, units) = arguments(message)?;
                Ok(Some(Event::Changed { action, units }))
            }
            "Availability" => {
                let (available, reason) = arguments(message)?;
                Ok(Some(Event::Availability { available, reason }))
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
            Event::Changed { action, units } => signal(DEVICES, "Changed", &(action, units)),
            Event::Availability { available, reason } => signal(DEVICES, "Availability", &(available, reason)),
        }
    }
}

/// The reply to [`Request::List`].
///
/// # Errors
/// When it cannot be serialized.
pub fn list_reply(call: &Message, units: &[DeviceUnit]) -> Result<Message, zbus::Error> {
    reply(call, &(units,))
}

/// Reads the reply to [`Request::List`].
///
/// # Errors
/// `InvalidArgs` when it has other types.
pub fn parse_list(reply: &Message) -> Result<Vec<DeviceUnit>, BusError> {
    Ok(arguments::<(Vec<DeviceUnit>,)>(reply)?.0)
}

/// The reply to [`Request::Status`]: whether devices can be watched, and else why not.
///
/// # Errors
/// When it cannot be serialized.
pub fn status_reply(call: &Message, available: bool, reason: &str) -> Result<Message, zbus::Error> {
    reply(call, &(available, reason))
}

/// Reads the reply to [`Request::Status`].
///
/// # Errors
/// `InvalidArgs` when it has other types.
pub fn parse_status(reply: &Message) -> Result<(bool, String), BusError> {
    arguments(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_round_trip() {
        for request in [Request::List, Request::Status, Request::Inject { event: "{}".into() }] {
            assert_eq!(Request::parse(&request.message().unwrap()).unwrap(), Some(request));
        }
        let unit = DeviceUnit {
            unit: "dev-null.device".into(),
            state: "plugged".into(),
            following: String::new(),
            sysfs_path: "/sys/devices/virtual/mem/null".into(),
            description: "null".into(),
            wants: vec!["a.service".into()],
            user_wants: vec![],
            action: "add".into(),
        };
        let event = Event::Changed { action: "add".into(), units: vec![unit.clone()] };
        assert_eq!(Event::parse(&event.message().unwrap()).unwrap(), Some(event));
        let event = Event::Availability { available: false, reason: "no udev".into() };
        assert_eq!(Event::parse(&event.message().unwrap()).unwrap(), Some(event));
        let call = Request::List.message().unwrap();
        assert_eq!(parse_list(&list_reply(&call, std::slice::from_ref(&unit)).unwrap()).unwrap(), vec![unit]);
        let call = Request::Status.message().unwrap();
        assert_eq!(parse_status(&status_reply(&call, false, "no udev").unwrap()).unwrap(), (false, "no udev".into()));
    }
}
