//! A runner for the daemon as the launcher is one: keeps its bus and what it stores, starts it again with both.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bus_api::connect::{Peer, PeerEvent, PeerEvents};
use bus_api::sockets::TriggerInfo;
use bus_api::worker::UnitStatus;
use bus_api::{sockets, worker};
use nix::fcntl::{FcntlArg, fcntl};
use sys::notify::{Incoming, NotifySocket};
use unit_parser::{ListenAddress, ListenKind, ListenTarget, Origin, RowId, Unit, UnitName, Value, rows};

/// A port that is free, on a loopback address of this process's own: nobody else is given it between two tests of it, nor does
/// a connection to it reach itself, as it can where source and destination are 127.0.0.1.
pub fn free_address() -> SocketAddr {
    let [high, middle, low] = std::process::id().to_be_bytes().last_chunk().copied().unwrap_or_default();
    let address = Ipv4Addr::new(127, 128 | high, middle, low);
    TcpListener::bind((address, 0)).unwrap().local_addr().unwrap()
}

/// The daemon, killed and started at will.
pub struct Runner {
    pub dir: PathBuf,
    notify: NotifySocket,
    bus: UnixListener,
    pub store: Vec<(String, OwnedFd)>,
    child: Option<Child>,
}

impl Runner {
    pub fn new(test: &str) -> Runner {
        let dir = std::env::temp_dir().join(format!("socket-activator-{test}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        let notify = NotifySocket::bind(&dir.join("notify")).unwrap();
        let bus = UnixListener::bind(dir.join("socket-activator.bus")).unwrap();
        let mut runner = Runner { dir, notify, bus, store: Vec::new(), child: None };
        runner.start();
        runner
    }

    /// Starts it with the bus and everything stored, through bash: LISTEN_PID is the PID of the process that execs.
    pub fn start(&mut self) {
        let own = std::iter::once(("bus", self.bus.as_fd()));
        let stored = self.store.iter().map(|(name, fd)| (name.as_str(), fd.as_fd()));
        let mut script = String::from("export LISTEN_PID=$$; exec \"$0\"");
        let mut names = Vec::new();
        let mut copies = Vec::new();
        for (target, (name, fd)) in (3..).zip(own.chain(stored)) {
            // Copies above 200 are not closed on exec and stay out of the way of the targets.
            let copy = fcntl(fd, FcntlArg::F_DUPFD(200)).unwrap();
            copies.push(copy);
            script.push_str(&format!(" {target}<&{copy} {copy}<&-"));
            names.push(name);
        }
        let child = Command::new("bash")
            .args(["-c", &script, env!("CARGO_BIN_EXE_socket-activator")])
            .env("LISTEN_FDS", names.len().to_string())
            .env("LISTEN_FDNAMES", names.join(":"))
            .env("NOTIFY_SOCKET", self.dir.join("notify"))
            .env("QUINTET_RUNTIME_DIR", &self.dir)
            .env_remove("QUINTET_CGROUP_ROOT")
            .env("QUINTET_LOG", "debug")
            .stdin(Stdio::null())
            .stderr(std::fs::File::options().create(true).append(true).open(self.dir.join("log")).unwrap())
            .spawn()
            .unwrap();
        for copy in copies {
            nix::unistd::close(copy).unwrap();
        }
        self.child = Some(child);
    }

    /// kill -9, and what it told before.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            child.wait().unwrap();
        }
        self.collect();
    }

    pub fn restart(&mut self) {
        self.kill();
        self.start();
    }

    /// Does what the daemon asks of its runner.
    pub fn collect(&mut self) {
        while let Incoming::Message(message) = self.notify.recv().unwrap() {
            let name = message.field("FDNAME").unwrap_or_default().to_owned();
            if message.is_set("FDSTORE") {
                self.store.extend(message.fds.into_iter().map(|fd| (name.clone(), fd)));
            } else if message.is_set("FDSTOREREMOVE") {
                self.store.retain(|(stored, _)| *stored != name);
            }
        }
    }

