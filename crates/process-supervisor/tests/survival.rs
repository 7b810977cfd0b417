//! The supervisor is killed at random moments while services start, crash, restart and stop: none is lost, none is doubled,
//! every exit status is right, no time-out is forgotten.
//!
//! The test is the launcher: it holds the bus socket and the descriptor store, reaps orphans and tells of them, and starts
//! the supervisor again; and it is the broker: it starts, stops and restarts services and hears what became of them.
//! `SURVIVAL_SEED`, `SURVIVAL_KILLS`, `SURVIVAL_SERVICES` and `SURVIVAL_ROUNDS` (of kills, and a peace after them) choose
//! another run; the long ones are 500 kills of 50 services, and 15 rounds of 8 kills.

use std::collections::{BTreeMap, HashMap};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bus_api::connect::{CallError, Peer, PeerEvent, PeerEvents};
use bus_api::worker::{Event, Request, StartOptions, StopOptions, UnitStatus, parse_list};
use sys::executor::{Job, PassedFd, Stdio};
use sys::notify::{Incoming, NotifySocket};
use sys::spawn::{Executor, SpawnRequest, Spawned, spawn};
use unit_parser::{LoadPath, Loader, Mode, UnitName};

const SERVICES: u64 = 20;

/// A small generator: the run depends on the seed only (and on the kernel's scheduling).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// What a launcher does for the supervisor.
struct Launcher {
    dir: PathBuf,
    cgroups: String,
    bus: UnixListener,
    notify: NotifySocket,
    store: Vec<(String, OwnedFd)>,
    exits: (UnixDatagram, UnixDatagram),
    daemon: Option<Spawned>,
    executor: Executor,
    log: std::fs::File,
}

impl Launcher {
    fn new(dir: &Path, cgroups: Option<&Path>) -> Launcher {
        sys::subreaper::enable().expect("subreaper");
        std::fs::create_dir_all(dir.join("notify")).expect("directory");
        Launcher {
            dir: dir.to_owned(),
            cgroups: cgroups.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default(),
            bus: UnixListener::bind(dir.join("process-supervisor.bus")).expect("bus"),
            notify: NotifySocket::bind(&dir.join("notify/process-supervisor")).expect("notify"),
            store: Vec::new(),
            exits: UnixDatagram::pair().expect("pair"),
            daemon: None,
            executor: Executor::open(Path::new(env!("CARGO_BIN_EXE_process-executor"))).expect("executor"),
            log: std::fs::File::create(dir.join("supervisor.log")).expect("log"),
        }
    }

    fn start(&mut self) {
        self.read_notify();
        let own = [("bus", self.bus.as_raw_fd()), ("exits", self.exits.0.as_raw_fd())];
        let fixed = own.into_iter().map(|(name, fd)| PassedFd { fd, name: name.into() });
        let stored = self.store.iter().map(|(name, fd)| PassedFd { fd: fd.as_raw_fd(), name: name.clone() });
        let path = |name: &str| self.dir.join(name).to_string_lossy().into_owned();
        let job = Job {
            unit: "process-supervisor".into(),
            path: env!("CARGO_BIN_EXE_process-supervisor").into(),
            argv: vec!["process-supervisor".into(), "--log-level".into(), "debug".into()],
            env: [
                ("QUINTET_RUNTIME_DIR", self.dir.to_string_lossy().into_owned()),
                ("NOTIFY_SOCKET", path("notify/process-supervisor")),
                ("XDG_STATE_HOME", path("logs")),
                ("HOME", path("")),
                ("QUINTET_MODE", "user".into()),
                ("QUINTET_CGROUP_ROOT", self.cgroups.clone()),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
            fds: fixed.chain(stored).collect(),
            stdin: Stdio::Null,
            stdout: Stdio::Fd(self.log.as_raw_fd()),
            stderr: Stdio::Fd(self.log.as_raw_fd()),
            keep_session: true,
            ..Job::default()
        };
        let request = SpawnRequest { executor: &self.executor, job: &job, cgroup: None };
        self.daemon = Some(spawn(&request).expect("supervisor started"));
    }

    fn kill(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.pidfd.send_signal(9).expect("killed");
            while !daemon.pidfd.ended() {
                std::thread::sleep(Duration::from_micros(200));
            }
            daemon.pidfd.reap().expect("reaped");
        }
    }

