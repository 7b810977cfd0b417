//! The server against clients as they come: pipelining, slow, oversized, garbage, many. Raw bytes over unix sockets.

mod common;

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bus_api::errors::{BusError, ErrorName};
use bus_api::message::{call, reply, signal};
use bus_api::names::PEER_NAME;
use bus_api::serve::{Incoming, Limits, Server, default_reply, guarded};
use common::{Echo, Scratch, greet, local, read_message};
use zbus::message::{Flags, Message, Type};

#[test]
fn a_call_in_the_segment_of_begin_is_answered() {
    local(async {
        let echo = Echo::start(Limits::default());
        let path = echo.path();
        let text = common::blocking(move || {
            let mut client = UnixStream::connect(path).unwrap();
            let call = call("org.quintet.Test1", "Echo", &("pipelined",)).unwrap();
            let mut bytes = b"\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n".to_vec();
            bytes.extend_from_slice(call.data());
            bytes.extend_from_slice(call.data());
            client.write_all(&bytes).unwrap();
            let mut lines = vec![0; "DATA\r\nOK \r\nAGREE_UNIX_FD\r\n".len() + 32];
            client.read_exact(&mut lines).unwrap();
            assert!(lines.starts_with(b"DATA\r\nOK ") && lines.ends_with(b"\r\nAGREE_UNIX_FD\r\n"));
            let first = read_message(&mut client);
            let second = read_message(&mut client);
            assert_eq!(second.header().sender().unwrap().as_str(), PEER_NAME);
            assert_eq!(first.header().reply_serial(), Some(call.primary_header().serial_num()));
            first.body().deserialize::<(String,)>().unwrap().0
        })
        .await;
        assert_eq!(text, "pipelined");
    });
}

#[test]
fn every_call_gets_an_answer_and_no_reply_is_honoured() {
    local(async {
        let echo = Echo::start(Limits::default());
        let path = echo.path();
        common::blocking(move || {
            let mut client = greet(&path);
            let error = |message: &Message| message.header().error_name().map(|name| name.to_string());
            let cases = [
                ("org.freedesktop.DBus", "Hello", Some("org.freedesktop.DBus.Error.UnknownObject")),
                ("org.freedesktop.DBus", "AddMatch", Some("org.freedesktop.DBus.Error.UnknownObject")),
                ("org.freedesktop.DBus.Peer", "Ping", None),
                ("org.freedesktop.DBus.Introspectable", "Introspect", None),
                ("org.freedesktop.DBus.Properties", "GetAll", Some("org.freedesktop.DBus.Error.UnknownMethod")),
                ("org.quintet.Test1", "Nonsense", Some("org.freedesktop.DBus.Error.UnknownMethod")),
                ("org.quintet.Test1", "Refuse", Some("org.freedesktop.systemd1.NoSuchUnit")),
                ("org.quintet.Test1", "Panic", Some("org.freedesktop.DBus.Error.Failed")),
            ];
            for (interface, member, expected) in cases {
                // One that wants no answer before each that does: the answer must be to the second.
                let silent = Message::method_call("/org/quintet", member)
                    .interface(interface)
                    .with_flags(Flags::NO_REPLY_EXPECTED)
                    .build(&())
                    .unwrap();
                client.write_all(silent.data()).unwrap();
                let call = call(interface, member, &()).unwrap();
                client.write_all(call.data()).unwrap();
                let answer = read_message(&mut client);
                assert_eq!(answer.header().reply_serial(), Some(call.primary_header().serial_num()), "{member}");
                assert_eq!(error(&answer).as_deref(), expected, "{member}");
            }
        })
        .await;
    });
}

