//! One method call: who calls, what, and how it is answered.

use std::rc::Rc;

use bus_api::errors::{BusError, ErrorName};
use bus_api::message;
use bus_api::serve::ClientId;
use serde::Serialize;
use zbus::wire::DynamicDeserialize;
use zbus::{DynamicType, Message, ObjectPath, OwnedObjectPath};

use crate::core::Cause;

/// Where a call comes from, and its answer goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A connection to one of our own sockets.
    Peer(ClientId),
    /// A client on the message bus, by its unique name.
    Bus(Rc<str>),
}

/// Who is connected.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The connection.
    pub origin: Origin,
    /// The engine's number for it.
    pub number: u64,
    /// Its process, 0 if it is out of sight.
    pub pid: u32,
    /// Its user.
    pub uid: u32,
    /// It may change something.
    pub privileged: bool,
}

/// A method call.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who calls.
    pub caller: Rc<Caller>,
    /// The message.
    pub message: Message,
    /// Its path.
    pub path: String,
    /// Its interface; empty if the caller left it out.
    pub interface: String,
    /// Its member.
    pub member: String,
}

/// How a call is answered.
#[derive(Debug)]
pub enum Answer {
    /// With this message, after the signals that belong before it.
    Reply(Message),
    /// By somebody else, later.
    Later,
}

/// What handlers return.
pub type Answered = Result<Answer, BusError>;

impl Call {
    /// Takes a message apart.
    #[must_use]
    pub fn new(caller: Rc<Caller>, message: Message) -> Self {
        let path = message.header().path().map(|path| path.to_string()).unwrap_or_default();
        let interface = message::interface(&message);
        let member = message::member(&message);
        Self { caller, message, path, interface, member }
    }

    /// The arguments.
    ///
    /// # Errors
    /// `InvalidArgs` when they have other types.
    pub fn arguments<T>(&self) -> Result<T, BusError>
    where
        T: for<'a> DynamicDeserialize<'a>,
    {
        message::arguments(&self.message)
    }

    /// A reply with results; `&()` for none.
    ///
    /// # Errors
    /// When they can't be written.
    pub fn reply<B: Serialize + DynamicType>(&self, body: &B) -> Answered {
        message::reply(&self.message, body)
            .map(Answer::Reply)
            .map_err(|error| BusError::new(ErrorName::Failed, error.to_string()))
    }

    /// A reply with one string.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn reply_string(&self, text: &str) -> Answered {
        self.reply(&(text,))
    }

    /// A reply with one object path.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn reply_path(&self, path: &str) -> Answered {
        self.reply(&(object_path(path),))
    }

    /// The caller as the cause of what follows: its command line, PID and user.
    #[must_use]
    pub fn cause(&self) -> Cause {
        let Caller { number, pid, uid, .. } = *self.caller;
        let command = i32::try_from(pid).ok().and_then(|pid| sys::process::cmdline(pid).ok()).unwrap_or_default();
        let text = match (pid, command.trim()) {
            (0, _) => format!("{} by a client (uid {uid})", self.member),
            (_, "") => format!("{} by a client (pid {pid}, uid {uid})", self.member),
            (_, command) => format!("{} (pid {pid}, uid {uid})", shortened(command)),
        };
        Cause::Client { client: number, text }
    }
}

/// The begin of a command line. Causes are kept with every unit that they concern, and `systemctl start` of a thousand units
/// has a long one.
fn shortened(command: &str) -> String {
    /// Characters that say enough.
    const ENOUGH: usize = 160;
    match command.char_indices().nth(ENOUGH) {
        Some((end, _)) => format!("{} ...", command.get(..end).unwrap_or_default().trim_end()),
        None => command.to_owned(),
    }
}

/// An object path from a text that is one.
#[must_use]
pub fn object_path(path: &str) -> OwnedObjectPath {
    let path = ObjectPath::try_from(path.to_owned()).unwrap_or_else(|_| ObjectPath::from_static_str_unchecked("/"));
    path.into()
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn long_commands_are_cut() {
        assert_eq!(shortened("systemctl start a.service"), "systemctl start a.service");
        let long = format!("systemctl start {}", "\u{e4}.service ".repeat(1000));
        let short = shortened(&long);
        assert!(short.chars().count() <= 164 && short.ends_with(" ...") && long.starts_with(&short[..short.len() - 4]));
    }
}
