//! Building and reading messages: every message that leaves through here carries the sender [`PEER_NAME`].

use serde::Serialize;
use zbus::message::{Flags, Message, Type};
use zbus::wire::DynamicDeserialize;
use zbus::{DynamicType, Error};

use crate::errors::BusError;
use crate::names::{PATH, PEER_NAME};

/// A descriptor with its name (`FileDescriptorName=`), as `a(sh)` carries it.
pub type NamedFd = (String, zbus::OwnedFd);

/// A call of a private contract, on [`PATH`].
///
/// # Errors
/// When the body cannot be serialized, or an interface or member name is malformed.
pub fn call<B: Serialize + DynamicType>(interface: &str, member: &str, body: &B) -> Result<Message, Error> {
    call_on(PATH, interface, member, body)
}

/// A call of a private contract, on [`PATH`], that is not answered: the other side has nothing to say to it but that it came,
/// which its connection says as well. An error is logged there, if anywhere.
///
/// # Errors
/// When the body cannot be serialized, or an interface or member name is malformed.
pub fn tell<B: Serialize + DynamicType>(interface: &str, member: &str, body: &B) -> Result<Message, Error> {
    Message::method_call(PATH, member)
        .interface(interface)
        .sender(PEER_NAME)
        .with_flags(Flags::NO_REPLY_EXPECTED)
        .build(body)
}

/// A call on any object, without a destination (peer to peer).
///
/// # Errors
/// When the body cannot be serialized, or a name or path is malformed.
pub fn call_on<B: Serialize + DynamicType>(
    path: &str,
    interface: &str,
    member: &str,
    body: &B,
) -> Result<Message, Error> {
    Message::method_call(path, member).interface(interface).sender(PEER_NAME).build(body)
}

/// A signal of a private contract, on [`PATH`].
///
/// # Errors
/// When the body cannot be serialized, or an interface or member name is malformed.
pub fn signal<B: Serialize + DynamicType>(interface: &str, member: &str, body: &B) -> Result<Message, Error> {
    signal_on(PATH, interface, member, body)
}

/// A signal of any object.
///
/// # Errors
/// When the body cannot be serialized, or a name or path is malformed.
pub fn signal_on<B: Serialize + DynamicType>(
    path: &str,
    interface: &str,
    member: &str,
    body: &B,
) -> Result<Message, Error> {
    Message::signal(path, interface, member).sender(PEER_NAME).build(body)
}

/// The reply to a call; `&()` for an empty one.
///
/// # Errors
/// When the body cannot be serialized.
pub fn reply<B: Serialize + DynamicType>(call: &Message, body: &B) -> Result<Message, Error> {
    Message::method_return(&call.header()).sender(PEER_NAME).build(body)
}

/// The error reply to a call.
///
/// # Errors
/// Never for names of [`crate::errors::ErrorName`] and texts without NUL bytes; those are replaced.
pub fn error(call: &Message, error: &BusError) -> Result<Message, Error> {
    let text = error.text.replace('\0', "\u{fffd}");
    Message::error(&call.header(), error.name.as_str()).sender(PEER_NAME).build(&(text,))
}

/// Whether a message is a call whose sender waits for a reply.
pub fn expects_reply(message: &Message) -> bool {
    message.message_type() == Type::MethodCall && !message.primary_header().flags().contains(Flags::NO_REPLY_EXPECTED)
}

/// Interface of a call or signal, or an empty string (D-Bus lets calls leave it out).
pub fn interface(message: &Message) -> String {
    message.header().interface().map(|name| name.to_string()).unwrap_or_default()
}

/// Member of a call or signal, or an empty string.
pub fn member(message: &Message) -> String {
    message.header().member().map(|name| name.to_string()).unwrap_or_default()
}

/// Whether a message is a signal of this interface.
pub fn is_signal_of(message: &Message, interface: &str) -> bool {
    message.message_type() == Type::Signal
        && message.header().interface().is_some_and(|name| name.as_str() == interface)
}

/// Whether a message is a call of this interface.
pub fn is_call_of(message: &Message, interface: &str) -> bool {
    message.message_type() == Type::MethodCall
        && message.header().interface().is_some_and(|name| name.as_str() == interface)
}

/// The arguments of a message as a tuple; an error reply's text if the types differ.
///
/// # Errors
/// `InvalidArgs` when the body has other types.
pub fn arguments<T>(message: &Message) -> Result<T, BusError>
where
    T: for<'a> DynamicDeserialize<'a>,
{
    let body = message.body();
    body.deserialize::<T>()
        .map_err(|error| BusError::invalid_args(format!("{}: unexpected arguments: {error}", member(message))))
}
