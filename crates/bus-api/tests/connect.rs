//! The client side: order, replies, signals, and a daemon that goes away and comes back.

mod common;

use std::time::Duration;

use bus_api::connect::{CallError, Peer, PeerEvent};
use bus_api::errors::ErrorName;
use bus_api::message::{call, signal};
use bus_api::serve::{Incoming, Limits, Server};
use common::{Echo, Scratch, local, serve};

fn echo(text: &str) -> zbus::Message {
    call("org.quintet.Test1", "Echo", &(text,)).unwrap()
}

#[test]
fn calls_go_out_in_the_order_they_were_made() {
    local(async {
        let scratch = Scratch::new();
        let (server, mut incoming) = Server::new(Limits::default());
        server.listen(scratch.listener(), "bus").unwrap();
        let (peer, _events) = Peer::connect(&scratch.path(), Duration::from_secs(5)).await.unwrap();
        // Futures polled in the opposite order, or never: the messages went out when the calls were made.
        let futures: Vec<_> = (0..50).map(|index| peer.call(echo(&index.to_string()))).collect();
        let mut seen = Vec::new();
        while seen.len() < 50 {
            match incoming.recv().await.unwrap() {
                Incoming::Message(client, message) => {
                    seen.push(message.body().deserialize::<(String,)>().unwrap().0);
                    if seen.len() % 2 == 0 {
                        server.send(client, bus_api::message::reply(&message, &(seen.last().unwrap(),)).unwrap());
                    }
                }
                Incoming::Connected(_) | Incoming::Disconnected(_) => {}
            }
        }
        assert_eq!(seen, (0..50).map(|index| index.to_string()).collect::<Vec<_>>());
        for (index, future) in futures.into_iter().enumerate().rev() {
            if index % 2 == 1 {
                let reply = future.await.unwrap();
                assert_eq!(reply.body().deserialize::<(String,)>().unwrap().0, index.to_string());
            }
        }
    });
}

#[test]
fn errors_keep_their_names() {
    local(async {
        let echo = Echo::start(Limits::default());
        let (peer, _events) = Peer::connect(&echo.path(), Duration::from_secs(5)).await.unwrap();
        let error = peer.call(call("org.quintet.Test1", "Refuse", &()).unwrap()).await.unwrap_err();
        assert_eq!(error.name(), Some(ErrorName::NoSuchUnit));
        assert!(error.to_string().starts_with("Unit a.service not loaded."));
    });
}

#[test]
fn nobody_there_is_an_error_for_a_command_and_away_for_a_daemon() {
    local(async {
        let scratch = Scratch::new();
        assert!(Peer::connect(&scratch.path(), Duration::from_secs(1)).await.is_err());
        let (peer, mut events) = Peer::open(&scratch.path());
        assert!(matches!(events.recv().await, Some(PeerEvent::Away { .. })));
        assert!(!peer.is_back());
        assert_eq!(peer.call(echo("x")).await.unwrap_err(), CallError::Away);
        let server = tokio::task::spawn_local(serve(scratch.listener(), Limits::default()));
        assert!(matches!(events.recv().await, Some(PeerEvent::Back)));
        assert!(peer.call(echo("x")).await.is_ok());
        server.abort();
    });
}

#[test]
fn a_restarted_daemon_is_back_and_the_call_under_way_is_away() {
    local(async {
        let scratch = Scratch::new();
        let listener = scratch.listener();
        let kept = listener.try_clone().unwrap();
        let (server, mut incoming) = Server::new(Limits::default());
        server.listen(listener, "bus").unwrap();
        let (peer, mut events) = Peer::open(&scratch.path());
        assert!(matches!(events.recv().await, Some(PeerEvent::Back)));
        let Some(Incoming::Connected(client)) = incoming.recv().await else { panic!("no client") };
        server.send(client.id, signal("org.quintet.Test1", "Tick", &(1u32,)).unwrap());
        assert!(matches!(events.recv().await, Some(PeerEvent::Signal(_))));
        let future = peer.call(echo("lost"));
        let serial = peer.send(echo("lost too")).unwrap();
        assert!(matches!(incoming.recv().await, Some(Incoming::Message(..))));
        server.disconnect(client.id);
        assert_eq!(future.await.unwrap_err(), CallError::Away);
        // The event form is told before the away itself, so that nothing is pending afterwards.
        let Some(PeerEvent::Reply { serial: told, result: Err(CallError::Away) }) = events.recv().await else {
            panic!("no reply event")
        };
        assert_eq!(told, serial);
        assert!(matches!(events.recv().await, Some(PeerEvent::Away { .. })));
        // The launcher holds the socket: the next one serves it.
        drop((server, incoming));
        let next = tokio::task::spawn_local(serve(kept, Limits::default()));
        loop {
            match events.recv().await {
                Some(PeerEvent::Back) => match peer.call(echo("again")).await {
                    Ok(reply) => {
                        assert_eq!(reply.body().deserialize::<(String,)>().unwrap().0, "again");
                        break;
                    }
                    // The first server's accept task took the connection, and ended it.
                    Err(error) => assert_eq!(error, CallError::Away),
                },
                Some(PeerEvent::Away { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
        next.abort();
    });
}
