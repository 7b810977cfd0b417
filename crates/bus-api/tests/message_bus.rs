//! As a client of a message bus: a stand-in for the bus greets us, and sees what we send.

mod common;

use std::time::Duration;

use bus_api::connect::PeerEvent;
use bus_api::message::{member, reply};
use bus_api::message_bus::{Bus, Event, Request};
use bus_api::serve::{ClientId, Incoming, IncomingStream, Limits, Server};
use common::{Scratch, local};
use zbus::message::{Message, Type};

const OUR_NAME: &str = ":1.42";

async fn next_message(incoming: &mut IncomingStream) -> (ClientId, Message) {
    loop {
        if let Incoming::Message(client, message) = incoming.recv().await.expect("the server lives") {
            return (client, message);
        }
    }
}

#[test]
fn greeted_served_and_left() {
    local(async {
        let scratch = Scratch::new();
        let (server, mut incoming) = Server::new(Limits::default());
        server.listen(scratch.listener(), "bus").unwrap();
        let path = scratch.path();
        let connecting = tokio::task::spawn_local(async move { Bus::connect(&path, Duration::from_secs(5)).await });
        let (us, hello) = next_message(&mut incoming).await;
        assert_eq!(member(&hello), "Hello");
        server.send(us, reply(&hello, &(OUR_NAME,)).unwrap());
        let (bus, mut events) = connecting.await.unwrap().unwrap();
        assert_eq!(bus.name(), OUR_NAME);
        assert!(matches!(events.recv().await, Some(PeerEvent::Back)));

        // What we send carries our name, whatever it said before: a strict bus ends the connection otherwise.
        let serial = bus.send(&Request::NameOwner("org.example.A").message().unwrap()).unwrap();
        let (_, question) = next_message(&mut incoming).await;
        assert_eq!(question.header().sender().unwrap().as_str(), OUR_NAME);
        server.send(us, reply(&question, &(":1.7",)).unwrap());
        match events.recv().await {
            Some(PeerEvent::Reply { serial: answered, result }) => {
                assert_eq!(answered, serial);
                assert_eq!(result.unwrap().body().deserialize::<(String,)>().unwrap().0, ":1.7");
            }
            other => panic!("{other:?}"),
        }

        // A call of somebody on the bus is ours to answer, and is answered once.
        let call = Message::method_call("/org/example", "Ask").interface("org.example.A").sender(":1.9");
        server.send(us, call.build(&()).unwrap());
        let Some(PeerEvent::Call(call)) = events.recv().await else { panic!("no call") };
        bus.send(&reply(&call, &("answer",)).unwrap()).unwrap();
        let (_, answer) = next_message(&mut incoming).await;
        assert_eq!(answer.message_type(), Type::MethodReturn);
        assert_eq!(answer.header().destination().unwrap().as_str(), ":1.9");
        assert_eq!(answer.header().sender().unwrap().as_str(), OUR_NAME);

        // Matches are not answered.
        bus.send(&Request::WatchName("org.example.A").message().unwrap()).unwrap();
        let (_, rule) = next_message(&mut incoming).await;
        assert!(!bus_api::message::expects_reply(&rule));
        let changed = Message::signal("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged")
            .sender("org.freedesktop.DBus");
        // The server refuses no sender, as a bus has it.
        server.send(us, changed.build(&("org.example.A", ":1.7", "")).unwrap());
        let Some(PeerEvent::Signal(signal)) = events.recv().await else { panic!("no signal") };
        let expected = Event::NameOwnerChanged { name: "org.example.A".into(), owner: String::new() };
        assert_eq!(Event::parse(&signal).unwrap(), Some(expected));

        server.disconnect(us);
        assert!(matches!(events.recv().await, Some(PeerEvent::Away { .. })));
        assert!(bus.send(&rule).is_err());
    });
}

#[test]
fn a_bus_that_does_not_greet_is_given_up() {
    local(async {
        let scratch = Scratch::new();
        let (server, mut incoming) = Server::new(Limits::default());
        server.listen(scratch.listener(), "bus").unwrap();
        let silent = tokio::task::spawn_local(async move { while incoming.recv().await.is_some() {} });
        let error = Bus::connect(&scratch.path(), Duration::from_millis(50)).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        silent.abort();
    });
}
