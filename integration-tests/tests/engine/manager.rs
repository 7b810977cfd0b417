//! A booted manager and a connection to it.

use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use integration_tests::{Builder, Place};

use crate::bus::{Argument, Bus, Message, Value};
use crate::graph::{Graph, Kind};

/// How the commands of all services begin.
pub const GATE: &str = "/run/place/dir/gate /run/place/dir/gates";
const MANAGER: (&str, &str) = ("/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager");

/// What Quintet offers beyond systemd.
pub const BROKER: (&str, &str) = ("/org/quintet", "org.quintet.Broker1");

/// Targets that units depend on by default, the same for both managers.
const TARGETS: [(&str, &str); 10] = [
    ("sysinit", "DefaultDependencies=no\n"),
    ("basic", "Requires=sysinit.target\nAfter=sysinit.target\n"),
    ("default", "Requires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n"),
    ("shutdown", "DefaultDependencies=no\nRefuseManualStart=yes\n"),
    ("umount", "DefaultDependencies=no\nRefuseManualStart=yes\n"),
    ("local-fs", "DefaultDependencies=no\n"),
    ("local-fs-pre", "DefaultDependencies=no\n"),
    ("slices", "DefaultDependencies=no\n"),
    ("swap", "DefaultDependencies=no\n"),
    ("remote-fs", "DefaultDependencies=no\n"),
];

/// A booted manager.
pub struct Manager {
    pub place: Place,
    bus: Option<Bus>,
    /// What the connection goes through.
    relay: Option<Child>,
    /// Signals that came and weren't looked at yet.
    pub signals: Vec<Message>,
}

/// An error reply, or a lost connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    Reply { name: String, text: String },
    Lost,
}

impl Manager {
    /// Boots one with the files of these graphs.
    pub fn boot(systemd: bool, graphs: &[Graph]) -> Manager {
        Manager::boot_as(if systemd { Place::system().systemd() } else { Place::system() }, graphs)
    }

    /// The same in a place that was prepared.
    pub fn boot_as(mut builder: Builder, graphs: &[Graph]) -> Manager {
        for (name, text) in TARGETS {
            builder = builder.unit(&format!("{name}.target"), &format!("[Unit]\n{text}"));
        }
        for unit in graphs.iter().flat_map(|graph| &graph.units) {
            match unit.kind {
                Kind::Missing => {}
                // An empty file masks like a link to /dev/null.
                Kind::Masked => builder = builder.unit(&unit.name, ""),
                _ => builder = builder.unit(&unit.name, &unit.text),
            }
        }
        let place = builder.boot();
        fs::copy(env!("CARGO_BIN_EXE_gate"), place.dir().join("gate")).expect("a copy");
        fs::create_dir_all(place.dir().join("gates")).expect("a directory");
        let mut manager = Manager { place, bus: None, relay: None, signals: Vec::new() };
        manager.connect();
        manager
    }

    /// Connects. Fails after ten seconds.
    pub fn connect(&mut self) {
        assert!(self.reconnect(), "no connection");
    }

    /// Connects, again if need be, by a relay inside: systemd wants to know who asks. False after ten seconds.
    pub fn reconnect(&mut self) -> bool {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            self.disconnect();
            let (relay, socket) = self.place.connected(&["/run/place/dir/gate", "--relay", "/run/systemd/private"]);
            self.relay = Some(relay);
            self.bus = Bus::new(socket).ok();
            if self.call_on((MANAGER.0, "org.freedesktop.DBus.Peer"), "Ping", &[]).is_ok() {
                return true;
            }
            if Instant::now() > end {
                return false;
            }
        }
    }

    fn disconnect(&mut self) {
        self.bus = None;
        if let Some(mut relay) = self.relay.take() {
            let _ = relay.wait();
        }
    }

    /// A call of any interface.
    pub fn call_on(
        &mut self,
        object: (&str, &str),
        member: &str,
        arguments: &[Argument<'_>],
    ) -> Result<Vec<Value>, Failure> {
        let Some(bus) = &mut self.bus else { return Err(Failure::Lost) };
        let result = exchange(bus, object, member, arguments, &mut self.signals);
        if let Err(Failure::Lost) = result {
            self.bus = None;
        }
        result
    }

    /// A call of the manager's interface.
    pub fn call(&mut self, member: &str, arguments: &[Argument<'_>]) -> Result<Vec<Value>, Failure> {
        self.call_on(MANAGER, member, arguments)
    }

    /// The socket of a gate.
    fn socket(&self, gate: &str) -> PathBuf {
        self.place.dir().join("gates").join(gate)
    }

    /// Whether a command waits at a gate (`g1-3.start`).
    pub fn waits(&self, gate: &str) -> bool {
        UnixStream::connect(self.socket(gate)).is_ok()
    }

    /// Tells who waits there how to go on.
    pub fn tell(&self, gate: &str, word: &str) {
        if let Ok(mut stream) = UnixStream::connect(self.socket(gate)) {
            let told = stream.write_all(word.as_bytes()).and_then(|()| stream.shutdown(Shutdown::Write));
            // Until it has left the gate.
            let _ = told.and_then(|()| stream.read_to_end(&mut Vec::new()));
        }
    }

    /// What commands ran so far: `UNIT PHASE` each.
    pub fn ran(&self) -> Vec<String> {
        let text = fs::read_to_string(self.place.dir().join("gates/log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        self.disconnect();
    }
}

/// Sends a call and waits for its reply; what comes before that are signals.
fn exchange(
    bus: &mut Bus,
    object: (&str, &str),
    member: &str,
    arguments: &[Argument<'_>],
    signals: &mut Vec<Message>,
) -> Result<Vec<Value>, Failure> {
    let serial = bus.send(object.0, object.1, member, arguments).map_err(|_| Failure::Lost)?;
    loop {
        let message = bus.receive().map_err(|_| Failure::Lost)?;
        match message.kind {
            4 => signals.push(message),
            2 if message.reply_serial == serial => return Ok(message.body),
            3 if message.reply_serial == serial => {
                let text = message.body.first().map_or("", Value::text).to_owned();
                return Err(Failure::Reply { name: message.error, text });
            }
            _ => {}
        }
    }
}
