//! As a client of a message bus: addresses, the connection, and calls of the bus driver `org.freedesktop.DBus`
//! (D-Bus specification, "Message Bus Specification").

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use zbus::message::{Flags, Message, Type};
use zbus::names::UniqueName;
use zbus::{DynamicType, OwnedVariant, Variant};

use crate::connect::{CallError, Peer, PeerEvents};
use crate::errors::BusError;
use crate::message::arguments;

/// The bus driver's name and interface.
pub const DRIVER: &str = "org.freedesktop.DBus";
/// The bus driver's object.
pub const DRIVER_PATH: &str = "/org/freedesktop/DBus";
/// `RequestName`: don't wait in line when the name is taken.
const DO_NOT_QUEUE: u32 = 4;

/// The sockets of an address list (`unix:path=...;unix:abstract=...`), those of other transports left out. An abstract one
/// begins with a NUL byte, as the standard library wants it.
#[must_use]
pub fn sockets(addresses: &str) -> Vec<PathBuf> {
    let socket = |address: &str| -> Option<PathBuf> {
        let (transport, pairs) = address.split_once(':')?;
        if transport != "unix" {
            return None;
        }
        pairs.split(',').find_map(|pair| match pair.split_once('=')? {
            ("path", value) => Some(PathBuf::from(unescape(value)?)),
            ("abstract", value) => Some(PathBuf::from(format!("\0{}", unescape(value)?))),
            ("runtime", "yes") => Some(Path::new(&std::env::var_os("XDG_RUNTIME_DIR")?).join("bus")),
            _ => None,
        })
    };
    addresses.split(';').filter_map(socket).collect()
}

/// Undoes `%41` and the like.
fn unescape(value: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(others.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = others.get(2..)?;
        } else {
            bytes.push(*first);
            rest = others;
        }
    }
    String::from_utf8(bytes).ok()
}

/// A connection to a message bus; clones are the same connection. Needs a `tokio::task::LocalSet`.
#[derive(Debug, Clone)]
pub struct Bus {
    peer: Peer,
    name: UniqueName<'static>,
}

impl Bus {
    /// Connects and says `Hello`. The events end with `Away`.
    ///
    /// # Errors
    /// When nobody is there, or does not speak with us within `timeout`.
    pub async fn connect(socket: &Path, timeout: Duration) -> io::Result<(Bus, PeerEvents)> {
        let (peer, events) = Peer::connect_to_bus(socket, timeout).await?;
        let hello = driver_call("Hello", &()).map_err(io::Error::other)?;
        let reply = tokio::time::timeout(timeout, peer.call(hello))
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the bus does not answer Hello"))?
            .map_err(io::Error::other)?;
        let (name,) = arguments::<(String,)>(&reply).map_err(|error| io::Error::other(error.text))?;
        let name = UniqueName::try_from(name).map_err(io::Error::other)?;
        Ok((Bus { peer, name }, events))
    }

    /// Our unique name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Sends a message of any type under our name. The answer to a call comes as [`crate::connect::PeerEvent::Reply`] with
    /// the serial.
    ///
    /// # Errors
    /// [`CallError::Away`], [`CallError::Unsendable`]: nothing was sent and no event follows.
    pub fn send(&self, message: &Message) -> Result<u32, CallError> {
        let named = message.with_sender(&self.name).map_err(|error| CallError::Unsendable(error.to_string()))?;
        self.peer.send(named)
    }

    /// Waits until what is queued is with the kernel, `limit` at most.
    pub async fn drain(&self, limit: Duration) {
        self.peer.drain(limit).await;
    }
}

fn driver_call<B: Serialize + DynamicType>(member: &str, body: &B) -> Result<Message, zbus::Error> {
    Message::method_call(DRIVER_PATH, member).destination(DRIVER).interface(DRIVER).build(body)
}

