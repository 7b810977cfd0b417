//! Answers that wait for a worker's: the broker goes on meanwhile.

use bus_api::connect::CallError;
use bus_api::serve::error_reply;
use zbus::Message;

use super::call::{Answer, Answered, Call};
use super::errors;

/// Waits for a worker's answer, makes the reply of it and sends that.
pub fn relay(
    call: &Call,
    answer: impl Future<Output = Result<Message, CallError>> + 'static,
    convert: fn(&Call, Message) -> Answered,
    send: impl Fn(Message) + 'static,
) {
    let call = call.clone();
    tokio::task::spawn_local(async move {
        let answered = match answer.await {
            Ok(message) => convert(&call, message),
            Err(error) => Err(errors::of_worker(&error)),
        };
        let message = match answered {
            Ok(Answer::Reply(message)) => Some(message),
            Ok(Answer::Later) => None,
            Err(error) => error_reply(&call.message, &error),
        };
        if let Some(message) = message.filter(|_| bus_api::message::expects_reply(&call.message)) {
            send(message);
        }
    });
}