    /// Stores and drops descriptors, reaps orphans.
    fn serve(&mut self) {
        self.read_notify();
        loop {
            let daemon = self.daemon.as_ref().map(|daemon| daemon.pid);
            match sys::reap::peek_any() {
                Ok(Some((pid, _))) if Some(pid) == daemon => panic!("the supervisor ended by itself"),
                Ok(Some((pid, status))) => {
                    let record = format!("{pid} {} {}", status.code(), status.status());
                    self.exits.1.send(record.as_bytes()).expect("told");
                    let reaped = sys::pidfd::PidFd::open(pid).and_then(|pidfd| pidfd.reap()).expect("reaped");
                    assert_eq!(reaped, Some(status));
                }
                Ok(None) | Err(_) => return,
            }
        }
    }

    fn read_notify(&mut self) {
        while let Ok(Incoming::Message(message)) = self.notify.recv() {
            let name = message.field("FDNAME").unwrap_or("stored").to_owned();
            if message.is_set("FDSTORE") {
                self.store.extend(message.fds.into_iter().map(|fd| (name.clone(), fd)));
            } else if message.is_set("FDSTOREREMOVE") {
                self.store.retain(|(have, _)| *have != name);
            }
        }
    }
}

/// What a service is for, and what must become of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Runs until it is stopped.
    Steady,
    /// Exits with this status after a moment, and stays failed.
    Fails(i32),
    /// Exits and is restarted, again and again.
    Restarts,
    /// Ignores SIGTERM: its stop needs the time-out.
    Stubborn,
    /// Several commands in turn.
    Oneshot,
    /// Never pings its watchdog.
    Watched,
    /// Never becomes ready.
    Late,
    /// Runs longer than it may.
    Long,
    /// Is killed by a signal.
    Crashes,
}

fn stays(begin: &str) -> String {
    format!("ExecStart=/bin/sh -c '{begin}; exec sleep 1000'\n")
}

impl Kind {
    /// Sub-state, result and `ExecMainStatus` in the end, for those that come to one by themselves.
    fn end(self) -> Option<(&'static str, &'static str, i32)> {
        match self {
            Kind::Steady | Kind::Restarts | Kind::Stubborn => None,
            Kind::Fails(code) => Some(("failed", "exit-code", code)),
            Kind::Oneshot => Some(("exited", "success", 0)),
            Kind::Watched => Some(("failed", "watchdog", 15)),
            Kind::Late | Kind::Long => Some(("failed", "timeout", 15)),
            Kind::Crashes => Some(("failed", "signal", 9)),
        }
    }

    fn of(n: usize) -> Kind {
        match n % 10 {
            0 | 1 => Kind::Steady,
            2 => Kind::Fails(40 + (n % 50) as i32),
            3 => Kind::Restarts,
            4 => Kind::Stubborn,
            5 => Kind::Watched,
            6 => Kind::Late,
            7 => Kind::Long,
            8 => Kind::Crashes,
            _ => Kind::Oneshot,
        }
    }

    fn text(self, log: &Path) -> String {
        // Each main process writes one line "begin PID" first: two of them alive at a time would be a doubled start.
        let begin = format!("echo begin $$$$ >>{}", log.display());
        let body = match self {
            Kind::Steady => stays(&begin),
            Kind::Fails(code) => format!("ExecStart=/bin/sh -c '{begin}; sleep 0.0$$(($$$$ %% 9)); exit {code}'\n"),
            Kind::Restarts => {
                format!("Restart=always\nRestartSec=20ms\nExecStart=/bin/sh -c '{begin}; sleep 0.05; exit 7'\n")
            }
            Kind::Stubborn => format!(
                "TimeoutStopSec=300ms\nExecStart=/bin/sh -c 'trap \"\" TERM; {begin}; while :; do sleep 0.2; done'\n"
            ),
            Kind::Watched => format!("WatchdogSec=200ms\nWatchdogSignal=SIGTERM\n{}", stays(&begin)),
            Kind::Late => format!("Type=notify\nTimeoutStartSec=200ms\n{}", stays(&begin)),
            Kind::Long => format!("RuntimeMaxSec=200ms\n{}", stays(&begin)),
            Kind::Crashes => format!("ExecStart=/bin/sh -c '{begin}; sleep 0.02; kill -9 $$$$'\n"),
            Kind::Oneshot => format!(
                "Type=oneshot\nRemainAfterExit=yes\nExecStartPre=/bin/sleep 0.02\nExecStart=/bin/sh -c '{begin}; sleep 0.03'\n\
                 ExecStart=/bin/sh -c 'sleep 0.02; echo second >>{0}'\nExecStopPost=/bin/sh -c 'echo post >>{0}'\n",
                log.display()
            ),
        };
        format!("[Service]\nEnvironment={MARK}={}\n{body}", log.display())
    }
}