    pub fn stored(&mut self) -> Vec<String> {
        self.collect();
        self.store.iter().map(|(name, _)| name.clone()).collect()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("log of the daemon:\n{}", self.log());
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// What came from the daemon.
#[derive(Debug)]
pub enum Seen {
    Changed(UnitStatus),
    Triggered(TriggerInfo, Vec<OwnedFd>),
    Log(String),
    Back,
    Away,
}

/// A client of the daemon, as the broker is one.
pub struct Broker {
    pub peer: Peer,
    events: PeerEvents,
}

impl Broker {
    pub fn connect(runner: &Runner) -> Broker {
        let (peer, events) = Peer::open(&runner.dir.join("socket-activator.bus"));
        Broker { peer, events }
    }

    pub async fn call(&self, message: Result<zbus::message::Message, zbus::Error>) -> zbus::message::Message {
        let call = self.peer.call(message.unwrap());
        tokio::time::timeout(Duration::from_secs(10), call).await.expect("an answer").expect("no error")
    }

    /// Sends what has no answer, and waits until it has been read.
    async fn tell(&self, message: Result<zbus::message::Message, zbus::Error>) {
        self.peer.send(message.unwrap()).expect("sent");
        self.list().await;
    }

    pub async fn start(&self, unit: &Unit) {
        let request = worker::Request::Start {
            unit: unit.name.to_string(),
            definition: serde_json::to_string(unit).unwrap(),
            options: worker::StartOptions { invocation_id: vec![7; 16], ..Default::default() },
            fds: Vec::new(),
        };
        self.call(request.message()).await;
    }

    pub async fn stop(&self, unit: &str) {
        let request = worker::Request::Stop { unit: unit.into(), options: Default::default() };
        self.call(request.message()).await;
    }

    pub async fn ack(&self, id: u64) {
        self.tell(sockets::Request::Ack { id }.message()).await;
    }

    pub async fn service(&self, socket: &str, service: &str, sub: &str, result: &str) {
        let state = sockets::ServiceState {
            socket: socket.into(),
            service: service.into(),
            sub: sub.into(),
            result: result.into(),
        };
        self.tell(sockets::Request::ServiceState(state).message()).await;
    }

    pub async fn list(&self) -> Vec<UnitStatus> {
        worker::parse_list(&self.call(worker::Request::List.message()).await).unwrap()
    }

    pub async fn fds(&self, unit: &str) -> Vec<(String, OwnedFd)> {
        let reply = self.call(sockets::Request::Fds { unit: unit.into() }.message()).await;
        let fds = sockets::parse_fds(&reply).unwrap();
        fds.into_iter().map(|(name, fd)| (name, fd.into())).collect()
    }

    /// The next thing that the daemon says by itself; panics after ten seconds.
    pub async fn next(&mut self) -> Seen {
        loop {
            let event = tokio::time::timeout(Duration::from_secs(10), self.events.recv()).await;
            match event.expect("something within ten seconds").expect("the peer lives") {
                PeerEvent::Back => return Seen::Back,
                PeerEvent::Away { .. } => return Seen::Away,
                PeerEvent::Signal(message) => {
                    if let Some(worker::Event::Changed(status)) = worker::Event::parse(&message).unwrap() {
                        return Seen::Changed(status);
                    }
                    if let Some(worker::Event::Log { text, .. }) = worker::Event::parse(&message).unwrap() {
                        return Seen::Log(text);
                    }
                    if let Some(sockets::Event::Triggered { info, fds }) = sockets::Event::parse(&message).unwrap() {
                        return Seen::Triggered(info, fds.into_iter().map(|(_, fd)| fd.into()).collect());
                    }
                }
                PeerEvent::Reply { .. } | PeerEvent::Call(_) => {}
            }
        }
    }

    /// Waits for a unit to be in a state.
    pub async fn state(&mut self, unit: &str, state: &str) -> UnitStatus {
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until {
            if let Seen::Changed(status) = self.next().await
                && status.unit == unit
                && format!("{}/{} {}", status.active, status.sub, status.result) == state
            {
                return status;
            }
        }
        panic!("{unit} does not become {state}");
    }

    /// Waits for a trigger.
    pub async fn trigger(&mut self) -> (TriggerInfo, Vec<OwnedFd>) {
        loop {
            if let Seen::Triggered(info, fds) = self.next().await {
                return (info, fds);
            }
        }
    }

    /// Waits until the daemon is there (again).
    pub async fn back(&mut self) {
        while !matches!(self.next().await, Seen::Back) {}
    }
}

/// A socket unit from settings.
pub fn unit(name: &str, listen: Vec<(ListenKind, ListenTarget)>, settings: &[(RowId, Value)]) -> Unit {
    let mut unit = Unit::new(UnitName::parse(name).unwrap());
    let addresses = listen
        .into_iter()
        .map(|(kind, address)| ListenAddress { kind, text: format!("{address:?}"), address, line: 1 })
        .collect();
    let origin = Origin { file: 0, line: 1 };
    unit.set(rows::socket::LISTEN_STREAM, Value::Listen(addresses), origin);
    for (row, value) in settings {
        unit.set(*row, value.clone(), origin);
    }
    unit
}

pub fn path(dir: &Path, name: &str) -> ListenTarget {
    ListenTarget::Path(dir.join(name).to_str().unwrap().to_owned())
}

/// Runs a test on the daemons' kind of runtime.
pub fn run(test: impl Future<Output = ()>) {
    daemon_runtime::run(test).unwrap();
}
