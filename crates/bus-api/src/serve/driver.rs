//! What a bus would say, on a socket that is none: clients such as `busctl --address=` and `gdbus --address` greet a bus
//! before they call anybody, ask who is there, and subscribe to signals. Here is one peer, and its signals come unasked.

use zbus::message::{Message, Type};

use super::dispatch::{built, error_reply};
use super::{ClientId, Server};
use crate::errors::{BusError, ErrorName};
use crate::message::{arguments, expects_reply, interface, member, reply};
use crate::names::PEER_NAME;

/// Whom the client is told that it is. Each is alone on its connection.
const CLIENT_NAME: &str = ":1.1";
/// The bus itself.
const DRIVER: &str = "org.freedesktop.DBus";

impl Server {
    /// Answers a call of the bus itself, as if `name` were the one service on it; false when it is another call.
    pub fn answer_as_bus(&self, client: ClientId, call: &Message, name: &str) -> bool {
        let Some(answer) = driver_reply(call, name) else { return false };
        let monitors = member(call) == "BecomeMonitor" && answer.message_type() == Type::MethodReturn;
        self.send(client, answer);
        if monitors {
            // Only then a monitor believes that it is one.
            let lost = Message::signal("/org/freedesktop/DBus", DRIVER, "NameLost").sender(DRIVER);
            match lost.build(&(CLIENT_NAME,)) {
                Ok(lost) => {
                    self.send(client, lost);
                }
                Err(error) => tracing::error!("no signal to a monitor: {error}"),
            }
        }
        true
    }
}

/// `None` for other calls and where no answer is wanted.
fn driver_reply(call: &Message, name: &str) -> Option<Message> {
    if call.message_type() != Type::MethodCall || !expects_reply(call) {
        return None;
    }
    let owner = |asked: &str| match asked {
        DRIVER => Some(DRIVER),
        CLIENT_NAME => Some(CLIENT_NAME),
        _ if asked == name || asked == PEER_NAME => Some(PEER_NAME),
        _ => None,
    };
    let asked = || match arguments::<(String,)>(call) {
        Ok((asked,)) => owner(&asked).ok_or_else(|| {
            BusError::new(ErrorName::NameHasNoOwner, format!("Could not get owner of name '{asked}': no such name"))
        }),
        Err(error) => Err(error),
    };
    let answer = match (interface(call).as_str(), member(call).as_str()) {
        (DRIVER, "Hello") => reply(call, &(CLIENT_NAME,)),
        (DRIVER, "AddMatch" | "RemoveMatch") | ("org.freedesktop.DBus.Monitoring", "BecomeMonitor") => reply(call, &()),
        (DRIVER, "ListNames") => reply(call, &(vec![DRIVER, name, PEER_NAME, CLIENT_NAME],)),
        (DRIVER, "ListActivatableNames") => reply(call, &(Vec::<String>::new(),)),
        (DRIVER, "NameHasOwner") => reply(call, &(asked().is_ok(),)),
        (DRIVER, "GetNameOwner") => match asked() {
            Ok(owner) => reply(call, &(owner,)),
            Err(error) => return error_reply(call, &error),
        },
        (DRIVER, "GetConnectionUnixProcessID") => match asked() {
            Ok(PEER_NAME) => reply(call, &(std::process::id(),)),
            Ok(_) => return None,
            Err(error) => return error_reply(call, &error),
        },
        _ => return None,
    };
    built(call, answer)
}