struct Broker {
    peer: Peer,
    events: PeerEvents,
    states: HashMap<String, UnitStatus>,
    /// Restarts that are due and not carried out yet.
    due: Vec<String>,
    /// The list that is awaited. Its place among the signals says which of them are newer.
    listing: Option<u32>,
}

impl Broker {
    fn hear(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            match event {
                PeerEvent::Signal(message) => self.hear_signal(&message),
                PeerEvent::Reply { serial, result } if self.listing == Some(serial) => {
                    self.listing = None;
                    if let Ok(reply) = result {
                        let all = parse_list(&reply).expect("units");
                        self.states = all.into_iter().map(|status| (status.unit.clone(), status)).collect();
                    }
                }
                PeerEvent::Reply { .. } | PeerEvent::Back | PeerEvent::Away { .. } | PeerEvent::Call(_) => {}
            }
        }
    }

    fn hear_signal(&mut self, message: &zbus::Message) {
        match Event::parse(message) {
            Ok(Some(Event::Changed(mut status))) => {
                // It has the properties that differ from what was told before.
                if let Some(known) = self.states.remove(&status.unit) {
                    for (name, value) in known.properties {
                        status.properties.entry(name).or_insert(value);
                    }
                }
                self.states.insert(status.unit.clone(), status);
            }
            Ok(Some(Event::RestartDue { unit })) => {
                if !self.due.contains(&unit) {
                    self.due.push(unit);
                }
            }
            Ok(Some(Event::Log { .. }) | None) | Err(_) => {}
        }
    }
}

fn sub(status: &UnitStatus) -> &str {
    &status.sub
}

fn property_u32(status: &UnitStatus, name: &str) -> u32 {
    status.properties.get(name).and_then(|value| u32::try_from(value.clone()).ok()).unwrap_or(0)
}

fn property_i32(status: &UnitStatus, name: &str) -> i32 {
    status.properties.get(name).and_then(|value| i32::try_from(value.clone()).ok()).unwrap_or(0)
}

struct World {
    launcher: Launcher,
    broker: Broker,
    definitions: BTreeMap<String, (Kind, String, PathBuf)>,
    invocations: u64,
}

/// A test that fails leaves its directory to look at, and no processes.
impl Drop for World {
    fn drop(&mut self) {
        self.launcher.kill();
        for (_, _, log) in self.definitions.values() {
            for pid in sys::process::with_environ(MARK, &log.to_string_lossy()) {
                let _ = sys::signals::kill(pid, 9);
            }
        }
    }
}

impl World {
    /// A call that is made until it is answered.
    async fn call(&mut self, make: impl Fn() -> Request) -> Result<zbus::Message, CallError> {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let answer = self.broker.peer.call(make().message().expect("message"));
            tokio::pin!(answer);
            let result = loop {
                tokio::select! {
                    result = &mut answer => break result,
                    () = tokio::time::sleep(Duration::from_millis(1)) => self.turn(),
                }
            };
            match result {
                Err(CallError::Away) if Instant::now() < end => {
                    if self.launcher.daemon.is_none() {
                        self.launcher.start();
                    }
                    self.turn();
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                other => return other,
            }
        }
    }

    fn turn(&mut self) {
        self.launcher.serve();
        self.broker.hear();
    }

