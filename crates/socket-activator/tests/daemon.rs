//! The daemon on its bus, killed at the worst moments.

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use common::{Broker, Runner, path, run, unit};
use unit_parser::{ListenKind, ListenTarget, Value, rows};

#[test]
fn a_socket_triggers_and_survives() {
    let mut runner = Runner::new("plain");
    run(async {
        let mut broker = Broker::connect(&runner);
        let free = common::free_address();
        let listen =
            vec![(ListenKind::Stream, path(&runner.dir, "a.sock")), (ListenKind::Stream, ListenTarget::Inet(free))];
        broker.back().await;
        broker.start(&unit("a.socket", listen, &[])).await;
        broker.state("a.socket", "active/listening success").await;
        assert_eq!(runner.stored(), ["#accept-in", "#accept-out", "a.socket#0", "a.socket#1"]);

        let mut first = UnixStream::connect(runner.dir.join("a.sock")).unwrap();
        let (info, fds) = broker.trigger().await;
        assert_eq!((info.socket.as_str(), info.service.as_str(), fds.len()), ("a.socket", "a.service", 0));
        broker.state("a.socket", "active/running success").await;

        // Killed before anybody took the trigger; clients go on connecting.
        runner.kill();
        let mut second = TcpStream::connect(free).unwrap();
        runner.start();
        broker.back().await;
        let (again, _) = broker.trigger().await;
        assert_eq!(again.id, info.id, "the same trigger");
        broker.ack(again.id).await;
        runner.restart();
        broker.back().await;
        let list = broker.list().await;
        assert_eq!((list[0].active.as_str(), list[0].sub.as_str()), ("active", "running"));

        // The service gets the descriptors, with both clients in them.
        let fds = broker.fds("a.socket").await;
        assert_eq!(fds.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a.socket", "a.socket"]);
        let mut fds = fds.into_iter().map(|(_, fd)| fd);
        let unix = UnixListener::from(fds.next().unwrap());
        unix.accept().unwrap().0.write_all(b"one").unwrap();
        let tcp = TcpListener::from(fds.next().unwrap());
        tcp.accept().unwrap().0.write_all(b"two").unwrap();
        let mut text = String::new();
        first.read_to_string(&mut text).unwrap();
        second.read_to_string(&mut text).unwrap();
        assert_eq!(text, "onetwo");

        // The service ends; what is pending then triggers at once.
        let _third = TcpStream::connect(free).unwrap();
        broker.service("a.socket", "a.service", "dead", "success").await;
        broker.state("a.socket", "active/listening success").await;
        let (third, _) = broker.trigger().await;
        assert!(third.id > info.id);
        broker.ack(third.id).await;
        drop((unix, tcp));
        broker.stop("a.socket").await;
        broker.state("a.socket", "inactive/dead success").await;
        assert_eq!(runner.stored(), ["#accept-in", "#accept-out"]);
        assert!(TcpStream::connect(free).is_err());
    });
}

#[test]
fn an_address_in_use_fails_with_the_cause() {
    let runner = Runner::new("in-use");
    run(async {
        let mut broker = Broker::connect(&runner);
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = vec![(ListenKind::Stream, ListenTarget::Inet(taken.local_addr().unwrap()))];
        broker.back().await;
        broker.start(&unit("a.socket", listen, &[])).await;
        let common::Seen::Log(text) = broker.next().await else { panic!("the cause first") };
        assert!(text.ends_with(": Address already in use"), "{text}");
        broker.state("a.socket", "failed/failed resources").await;
    });
}

#[test]
fn a_private_network_lasts_from_start_to_stop() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let mut runner = Runner::new("network");
    run(async {
        let mut broker = Broker::connect(&runner);
        // Where we are, the address is taken.
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let private = [(rows::exec::PRIVATE_NETWORK, Value::Bool(true))];
        broker.back().await;
        broker.start(&unit("a.socket", vec![(ListenKind::Stream, ListenTarget::Inet(address))], &private)).await;
        broker.state("a.socket", "active/listening success").await;
        let stored = ["#accept-in", "#accept-out", "a.socket#net", "a.socket#0"];
        assert_eq!(runner.stored(), stored);
        runner.restart();
        broker.back().await;
        assert_eq!(runner.stored(), stored);
        let network = runner.store.iter().find(|(name, _)| name.ends_with("#net")).map(|(_, fd)| fd).unwrap();
        let connect = || TcpStream::connect(address).map(drop);
        let answer = sys::namespace::within(sys::namespace::Kind::Network, network, connect).unwrap();
        assert!(answer.is_ok(), "its loopback device is up, and it listens there: {answer:?}");
        broker.state("a.socket", "active/running success").await;
        assert!(taken.set_nonblocking(true).is_ok() && taken.accept().is_err());
        broker.stop("a.socket").await;
        broker.state("a.socket", "inactive/dead success").await;
        assert_eq!(runner.stored(), ["#accept-in", "#accept-out"]);
        let nowhere = [(rows::exec::NETWORK_NAMESPACE_PATH, Value::Str("/nonexistent".into()))];
        broker.start(&unit("b.socket", vec![(ListenKind::Stream, ListenTarget::Any(1))], &nowhere)).await;
        broker.state("b.socket", "failed/failed resources").await;
    });
}