/// What is asked of the bus driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request<'a> {
    /// Own a name, unless somebody does; reply by [`is_owner`].
    RequestName(&'a str),
    /// Hear of all changes of a name's owner. No reply.
    WatchName(&'a str),
    /// Hear no more of them. No reply.
    UnwatchName(&'a str),
    /// Who owns a name; a string.
    NameOwner(&'a str),
    /// Who is behind a unique name; reply by [`credentials`].
    Credentials(&'a str),
    /// Which bus this is: a string that no other bus, and no later one, has.
    Id,
}

impl Request<'_> {
    /// The call as a message.
    ///
    /// # Errors
    /// When it cannot be serialized.
    pub fn message(&self) -> Result<Message, zbus::Error> {
        let quiet = |member: &str, rule: String| {
            Message::method_call(DRIVER_PATH, member)
                .destination(DRIVER)
                .interface(DRIVER)
                .with_flags(Flags::NO_REPLY_EXPECTED)
                .build(&(rule,))
        };
        match self {
            Request::RequestName(name) => driver_call("RequestName", &(name, DO_NOT_QUEUE)),
            Request::WatchName(name) => quiet("AddMatch", owner_rule(name)),
            Request::UnwatchName(name) => quiet("RemoveMatch", owner_rule(name)),
            Request::NameOwner(name) => driver_call("GetNameOwner", &(name,)),
            Request::Credentials(name) => driver_call("GetConnectionCredentials", &(name,)),
            Request::Id => driver_call("GetId", &()),
        }
    }
}

fn owner_rule(name: &str) -> String {
    format!(
        "type='signal',sender='{DRIVER}',path='{DRIVER_PATH}',interface='{DRIVER}',member='NameOwnerChanged',arg0='{name}'"
    )
}

/// Whether the reply to [`Request::RequestName`] says that the name is ours.
///
/// # Errors
/// `InvalidArgs` when it has other types.
pub fn is_owner(reply: &Message) -> Result<bool, BusError> {
    // 1 primary owner, 2 in queue, 3 exists, 4 already owner.
    Ok(matches!(arguments::<(u32,)>(reply)?.0, 1 | 4))
}

/// Who is behind a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// Its user; `None` when the bus does not know.
    pub uid: Option<u32>,
    /// Its process, 0 when the bus does not know or sees another PID namespace.
    pub pid: u32,
}

/// Reads the reply to [`Request::Credentials`].
///
/// # Errors
/// `InvalidArgs` when it has other types.
pub fn credentials(reply: &Message) -> Result<Credentials, BusError> {
    let (found,) = arguments::<(HashMap<String, OwnedVariant>,)>(reply)?;
    let number = |key: &str| match found.get(key).map(|value| &**value) {
        Some(Variant::U32(number)) => Some(*number),
        _ => None,
    };
    Ok(Credentials { uid: number("UnixUserID"), pid: number("ProcessID").unwrap_or(0) })
}

/// What the bus driver signals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A name changed hands.
    NameOwnerChanged {
        /// The name, well-known or unique.
        name: String,
        /// The new owner's unique name; empty when there is none.
        owner: String,
    },
    /// We lost a name.
    NameLost(String),
    /// Somebody calls a name whose service file says `SystemdService=`: start that unit.
    ActivationRequest(String),
}

impl Event {
    /// Reads a signal; `None` when it is another one, or not the bus driver's.
    ///
    /// # Errors
    /// `InvalidArgs` when the arguments have other types.
    pub fn parse(message: &Message) -> Result<Option<Event>, BusError> {
        let header = message.header();
        if message.message_type() != Type::Signal || header.sender().is_none_or(|sender| sender.as_str() != DRIVER) {
            return Ok(None);
        }
        let interface = header.interface().map(|name| name.as_str()).unwrap_or_default();
        let member = header.member().map(|name| name.as_str()).unwrap_or_default();
        Ok(match (interface, member) {
            (DRIVER, "NameOwnerChanged") => {
                let (name, _, owner) = arguments::<(String, String, String)>(message)?;
                Some(Event::NameOwnerChanged { name, owner })
            }
            (DRIVER, "NameLost") => Some(Event::NameLost(arguments::<(String,)>(message)?.0)),
            (ACTIVATOR, "ActivationRequest") => Some(Event::ActivationRequest(arguments::<(String,)>(message)?.0)),
            _ => None,
        })
    }
}

/// The interface of activation through a service manager (dbus-daemon(1), `--systemd-activation`).
const ACTIVATOR: &str = "org.freedesktop.systemd1.Activator";

/// Tells the bus that a unit of an [`Event::ActivationRequest`] can't be started: whoever calls the name hears of it.
///
/// # Errors
/// When it cannot be serialized.
pub fn activation_failure(unit: &str, error: &BusError) -> Result<Message, zbus::Error> {
    Message::signal("/org/freedesktop/systemd1", ACTIVATOR, "ActivationFailure").destination(DRIVER).build(&(
        unit,
        error.name.as_str(),
        &error.text,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let cases: &[(&str, &[&str])] = &[
            ("unix:path=/run/dbus/system_bus_socket", &["/run/dbus/system_bus_socket"]),
            ("unix:path=/a%20b,guid=00;unix:abstract=/tmp/x", &["/a b", "\0/tmp/x"]),
            ("unix:guid=12,path=/b", &["/b"]),
            ("tcp:host=localhost,port=1;autolaunch:;unix:path=/c", &["/c"]),
            ("unix:path=/broken%2;unix:path=%zz;unix:tmpdir=/tmp;nonsense;", &[]),
            ("", &[]),
        ];
        for (text, expected) in cases {
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(sockets(text), expected, "{text}");
        }
    }

    fn from_driver(interface: &str, member: &str, body: &(impl Serialize + DynamicType)) -> Message {
        Message::signal(DRIVER_PATH, interface, member).sender(DRIVER).build(body).unwrap()
    }

    #[test]
    fn signals() {
        let changed = from_driver(DRIVER, "NameOwnerChanged", &("org.example.A", ":1.1", ":1.2"));
        let expected = Event::NameOwnerChanged { name: "org.example.A".into(), owner: ":1.2".into() };
        assert_eq!(Event::parse(&changed).unwrap(), Some(expected));
        let request = from_driver(ACTIVATOR, "ActivationRequest", &("a.service",));
        assert_eq!(Event::parse(&request).unwrap(), Some(Event::ActivationRequest("a.service".into())));
        assert_eq!(Event::parse(&from_driver(DRIVER, "NameAcquired", &(":1.2",))).unwrap(), None);
        assert!(Event::parse(&from_driver(ACTIVATOR, "ActivationRequest", &(7u32,))).is_err());
        // Anybody can send a signal of this name to us.
        let forged = Message::signal(DRIVER_PATH, ACTIVATOR, "ActivationRequest").sender(":1.9").build(&("a.service",));
        assert_eq!(Event::parse(&forged.unwrap()).unwrap(), None);
    }

    #[test]
    fn what_is_known_of_a_connection() {
        let call = Request::Credentials(":1.4").message().unwrap();
        let answer = |known: &[(&str, u32)]| {
            let known: HashMap<&str, Variant<'_>> = known.iter().map(|(key, value)| (*key, (*value).into())).collect();
            credentials(&crate::message::reply(&call, &(known,)).unwrap()).unwrap()
        };
        let all = answer(&[("UnixUserID", 1000), ("ProcessID", 42)]);
        assert_eq!(all, Credentials { uid: Some(1000), pid: 42 });
        assert_eq!(answer(&[]), Credentials { uid: None, pid: 0 });
    }

    #[test]
    fn owning_a_name() {
        let call = Request::RequestName("org.example.A").message().unwrap();
        let owner = [1u32, 2, 3, 4].map(|code| is_owner(&crate::message::reply(&call, &(code,)).unwrap()).unwrap());
        assert_eq!(owner, [true, false, false, true]);
    }
}