    async fn list(&mut self) {
        let end = Instant::now() + Duration::from_secs(30);
        let mut answered = false;
        while !answered {
            assert!(Instant::now() < end, "no list");
            if self.launcher.daemon.is_none() {
                self.launcher.start();
            }
            let sent = self.broker.peer.send(Request::List.message().expect("message"));
            self.broker.listing = sent.ok();
            answered = self.broker.listing.is_some();
            while self.broker.listing.is_some() && self.broker.peer.is_back() {
                self.turn();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            self.turn();
            answered &= self.broker.listing.take().is_none();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn start(&mut self, unit: &str) {
        self.invocations += 1;
        let id = self.invocations.to_be_bytes();
        let invocation_id = [[1u8; 8], id].concat();
        let definition = self.definitions[unit].1.clone();
        let name = unit.to_owned();
        let result = self
            .call(move || Request::Start {
                unit: name.clone(),
                definition: definition.clone(),
                options: StartOptions { invocation_id: invocation_id.clone(), ..Default::default() },
                fds: Vec::new(),
            })
            .await;
        // It may run already: a client that heard nothing of an earlier start asks again.
        if let Err(CallError::Remote { name, text }) = &result {
            assert!(name.ends_with("UnitBusy"), "{text}");
        }
    }

    async fn stop(&mut self, unit: &str, restart: bool) {
        let name = unit.to_owned();
        let result = self
            .call(move || Request::Stop { unit: name.clone(), options: StopOptions { restart, ..Default::default() } })
            .await;
        if let Err(CallError::Remote { name, text }) = &result {
            assert!(name.ends_with("NoSuchUnit"), "{text}");
        }
    }

    async fn restarts(&mut self) {
        for unit in std::mem::take(&mut self.broker.due) {
            let waiting = self.broker.states.get(&unit).is_some_and(|status| sub(status) == "auto-restart");
            if waiting {
                self.stop(&unit, true).await;
                self.start(&unit).await;
            }
        }
    }

    async fn settle(&mut self, what: &str, limit: Duration, done: impl Fn(&World) -> Vec<String>) {
        // For as long as it takes on a busy machine, while there is progress.
        let (mut end, mut fewest) = (Instant::now() + limit, usize::MAX);
        loop {
            self.turn();
            self.restarts().await;
            let left = done(self);
            if left.is_empty() {
                return;
            }
            if left.len() < fewest {
                (fewest, end) = (left.len(), Instant::now() + limit);
            }
            if Instant::now() > end {
                let log = std::fs::read_to_string(self.launcher.dir.join("supervisor.log")).unwrap_or_default();
                let tail: Vec<&str> = log.lines().rev().take(60).collect();
                let tail: Vec<&str> = tail.into_iter().rev().collect();
                let states = left.iter().map(|unit| {
                    let status = self.broker.states.get(unit);
                    status.map(|it| format!("{unit} is {}, {}: {}", it.sub, it.result, it.cause))
                });
                let states: Vec<String> = states.flatten().collect();
                panic!("{what}: still {left:?}\n{}\n{}", states.join("\n"), tail.join("\n"));
            }
            self.list().await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The variable that tells a service's processes from later ones that were given the same PIDs: a long run uses all of them.
const MARK: &str = "SURVIVAL_LOG";

/// Main processes that are alive of those that wrote their begin: more than one is a doubled start.
fn alive(log: &Path) -> Vec<i32> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.strip_prefix("begin ")?.parse::<i32>().ok())
        .filter(|pid| sys::process::Stat::read(*pid).is_ok_and(|stat| stat.state != 'Z'))
        .filter(|pid| {
            sys::process::environ(*pid, MARK).is_ok_and(|value| value.is_some_and(|path| Path::new(&path) == log))
        })
        .collect()
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Each test reaps whatever ends in this process: one at a time.
static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

#[test]
fn killed_at_random_moments() {
    let _alone = ALONE.lock();
    survive("bare", None);
}

#[test]
fn killed_at_random_moments_with_control_groups() {
    let _alone = ALONE.lock();
    match sys::cgroup::CgroupRoot::detect() {
        Ok(root) => {
            let group = root.create(&format!("quintet-survival-{}", std::process::id())).expect("control group");
            survive("groups", Some(group.path()));
            group.remove().expect("removed");
        }
        Err(error) => eprintln!("not tested: {error}"),
    }
}

fn survive(name: &str, cgroups: Option<&Path>) {
    daemon_runtime::run(async {
        let mut chance = Chance(number("SURVIVAL_SEED", 0x5eed) | 1);
        let kills = number("SURVIVAL_KILLS", 20);
        let dir = std::env::temp_dir().join(format!("quintet-survival-{name}-{}", std::process::id()));
        let mut launcher = Launcher::new(&dir, cgroups);
        launcher.start();
        let (peer, events) = Peer::open(&dir.join("process-supervisor.bus"));
        let loader = Loader::new(LoadPath { dirs: Vec::new() }, Mode::System, unit_parser::Host::default());
        let mut definitions = BTreeMap::new();
        for n in 0..number("SURVIVAL_SERVICES", SERVICES) {
            let name = format!("s{n}.service");
            let kind = Kind::of(n as usize);
            let log = dir.join(format!("s{n}.log"));
            let unit = loader.load_text(&UnitName::parse(&name).expect("name"), &kind.text(&log), None);
            assert!(unit.diagnostics.is_empty(), "{:?}", unit.diagnostics);
            definitions.insert(name, (kind, serde_json::to_string(&unit).expect("json"), log));
        }
        let mut world = World {
            launcher,
            broker: Broker { peer, events, states: HashMap::new(), due: Vec::new(), listing: None },
            definitions,
            invocations: 0,
        };
        let names: Vec<String> = world.definitions.keys().cloned().collect();
        let mut wanted: BTreeMap<String, bool> = BTreeMap::new();
        for _ in 0..number("SURVIVAL_ROUNDS", 2) {
            for kill in 0..kills {
                // Some orders, some time, a kill in the midst of it.
                for _ in 0..4 {
                    let name = &names[chance.below(names.len() as u64) as usize];
                    let up = chance.below(3) > 0;
                    wanted.insert(name.clone(), up);
                    if up {
                        world.start(name).await;
                    } else {
                        world.stop(name, false).await;
                    }
                    for _ in 0..chance.below(4) {
                        world.turn();
                        world.restarts().await;
                        tokio::time::sleep(Duration::from_millis(chance.below(15))).await;
                    }
                }
                // And one whose answer nobody waits for: the kill may hit the spawn itself.
                let name = &names[chance.below(names.len() as u64) as usize];
                world.invocations += 1;
                let request = if chance.below(2) == 0 {
                    Request::Start {
                        unit: name.clone(),
                        definition: world.definitions[name].1.clone(),
                        options: StartOptions {
                            invocation_id: [[2u8; 8], world.invocations.to_be_bytes()].concat(),
                            ..Default::default()
                        },
                        fds: Vec::new(),
                    }
                } else {
                    Request::Stop { unit: name.clone(), options: StopOptions::default() }
                };
                let _ = world.broker.peer.send(request.message().expect("message"));
                tokio::time::sleep(Duration::from_micros(100)).await;
                std::thread::sleep(Duration::from_micros(chance.below(4000)));
                world.launcher.kill();
                if chance.below(2) == 0 {
                    // Away for a moment: what happens meanwhile must not be lost.
                    std::thread::sleep(Duration::from_millis(chance.below(120)));
                    world.launcher.serve();
                }
                world.launcher.start();
                for name in &names {
                    let (kind, _, log) = &world.definitions[name];
                    if *kind != Kind::Restarts && *kind != Kind::Oneshot {
                        let running = alive(log);
                        assert!(running.len() <= 1, "{name} runs twice after kill {kill}: {running:?}");
                    }
                }
            }
            // Now in peace: everything is brought to an end that is known.
            let stop: Vec<String> = names.clone();
            for name in &stop {
                world.stop(name, false).await;
            }
            world
                .settle("stop", Duration::from_secs(20), |world| {
                    let down = |name: &&String| {
                        world.broker.states.get(*name).is_none_or(|status| matches!(sub(status), "dead" | "failed"))
                    };
                    world.definitions.keys().filter(|name| !down(name)).cloned().collect()
                })
                .await;
            for (name, (_, _, log)) in &world.definitions {
                assert_eq!(alive(log), Vec::<i32>::new(), "{name} has processes left");
            }
            for name in &names {
                world.start(name).await;
            }
            // Just when their times run out: why a service is ended must not be forgotten with whoever ends it.
            for _ in 0..chance.below(200) {
                world.turn();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            world.launcher.kill();
            world.launcher.start();
            world
                .settle("start", Duration::from_secs(20), |world| {
                    let right = |name: &String| {
                        let Some(status) = world.broker.states.get(name) else { return false };
                        let kind = world.definitions[name].0;
                        match kind.end() {
                            Some(end) => end == (sub(status), &status.result, property_i32(status, "ExecMainStatus")),
                            None if kind == Kind::Restarts => property_u32(status, "NRestarts") >= 2,
                            None => sub(status) == "running" && property_u32(status, "MainPID") > 0,
                        }
                    };
                    world.definitions.keys().filter(|name| !right(name)).cloned().collect()
                })
                .await;
            for (name, (kind, _, log)) in &world.definitions {
                if matches!(kind, Kind::Steady | Kind::Stubborn) {
                    let pid = property_u32(&world.broker.states[name], "MainPID");
                    assert_eq!(alive(log), [pid as i32], "{name}");
                }
            }
            // A stop under way whose time-out must not be forgotten.
            for name in &names {
                world.stop(name, false).await;
            }
            world.launcher.kill();
            world.launcher.start();
            world
                .settle("last stop", Duration::from_secs(20), |world| {
                    let down = |name: &&String| {
                        world.broker.states.get(*name).is_some_and(|status| matches!(sub(status), "dead" | "failed"))
                    };
                    world.definitions.keys().filter(|name| !down(name)).cloned().collect()
                })
                .await;
            for (name, (kind, _, log)) in &world.definitions {
                assert_eq!(alive(log), Vec::<i32>::new(), "{name} has processes left");
                let status = &world.broker.states[name];
                if *kind == Kind::Stubborn {
                    assert_eq!((sub(status), status.result.as_str()), ("failed", "timeout"), "{name}");
                }
            }
        }
        world.launcher.kill();
        std::fs::remove_dir_all(&dir).expect("clean up");
        // Nothing else holds on to these.
        let _: BorrowedFd<'_> = world.launcher.bus.as_fd();
    })
    .expect("event loop");
}