#[test]
fn accepted_connections_are_neither_lost_nor_doubled() {
    const CLIENTS: usize = 200;
    let mut runner = Runner::new("accept");
    run(async {
        let mut broker = Broker::connect(&runner);
        let settings = [
            (rows::socket::ACCEPT, Value::Bool(true)),
            (rows::socket::MAX_CONNECTIONS, Value::Uint(100_000)),
            (rows::socket::TRIGGER_LIMIT_BURST, Value::Uint(0)),
        ];
        broker.back().await;
        let listen = vec![(ListenKind::Stream, path(&runner.dir, "a.sock"))];
        broker.start(&unit("a.socket", listen, &settings)).await;
        broker.state("a.socket", "active/listening success").await;

        let socket = runner.dir.join("a.sock");
        let clients = std::thread::spawn(move || {
            let mut answers = Vec::new();
            for number in 0..CLIENTS {
                let mut client = UnixStream::connect(&socket).expect("never refused");
                client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                client.write_all(&(number as u32).to_ne_bytes()).unwrap();
                answers.push(client);
            }
            let mut texts = Vec::new();
            for mut client in answers {
                let mut text = String::new();
                client
                    .read_to_string(&mut text)
                    .unwrap_or_else(|error| panic!("no answer after {}: {error}", texts.len()));
                texts.push(text);
            }
            texts
        });
        // The broker: answers every trigger once, whatever is repeated.
        let mut served = std::collections::BTreeMap::new();
        let mut killed = 0;
        while served.len() < CLIENTS {
            let event = tokio::time::timeout(Duration::from_secs(15), broker.next()).await;
            match event.expect("no connection is forgotten") {
                common::Seen::Triggered(info, fds) => {
                    if served.insert(info.id, info.service.clone()).is_none() {
                        let mut connection = UnixStream::from(fds.into_iter().next().unwrap());
                        let mut number = [0; 4];
                        connection.read_exact(&mut number).unwrap();
                        write!(connection, "{}", u32::from_ne_bytes(number)).unwrap();
                        connection.shutdown(std::net::Shutdown::Write).unwrap();
                    }
                    let ack = bus_api::sockets::Request::Ack { id: info.id }.message().unwrap();
                    let _ = broker.peer.send(ack);
                    if served.len() % 10 == 5 && killed < 20 {
                        killed += 1;
                        runner.restart();
                    }
                    runner.collect();
                }
                _ => runner.collect(),
            }
        }
        let texts = clients.join().unwrap();
        let expected: Vec<String> = (0..CLIENTS).map(|number| number.to_string()).collect();
        assert_eq!(texts, expected);
        assert!(killed >= 10);
        let names: std::collections::BTreeSet<_> = served.values().collect();
        assert_eq!(names.len(), CLIENTS, "every instance has a name of its own");
        // Nothing is left over once the last repetition is acknowledged.
        while runner.stored().iter().any(|name| name.contains("#c-")) {
            let next = tokio::time::timeout(Duration::from_millis(50), broker.next()).await;
            if let Ok(common::Seen::Triggered(info, _)) = next {
                assert!(served.contains_key(&info.id), "a repetition");
                broker.ack(info.id).await;
            }
        }
    });
}