#[test]
fn a_client_that_does_not_read_is_disconnected_and_holds_up_nobody() {
    local(async {
        let scratch = Scratch::new();
        let limits = Limits { queue: 1 << 20, ..Limits::default() };
        let (server, mut incoming) = Server::new(limits);
        server.listen(scratch.listener(), "bus").unwrap();
        let path = scratch.path();
        let (slow, fast) = common::blocking(move || (greet(&path), greet(&path))).await;
        for _ in 0..2 {
            assert!(matches!(incoming.recv().await, Some(Incoming::Connected(_))));
        }
        const COUNT: usize = 2000;
        let read = Arc::new(AtomicUsize::new(0));
        let counter = read.clone();
        let reader = common::blocking(move || {
            let mut fast = fast;
            for _ in 0..COUNT {
                assert_eq!(read_message(&mut fast).message_type(), Type::Signal);
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        let text = "x".repeat(4096);
        for index in 0..COUNT {
            server.broadcast(signal("org.quintet.Test1", "Tick", &(index as u32, &text)).unwrap());
            // The reader keeps within a few messages, however busy the machine; it never could if the other held it up.
            while index.saturating_sub(read.load(Ordering::Relaxed)) >= 16 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        assert!(matches!(incoming.recv().await, Some(Incoming::Disconnected(_))));
        assert_eq!(server.clients().len(), 1);
        reader.await;
        assert_eq!(read.load(Ordering::Relaxed), COUNT);
        drop(slow);
    });
}

#[test]
fn oversized_and_garbage_end_the_connection_only() {
    local(async {
        let echo = Echo::start(Limits::default());
        let path = echo.path();
        common::blocking(move || {
            // A fixed header that claims a body of 127 MB.
            let huge = [b'l', 1, 0, 1, 0, 0, 0xf0, 0x07, 1, 0, 0, 0, 0, 0, 0, 0];
            let overflow = [b'l', 1, 0, 1, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
            let inputs: [&[u8]; 4] = [&huge, &overflow, &[0x42; 64], b"GET / HTTP/1.1\r\n\r\n"];
            for input in inputs {
                let mut client = greet(&path);
                client.write_all(input).unwrap();
                let mut rest = Vec::new();
                // Closed with unread bytes may be a reset.
                let _ = client.read_to_end(&mut rest);
                assert!(rest.is_empty());
            }
            let mut client = greet(&path);
            let call = call("org.quintet.Test1", "Echo", &("still here",)).unwrap();
            client.write_all(call.data()).unwrap();
            assert_eq!(read_message(&mut client).body().deserialize::<(String,)>().unwrap().0, "still here");
        })
        .await;
    });
}

#[test]
fn mutated_messages_never_end_the_server() {
    local(async {
        let echo = Echo::start(Limits::default());
        let path = echo.path();
        common::blocking(move || {
            let good = call("org.quintet.Test1", "Echo", &("mutated",)).unwrap();
            let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
            for _ in 0..400 {
                let mut bytes = good.data().to_vec();
                for _ in 0..2 {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    // The sizes stay, so that the message is complete and gets parsed.
                    let sizes = [4, 5, 6, 7, 12, 13, 14, 15];
                    let index = (seed >> 33) as usize % bytes.len();
                    if !sizes.contains(&index) {
                        bytes[index] ^= (seed >> 20) as u8;
                    }
                }
                let mut client = greet(&path);
                client.write_all(&bytes).unwrap();
            }
            let mut client = greet(&path);
            client.write_all(good.data()).unwrap();
            assert_eq!(read_message(&mut client).message_type(), Type::MethodReturn);
        })
        .await;
    });
}

#[test]
fn handshakes_are_bounded_in_time_and_size() {
    local(async {
        let limits = Limits { handshake: Duration::from_millis(300), ..Limits::default() };
        let echo = Echo::start(limits);
        let path = echo.path();
        common::blocking(move || {
            let mut silent = UnixStream::connect(&path).unwrap();
            let mut endless = UnixStream::connect(&path).unwrap();
            let started = Instant::now();
            endless.write_all(b"\0AUTH ").unwrap();
            // The server closes while we write: an error then is what we want.
            let junk = [b'A'; 1024];
            let mut sent = 0;
            while sent < 1 << 20 && endless.write_all(&junk).is_ok() {
                sent += junk.len();
            }
            assert!(sent < 1 << 20, "a line of a megabyte was taken");
            let mut rest = Vec::new();
            let _ = silent.read_to_end(&mut rest);
            assert!(started.elapsed() >= Duration::from_millis(200) && started.elapsed() < Duration::from_secs(3));
        })
        .await;
    });
}

#[test]
fn a_client_that_hangs_up_in_the_handshake_makes_room_at_once() {
    local(async {
        let limits = Limits { connections: 1, handshake: Duration::from_secs(20), ..Limits::default() };
        let echo = Echo::start(limits);
        let path = echo.path();
        common::blocking(move || {
            for part in [&b"\0AUTH"[..], b"\0", b"", b"\0AUTH EXTERNAL\r\nDA"] {
                let mut client = UnixStream::connect(&path).unwrap();
                client.write_all(part).unwrap();
                std::thread::sleep(Duration::from_millis(20));
                drop(client);
                let deadline = Instant::now() + Duration::from_secs(2);
                while common::try_greet(&path).is_none() {
                    assert!(Instant::now() < deadline, "{part:?} keeps its place after the end");
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        })
        .await;
    });
}

#[test]
fn two_hundred_connections_and_a_limit() {
    local(async {
        let limits = Limits { connections: 200, ..Limits::default() };
        let echo = Echo::start(limits);
        let path = echo.path();
        common::blocking(move || {
            let mut clients: Vec<UnixStream> = (0..200).map(|_| greet(&path)).collect();
            for (index, client) in clients.iter_mut().enumerate() {
                let call = call("org.quintet.Test1", "Echo", &(index.to_string(),)).unwrap();
                client.write_all(call.data()).unwrap();
            }
            for (index, client) in clients.iter_mut().enumerate() {
                let text = read_message(client).body().deserialize::<(String,)>().unwrap().0;
                assert_eq!(text, index.to_string());
            }
            let mut refused = UnixStream::connect(&path).unwrap();
            let mut rest = Vec::new();
            let _ = refused.read_to_end(&mut rest);
            assert!(rest.is_empty());
            drop(clients);
            // Their places are free again, once the server noticed.
            let deadline = Instant::now() + Duration::from_secs(5);
            while common::try_greet(&path).is_none() {
                assert!(Instant::now() < deadline, "no connection after others closed");
                std::thread::sleep(Duration::from_millis(10));
            }
        })
        .await;
    });
}

#[test]
fn two_faces_one_stream() {
    local(async {
        let (private, bus) = (Scratch::new(), Scratch::new());
        let (server, mut incoming) = Server::new(Limits::default());
        server.listen(private.listener(), "private").unwrap();
        server.listen(bus.listener(), "bus").unwrap();
        let (path, other) = (private.path(), bus.path());
        let mut first = common::blocking(move || greet(&path)).await;
        let Some(Incoming::Connected(client)) = incoming.recv().await else { panic!("no client") };
        assert_eq!(client.face, "private");
        assert_eq!(client.pid, std::process::id());
        let _second = common::blocking(move || greet(&other)).await;
        let Some(Incoming::Connected(second)) = incoming.recv().await else { panic!("no client") };
        assert_eq!(second.face, "bus");
        server.broadcast_to("private", signal("org.quintet.Test1", "Tick", &()).unwrap());
        let got = common::blocking(move || read_message(&mut first)).await;
        assert_eq!(got.header().member().unwrap().as_str(), "Tick");
        server.disconnect(client.id);
        assert!(matches!(incoming.recv().await, Some(Incoming::Disconnected(id)) if id == client.id));
        assert!(!server.send(client.id, signal("org.quintet.Test1", "Tick", &()).unwrap()));
    });
}

#[test]
fn a_handler_that_panics_answers_with_an_error() {
    let call = call("org.quintet.Test1", "Panic", &()).unwrap();
    let answer = guarded(&call, || panic!("on purpose")).unwrap();
    assert_eq!(answer.message_type(), Type::Error);
    let answer = guarded(&call, || Err(BusError::new(ErrorName::NoSuchJob, "Job 7 does not exist."))).unwrap();
    assert_eq!(answer.header().error_name().unwrap().as_str(), "org.freedesktop.systemd1.NoSuchJob");
    assert!(guarded(&call, || Ok(None)).is_none());
    assert!(default_reply(&reply(&call, &()).unwrap(), &|_| None).is_none());
}

#[test]
fn descriptors_of_later_messages_stay_with_their_message() {
    local(async {
        let echo = Echo::start(Limits::default());
        let path = echo.path();
        let (peer, _events) = bus_api::connect::Peer::connect(&path, Duration::from_secs(5)).await.unwrap();
        // The last is larger than what is read at once.
        for (count, width) in [(1_usize, 1), (16, 1), (253, 1), (16, 5000)] {
            let (read, write) = std::io::pipe().unwrap();
            let fds: Vec<bus_api::message::NamedFd> = (0..count)
                .map(|index| (format!("fd{index:0width$}"), write.as_fd().try_clone_to_owned().unwrap().into()))
                .collect();
            let plain = peer.call(call("org.quintet.Test1", "Echo", &("before",)).unwrap());
            let passed = peer.call(call("org.quintet.Test1", "Fds", &(fds,)).unwrap());
            let after = peer.call(call("org.quintet.Test1", "Echo", &("after",)).unwrap());
            assert_eq!(plain.await.unwrap().body().deserialize::<(String,)>().unwrap().0, "before");
            let answer = passed.await.unwrap();
            let (back,) = answer.body().deserialize::<(Vec<bus_api::message::NamedFd>,)>().unwrap();
            assert_eq!(back.len(), count);
            assert_eq!(after.await.unwrap().body().deserialize::<(String,)>().unwrap().0, "after");
            drop(write);
            for (_, fd) in back {
                std::fs::File::from(std::os::fd::OwnedFd::from(fd)).write_all(b"x").unwrap();
            }
            drop(answer);
            let mut read = read;
            let mut bytes = vec![0; count];
            read.read_exact(&mut bytes).unwrap();
            assert!(bytes.iter().all(|byte| *byte == b'x'));
        }
        let null = std::fs::File::open("/dev/null").unwrap();
        let many: Vec<zbus::OwnedFd> = (0..254).map(|_| null.as_fd().try_clone_to_owned().unwrap().into()).collect();
        let refused = peer.call(call("org.quintet.Test1", "Fds", &(many,)).unwrap()).await;
        assert!(matches!(refused, Err(bus_api::connect::CallError::Unsendable(_))));
        assert!(peer.call(call("org.quintet.Test1", "Echo", &("alive",)).unwrap()).await.is_ok());
    });
}

#[test]
fn clients_that_greet_a_bus_are_answered() {
    local(async {
        let scratch = Scratch::new();
        let (server, mut incoming) = Server::new(Limits::default());
        server.listen(scratch.listener(), "private").unwrap();
        let path = scratch.path();
        let client = common::blocking(move || {
            let mut client = greet(&path);
            let mut ask = |interface: &str, member: &str, name: Option<&str>| {
                let call = match name {
                    Some(name) => call(interface, member, &(name,)),
                    None => call(interface, member, &()),
                };
                client.write_all(call.unwrap().data()).unwrap();
                read_message(&mut client)
            };
            let driver = "org.freedesktop.DBus";
            let text = |message: &Message| message.body().deserialize::<(String,)>().unwrap().0;
            let own = text(&ask(driver, "Hello", None));
            assert!(own.starts_with(":1.") && own != PEER_NAME);
            assert_eq!(text(&ask(driver, "GetNameOwner", Some("org.quintet.Test1"))), PEER_NAME);
            let nobody = ask(driver, "GetNameOwner", Some("org.example.Other"));
            let error = nobody.header().error_name().unwrap().to_string();
            assert_eq!(error, "org.freedesktop.DBus.Error.NameHasNoOwner");
            assert_eq!(ask(driver, "AddMatch", Some("type='signal'")).message_type(), Type::MethodReturn);
            ask("org.freedesktop.DBus.Monitoring", "BecomeMonitor", None);
            // Nobody answers that: what comes is the signal that makes a monitor of it.
            let lost = ask("org.quintet.Test1", "Other", None);
            assert_eq!((lost.message_type(), text(&lost)), (Type::Signal, own));
        });
        let served = async {
            while let Some(happened) = incoming.recv().await {
                if let Incoming::Message(id, message) = happened {
                    server.answer_as_bus(id, &message, "org.quintet.Test1");
                }
            }
        };
        tokio::select! {
            () = client => {}
            () = served => panic!("the server ended"),
        }
    });
}
