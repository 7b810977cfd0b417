//! Answers that every daemon gives alike.

use std::panic::{AssertUnwindSafe, catch_unwind};

use zbus::message::{Message, Type};

use crate::errors::{BusError, ErrorName};
use crate::message::{error, expects_reply, interface, member, reply};

/// The answer to a call that the daemon has none for: `Peer.Ping` and `Peer.GetMachineId`, `Introspectable.Introspect`
/// through `introspect` (XML of a path, `None` where there is no object), and an error for everything else, so that no
/// client ever waits for a reply that nobody sends. `None` when no reply is expected.
pub fn default_reply(call: &Message, introspect: &dyn Fn(&str) -> Option<String>) -> Option<Message> {
    if call.message_type() != Type::MethodCall {
        return None;
    }
    let path = call.header().path().map(|path| path.to_string()).unwrap_or_default();
    let (interface, member) = (interface(call), member(call));
    let answer = match (interface.as_str(), member.as_str()) {
        ("org.freedesktop.DBus.Peer", "Ping") => built(call, reply(call, &())),
        ("org.freedesktop.DBus.Peer", "GetMachineId") => match machine_id() {
            Some(id) => built(call, reply(call, &(id,))),
            None => error_reply(call, &BusError::new(ErrorName::FileNotFound, "No machine id")),
        },
        ("org.freedesktop.DBus.Introspectable", "Introspect") => match introspect(&path) {
            Some(xml) => built(call, reply(call, &(xml,))),
            None => error_reply(call, &unknown_object(&path)),
        },
        // The bus driver: there is none on a private socket, unless the daemon plays it ([`super::Server::answer_as_bus`]).
        ("org.freedesktop.DBus", _) => error_reply(call, &unknown_object(&path)),
        _ if introspect(&path).is_none() => error_reply(call, &unknown_object(&path)),
        _ => {
            let text = format!("Unknown method {member} or interface {interface}.");
            error_reply(call, &BusError::new(ErrorName::UnknownMethod, text))
        }
    };
    if expects_reply(call) { answer } else { None }
}

/// The error reply to a call; `None` when no reply is expected.
pub fn error_reply(call: &Message, bus_error: &BusError) -> Option<Message> {
    if !expects_reply(call) {
        return None;
    }
    error(call, bus_error).inspect_err(|error| tracing::error!("no error reply: {error}")).ok()
}

/// Runs a handler; a panic inside becomes an error reply instead of the end of the daemon.
/// What the handler returns is what to send; an `Err` becomes an error reply. `None`: nothing (now).
pub fn guarded(call: &Message, handler: impl FnOnce() -> Result<Option<Message>, BusError>) -> Option<Message> {
    match catch_unwind(AssertUnwindSafe(handler)) {
        Ok(Ok(Some(message))) if message.message_type() == Type::Signal || expects_reply(call) => Some(message),
        Ok(Ok(Some(_) | None)) => None,
        Ok(Err(error)) => error_reply(call, &error),
        Err(_) => {
            tracing::error!(member = member(call), "the handler of a call panicked");
            error_reply(call, &BusError::new(ErrorName::Failed, "Internal error: the handler of this call panicked"))
        }
    }
}

pub(super) fn built(call: &Message, message: Result<Message, zbus::Error>) -> Option<Message> {
    match message {
        Ok(message) => Some(message),
        Err(problem) => error_reply(call, &BusError::new(ErrorName::Failed, problem.to_string())),
    }
}

fn unknown_object(path: &str) -> BusError {
    BusError::new(ErrorName::UnknownObject, format!("Unknown object '{path}'."))
}

fn machine_id() -> Option<String> {
    let id = std::fs::read_to_string("/etc/machine-id").ok()?;
    let id = id.trim();
    (id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| id.to_owned())
}
