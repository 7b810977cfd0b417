//! What goes wrong is survived, and whoever asks is told why: the cause of the state, or a notice of the service.
//!
//! Real processes of a real supervisor, which runs alone (`process-supervisor run`) and is asked over its bus. Chance comes
//! from `FAULTS_SEED`; nothing is judged by how long it took.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bus_api::connect::Peer;
use bus_api::worker::{Request, StopOptions, UnitStatus, parse_list, parse_notices};
use sys::notify::Notifier;

/// How long a thing that must happen may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// In the environment of every process of a test, with the test's directory.
const MARK: &str = "FAULTS_PLACE";

/// A user of whom nothing else runs: limits of processes count by user.
const NOBODY: u32 = 61_717;

/// A supervisor with its units.
struct Place {
    dir: PathBuf,
    units: Vec<PathBuf>,
    cgroup: Option<sys::cgroup::Cgroup>,
    daemon: Child,
}

impl Place {
    /// `before` is a command line that the supervisor's is appended to.
    fn new(name: &str, before: &[&str], units: &[(&str, &str)]) -> Place {
        Place::with(name, before, units, None)
    }

    fn with(name: &str, before: &[&str], units: &[(&str, &str)], cgroup: Option<sys::cgroup::Cgroup>) -> Place {
        let dir = std::env::temp_dir().join(format!("quintet-faults-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).expect("directory");
        std::fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("mode");
        // Where everybody may run them.
        for program in [env!("CARGO_BIN_EXE_process-supervisor"), env!("CARGO_BIN_EXE_process-executor")] {
            std::fs::copy(program, dir.join(Path::new(program).file_name().expect("name"))).expect("copy");
        }
        // Units, and programs that they run.
        for (name, text) in units {
            let head = if name.ends_with(".service") {
                format!("[Unit]\nStartLimitIntervalSec=0\n[Service]\nEnvironment={MARK}=DIR\n")
            } else {
                String::new()
            };
            let text = format!("{head}{text}\n").replace("DIR", &dir.to_string_lossy());
            std::fs::write(dir.join(name), text).expect("file");
        }
        let units: Vec<PathBuf> =
            units.iter().filter(|(name, _)| name.ends_with(".service")).map(|(name, _)| dir.join(name)).collect();
        let daemon = start(&dir, before, &units, cgroup.as_ref());
        Place { dir, units, cgroup, daemon }
    }

    /// kill -9, and the same again.
    fn again(&mut self) {
        self.daemon.kill().expect("kill");
        self.daemon.wait().expect("wait");
        self.daemon = start(&self.dir, &[], &self.units, self.cgroup.as_ref());
    }

    /// Processes of the services.
    fn processes(&self) -> BTreeSet<i32> {
        let mut all = sys::process::with_environ(MARK, &self.dir.to_string_lossy());
        all.retain(|pid| sys::process::Stat::read(*pid).is_ok_and(|stat| !matches!(stat.state, 'Z' | 'X')));
        all
    }

    async fn client(&self) -> Client {
        let (peer, _) = Peer::open(&self.dir.join("process-supervisor.bus"));
        Client(peer)
    }
}

fn start(dir: &Path, before: &[&str], units: &[PathBuf], cgroup: Option<&sys::cgroup::Cgroup>) -> Child {
    let mut words: Vec<std::ffi::OsString> = before.iter().map(Into::into).collect();
    words.push(dir.join("process-supervisor").into());
    words.extend(["--runtime-dir".into(), dir.into(), "run".into()]);
    words.extend(units.iter().map(Into::into));
    let log = std::fs::File::options().create(true).append(true).open(dir.join("log")).expect("log");
    Command::new(&words[0])
        .args(&words[1..])
        .envs(cgroup.map(|cgroup| ("QUINTET_CGROUP_ROOT", cgroup.path().to_owned())))
        .env("HOME", dir)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("log"))
        .stderr(log)
        .spawn()
        .expect("a supervisor")
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        if let Some(cgroup) = &self.cgroup {
            let _ = cgroup.kill();
        }
        loop {
            let left = self.processes();
            if left.is_empty() {
                break;
            }
            for pid in left {
                let _ = sys::signals::kill(pid, 9);
            }
        }
        if std::thread::panicking() {
            eprintln!("{}", std::fs::read_to_string(self.dir.join("log")).unwrap_or_default());
        }
        let _ = std::fs::remove_dir_all(&self.dir);
        if let Some(cgroup) = &self.cgroup {
            let begin = Instant::now();
            // The last of them may still be on their way out.
            while !cgroup.remove().unwrap_or(true) && begin.elapsed() < PATIENCE {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

/// Somebody who asks.
struct Client(Peer);

impl Client {
    async fn call(&self, request: &Request) -> zbus::Message {
        let begin = Instant::now();
        loop {
            match self.0.call(request.message().expect("message")).await {
                Ok(reply) => return reply,
                Err(error) => assert!(begin.elapsed() < PATIENCE, "{request:?}: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn status(&self, unit: &str) -> Option<UnitStatus> {
        let units = parse_list(&self.call(&Request::List).await).expect("units");
        units.into_iter().find(|status| status.unit == unit)
    }

    async fn notices(&self, unit: &str) -> Vec<(String, u64)> {
        let reply = self.call(&Request::Notices { unit: unit.into() }).await;
        let notices = parse_notices(&reply).expect("notices");
        notices.into_iter().map(|(_, _, text, count)| (text, count)).collect()
    }

    /// Waits for a state.
    async fn becomes(&self, unit: &str, sub: &str) -> UnitStatus {
        let begin = Instant::now();
        loop {
            let status = self.status(unit).await;
            if let Some(status) = status.clone().filter(|status| status.sub == sub) {
                return status;
            }
            assert!(begin.elapsed() < PATIENCE, "{unit} should be {sub}: {status:?} {:?}", self.notices(unit).await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits for a notice that begins like this.
    async fn is_told(&self, unit: &str, begin: &str) -> (String, u64) {
        let since = Instant::now();
        loop {
            let notices = self.notices(unit).await;
            if let Some(notice) = notices.iter().find(|(text, _)| text.starts_with(begin)) {
                return notice.clone();
            }
            assert!(since.elapsed() < PATIENCE, "{unit} should be told {begin:?}: {notices:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits for something else about a unit.
    async fn until(&self, unit: &str, what: &str, holds: impl Fn(&UnitStatus) -> bool) -> UnitStatus {
        let begin = Instant::now();
        loop {
            let status = self.status(unit).await;
            if let Some(status) = status.clone().filter(&holds) {
                return status;
            }
            assert!(begin.elapsed() < PATIENCE, "{unit}: {what}: {status:?} {:?}", self.notices(unit).await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn start(&self, unit: &str) {
        let call = bus_api::supervisor::Request::Start { unit: unit.into() };
        self.0.call(call.message().expect("message")).await.expect("start");
    }

    async fn stop(&self, unit: &str) {
        self.call(&Request::Stop { unit: unit.into(), options: StopOptions::default() }).await;
    }
}

fn number(status: &UnitStatus, name: &str) -> u32 {
    status.properties.get(name).and_then(|value| u32::try_from(value.clone()).ok()).unwrap_or(u32::MAX)
}

/// These need other users, mounts and the files of root.
fn is_root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        println!("SKIPPED: needs root");
    }
    root
}

fn run(test: impl Future<Output = ()>) {
    daemon_runtime::run(test).expect("event loop");
}

/// Where a service is notified.
fn notify_socket(place: &Place) -> String {
    let entries = std::fs::read_dir(place.dir.join("notify")).expect("sockets").flatten();
    let mut sockets = entries.map(|entry| entry.path()).filter(|path| path.to_string_lossy().contains("/unit-"));
    sockets.next().expect("one").to_string_lossy().into_owned()
}

#[test]
fn no_process_can_be_made() {
    // The limit is not for root: then it all happens again in the name of somebody else.
    if nix::unistd::geteuid().is_root() {
        let exe = std::env::temp_dir().join(format!("quintet-faults-fork-{}", std::process::id()));
        std::fs::copy(std::env::current_exe().expect("this test"), &exe).expect("copy");
        let (user, group) = (format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"));
        let again = Command::new("setpriv")
            .args([&user, &group, "--clear-groups"])
            .arg(&exe)
            .args(["--exact", "no_process_can_be_made", "--nocapture"])
            .current_dir("/")
            // That of whoever runs the tests may lead to where others may not look.
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .status()
            .expect("setpriv");
        std::fs::remove_file(exe).expect("clean up");
        assert!(again.success());
        return;
    }
    let before = ["prlimit", "--nproc=1:2000"];
    let units = [("a.service", "Restart=on-failure\nRestartSec=100ms\nExecStart=/bin/sleep 1000"), STAYS_UP];
    // The second is there so that the run isn't over; it fails likewise.
    let place = Place::new("fork", &before, &units);
    run(async {
        let client = place.client().await;
        let (text, _) = client.is_told("a.service", "Failed to run 'start' task").await;
        assert!(text.contains("Resource temporarily unavailable"), "{text}");
        let status = client.becomes("a.service", "auto-restart").await;
        assert_eq!(status.result, "resources");
        // As soon as there may be processes, there are.
        let pid = place.daemon.id().to_string();
        let raised = Command::new("prlimit").args(["--pid", &pid, "--nproc=2000:2000"]).status().expect("prlimit");
        assert!(raised.success());
        let status = client.becomes("a.service", "running").await;
        assert!(status.result == "success" && number(&status, "NRestarts") >= 1, "{status:?}");
        assert!(!client.notices("a.service").await.is_empty(), "it is still told what was");
    });
}

const STAYS_UP: (&str, &str) = ("stays.service", "Restart=always\nRestartSec=100ms\nExecStart=/bin/sleep 1000");

#[test]
fn the_disk_is_full() {
    if !is_root() {
        return;
    }
    let dir = std::env::temp_dir().join(format!("quintet-faults-disk-{}", std::process::id()));
    let mount =
        format!("mkdir -p {0} && mount -t tmpfs -o size=256k tmpfs {0} && exec \"$@\"", dir.join("state").display());
    let before = ["unshare", "--mount", "sh", "-c", &mount, "sh"];
    let units = [("a.service", "ExecStart=/bin/sleep 1000\nExecReload=/bin/true"), STAYS_UP];
    let place = Place::new("disk", &before, &units);
    run(async {
        let client = place.client().await;
        client.becomes("a.service", "running").await;
        let inside = PathBuf::from(format!("/proc/{}/root", place.daemon.id()));
        let filler = inside.join(dir.join("state/filler").strip_prefix("/").expect("absolute"));
        let full = std::fs::write(&filler, vec![0; 1 << 20]).expect_err("no space");
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
        client.stop("a.service").await;
        // It is stopped all the same.
        client.becomes("a.service", "dead").await;
        client.is_told("a.service", "State cannot be saved").await;
        assert_eq!(client.becomes("stays.service", "running").await.result, "success");
        std::fs::remove_file(&filler).expect("space again");
        client.is_told("a.service", "State can be saved again").await;
    });
}

#[test]
fn pid_files_lie() {
    if !is_root() {
        return;
    }
    let me = std::process::id();
    let unit = |number: &str, owner: u32| {
        format!(
            "Type=forking\nPIDFile=DIR/pid-{number}\nTimeoutStartSec=10s\n\
             ExecStart=/bin/sh -c 'echo {number} >DIR/pid-{number}; chown {owner} DIR/pid-{number}'"
        )
    };
    let (mine, init, none, words) =
        (unit(&me.to_string(), NOBODY), unit("1", 0), unit("99999999", 0), unit("certainly", 0));
    let units = [
        ("mine.service", &*mine),
        ("init.service", &*init),
        ("none.service", &*none),
        ("words.service", &*words),
        STAYS_UP,
    ];
    let place = Place::new("pidfile", &[], &units);
    run(async {
        let client = place.client().await;
        for (unit, why) in [
            (
                "mine.service",
                format!("Process {me} is not this unit's, and the PID file is not owned by root: refused"),
            ),
            ("init.service", "New main PID 1 is the service manager, refusing".to_owned()),
            ("none.service", "New main PID 99999999 does not exist".to_owned()),
            ("words.service", "Can't read the PID file".to_owned()),
        ] {
            let status = client.becomes(unit, "failed").await;
            assert_eq!(status.result, "protocol", "{unit}: {status:?}");
            assert!(status.cause.contains("PID file"), "{unit}: {}", status.cause);
            client.is_told(unit, &why).await;
        }
    });
}

#[test]
fn strangers_and_the_service_itself_send_what_they_may_not() {
    if !is_root() {
        return;
    }
    let me = std::process::id();
    let program = format!(
        "import os, socket, time\n\
         s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n\
         s.sendto(b\"MAINPID={me}\\nREADY=1\", os.environ[\"NOTIFY_SOCKET\"])\n\
         time.sleep(1000)"
    );
    let foreign =
        "Type=notify\nNotifyAccess=all\nUser=games\nGroup=games\nExecStart=/usr/bin/python3 -IS DIR/foreign.py";
    let mut place =
        Place::new("strangers", &[], &[("a.service", "Type=notify\nNotifyAccess=all\nExecStart=/bin/sleep 1000")]);
    run(async {
        let client = place.client().await;
        client.becomes("a.service", "start").await;
        let notifier = Notifier::new(&notify_socket(&place)).expect("socket");
        for _ in 0..300 {
            notifier.send(&format!("READY=1\nSTATUS=I am the service\nMAINPID={me}")).expect("sent");
        }
        let told = async || client.is_told("a.service", "Notification of a stranger ignored").await;
        let begin = Instant::now();
        while told().await.1 < 300 {
            assert!(begin.elapsed() < PATIENCE, "{:?}", told().await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(client.notices("a.service").await.len(), 1, "one remark, however often");
        let status = client.becomes("a.service", "start").await;
        assert_ne!(number(&status, "MainPID"), me);
    });
    // What was told outlives the supervisor.
    place.again();
    run(async {
        let client = place.client().await;
        client.becomes("a.service", "start").await;
        client.is_told("a.service", "Notification of a stranger ignored").await;
    });
    drop(place);
    let place = Place::new("mainpid", &[], &[("foreign.py", &program), ("b.service", foreign)]);
    run(async {
        let client = place.client().await;
        let status = client.becomes("b.service", "running").await;
        assert_ne!(number(&status, "MainPID"), me, "READY=1 counts, MAINPID= doesn't");
        client.is_told("b.service", &format!("New main PID {me} does not belong to service")).await;
    });
}

#[test]
fn too_many_descriptors_and_too_many_notifications() {
    let store = "import array, os, socket, time\n\
                 s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n\
                 s.connect(os.environ[\"NOTIFY_SOCKET\"])\n\
                 fds = array.array(\"i\", [os.memfd_create(str(n)) for n in range(20)])\n\
                 s.sendmsg([b\"FDSTORE=1\\nFDNAME=x\"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])\n\
                 s.send(b\"READY=1\")\n\
                 time.sleep(1000)";
    let flood = "import os, socket, time\n\
                 s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n\
                 s.connect(os.environ[\"NOTIFY_SOCKET\"])\n\
                 for n in range(30000): s.send(b\"STATUS=%d\" % n)\n\
                 s.send(b\"READY=1\")\n\
                 time.sleep(1000)";
    let units = [
        ("store.py", store),
        ("flood.py", flood),
        ("store.service", "Type=notify\nFileDescriptorStoreMax=4\nExecStart=/usr/bin/python3 -IS DIR/store.py"),
        ("flood.service", "Type=notify\nExecStart=/usr/bin/python3 -IS DIR/flood.py"),
        STAYS_UP,
    ];
    let place = Place::new("surplus", &[], &units);
    run(async {
        let client = place.client().await;
        let status = client.becomes("store.service", "running").await;
        assert_eq!(number(&status, "NFileDescriptorStore"), 4);
        client.is_told("store.service", "16 file descriptors not stored: FileDescriptorStoreMax=4 is reached").await;
        // Others are served while it goes on: each of these is a call.
        let status = client.becomes("flood.service", "running").await;
        let text = status.properties.get("StatusText").and_then(|text| String::try_from(text.clone()).ok());
        assert_eq!(text.as_deref(), Some("29999"), "none was lost");
        client.is_told("flood.service", "Notifications come in faster").await;
    });
}

/// What is stored once and what twice, and what a run gets, as systemd has it: the newest first.
#[test]
fn what_is_stored() {
    let store = "import array, os, select, socket, sys, time\n\
                 s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n\
                 s.connect(os.environ[\"NOTIFY_SOCKET\"])\n\
                 def tell(text, *fds):\n \
                 s.sendmsg([text.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array(\"i\", fds))] if fds else [])\n\
                 with open(sys.argv[1], \"a\") as log: log.write(os.environ.get(\"LISTEN_FDNAMES\", \"\") + \"\\n\")\n\
                 if not \"LISTEN_FDS\" in os.environ:\n \
                 event, other = os.eventfd(0), os.eventfd(0)\n \
                 tell(\"FDSTORE=1\\nFDNAME=event\", event, other)\n \
                 tell(\"FDSTORE=1\\nFDNAME=again\", event)\n \
                 for n in range(2): tell(\"FDSTORE=1\\nFDNAME=file\", os.open(sys.argv[0], os.O_RDONLY))\n \
                 tell(\"FDSTORE=1\\nFDNAME=gone\", other)\n \
                 tell(\"FDSTOREREMOVE=1\")\n \
                 r, w = os.pipe(); tell(\"FDSTORE=1\\nFDNAME=closed\", r); os.close(w)\n \
                 r, w = os.pipe(); tell(\"FDSTORE=1\\nFDPOLL=0\\nFDNAME=kept\", r); os.close(w)\n\
                 tell(\"READY=1\")\n\
                 time.sleep(1000)";
    let unit = "Type=notify\nRestart=always\nFileDescriptorStoreMax=10\nExecStart=/usr/bin/python3 -IS DIR/store.py DIR/log.%n\n";
    let preserved = format!("{unit}FileDescriptorStorePreserve=yes");
    let dropped = format!("{unit}FileDescriptorStorePreserve=no");
    let units = [
        ("store.py", store),
        ("restart.service", unit),
        ("yes.service", &preserved),
        ("no.service", &dropped),
        STAYS_UP,
    ];
    let place = Place::new("stored", &[], &units);
    let log = |unit: &str| std::fs::read_to_string(place.dir.join(format!("log.{unit}"))).unwrap_or_default();
    run(async {
        let client = place.client().await;
        const ALL: &str = "kept:file:file:event:event";
        for (unit, after_a_kill, after_a_stop) in
            [("restart.service", ALL, ""), ("yes.service", ALL, ALL), ("no.service", "", "")]
        {
            // The pipe whose other end closes is let go while nothing else happens.
            let status = client.until(unit, "store", |status| number(status, "NFileDescriptorStore") == 5).await;
            sys::signals::kill(number(&status, "MainPID") as i32, 9).expect("kill");
            client.until(unit, "second run", |_| log(unit).lines().count() == 2).await;
            client.becomes(unit, "running").await;
            client.stop(unit).await;
            client.becomes(unit, "dead").await;
            client.start(unit).await;
            client.until(unit, "third run", |_| log(unit).lines().count() == 3).await;
            assert_eq!(log(unit), format!("\n{after_a_kill}\n{after_a_stop}\n"), "{unit}");
        }
    });
}

/// Limits are set where there are controllers to be had, and told of where there are none.
#[test]
fn limits_of_control_groups() {
    let Some(cgroup) = group("limits") else { return };
    let limited = "TasksMax=5\nMemoryMax=64M\nExecStart=/bin/sleep 1000";
    let units = [("a.service", limited), ("b.service", "ExecStart=/bin/sleep 1000"), STAYS_UP];
    let available = std::fs::read_to_string(cgroup.path().join("cgroup.controllers")).expect("controllers");
    let place = Place::with("limits", &[], &units, Some(cgroup));
    run(async {
        let client = place.client().await;
        let status = client.becomes("a.service", "running").await;
        let own = sys::process::cgroup(number(&status, "MainPID") as i32).expect("control group");
        let own = sys::cgroup::CgroupRoot::detect().expect("root").by_name(&own).expect("below");
        for (directive, controller, file, value) in
            [("TasksMax", "pids", "pids.max", "5"), ("MemoryMax", "memory", "memory.max", "67108864")]
        {
            if available.split_whitespace().any(|word| word == controller) {
                let content = std::fs::read_to_string(own.path().join(file)).expect("attribute");
                assert_eq!(content.trim_end(), value, "{file}");
            } else {
                client.is_told("a.service", &format!("{directive}= has no effect: there is no {controller}")).await;
            }
        }
        client.becomes("b.service", "running").await;
        assert_eq!(client.notices("b.service").await, [], "who asks for nothing is told nothing");
    });
}

/// `RestartMode=debug` tells automatic restarts from other starts.
#[test]
fn restarts_are_told_to_be_for_debugging() {
    let of = |mode: &str| {
        format!(
            "Restart=on-failure\nRestartSec=10ms\nRestartMode={mode}\nExecStart=/bin/sh -c 'echo \"<$DEBUG_INVOCATION>\" >>DIR/log.%n; \\\n\
             [ $(grep -c . DIR/log.%n) = 3 ] || exit 1; exec sleep 1000'"
        )
    };
    let (debug, normal) = (of("debug"), of("normal"));
    let place = Place::new("debug", &[], &[("debug.service", &debug), ("normal.service", &normal), STAYS_UP]);
    run(async {
        let client = place.client().await;
        for (unit, expected) in [("debug.service", "<>\n<1>\n<1>\n"), ("normal.service", "<>\n<>\n<>\n")] {
            let log = place.dir.join(format!("log.{unit}"));
            let read = || std::fs::read_to_string(&log).unwrap_or_default();
            client.until(unit, "three runs", |_| read().lines().count() == 3).await;
            assert_eq!(read(), expected, "{unit}");
        }
    });
}

/// `RootDirectoryStartOnly=`: the other commands keep the root, and have their directory below the service's.
#[test]
fn root_of_the_main_process_only() {
    if !is_root() {
        return;
    }
    let unit = "RootDirectoryStartOnly=yes\nRootDirectory=DIR\nBindReadOnlyPaths=/usr /bin /lib -/lib64\nExecStart=/bin/sleep 1000\n\
                ExecStartPost=/bin/sh -c 'pwd >DIR/where; readlink /proc/$MAINPID/root /proc/$MAINPID/cwd >>DIR/where'";
    let place = Place::new("root", &[], &[("a.service", unit), STAYS_UP]);
    run(async {
        place.client().await.becomes("a.service", "running").await;
        let dir = place.dir.display();
        let expected = format!("{dir}\n{dir}\n{dir}\n");
        assert_eq!(std::fs::read_to_string(place.dir.join("where")).expect("written"), expected);
    });
}

#[test]
fn sigterm_is_ignored() {
    let deaf =
        "TimeoutStopSec=200ms\nExecStart=/bin/sh -c 'trap \"\" TERM; echo up >DIR/up; while :; do sleep 0.1; done'";
    let place = Place::new("deaf", &[], &[("a.service", deaf), STAYS_UP]);
    run(async {
        let client = place.client().await;
        let begin = Instant::now();
        while !place.dir.join("up").exists() {
            assert!(begin.elapsed() < PATIENCE, "it traps");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        client.stop("a.service").await;
        let status = client.becomes("a.service", "failed").await;
        assert_eq!(status.result, "timeout");
        assert_eq!(status.cause, "state 'stop-sigterm' timed out. Killing");
        client.is_told("a.service", "State 'stop-sigterm' timed out. Killing.").await;
        let (text, _) = client.is_told("a.service", "Killing with SIGKILL: ").await;
        assert!(text.contains("(sh)"), "{text}");
    });
}

/// With a control group of its own, where there are any.
fn group(name: &str) -> Option<sys::cgroup::Cgroup> {
    let root =
        sys::cgroup::CgroupRoot::detect().inspect_err(|error| println!("without control groups: {error}")).ok()?;
    root.create(&format!("quintet-faults-{name}-{}", std::process::id())).ok()
}

#[test]
fn processes_fork_away() {
    // Two forks and a new session: nobody's child, and of no terminal.
    let program = "trap : TERM HUP\necho $$ >DIR/away\nwhile :; do sleep 0.1; done";
    let unit = "TimeoutStopSec=300ms\nExecStart=/bin/sh -c '(setsid sh DIR/away.sh &); exec sleep 1000'";
    for cgroup in [None, group("away")] {
        let place = Place::with("away", &[], &[("away.sh", program), ("a.service", unit), STAYS_UP], cgroup);
        run(async {
            let client = place.client().await;
            let begin = Instant::now();
            while !std::fs::read_to_string(place.dir.join("away")).is_ok_and(|text| text.ends_with('\n')) {
                assert!(begin.elapsed() < PATIENCE, "it forked");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let text = std::fs::read_to_string(place.dir.join("away")).expect("a PID");
            let away: i32 = text.trim().parse().expect("a PID");
            assert!(place.processes().contains(&away));
            client.stop("a.service").await;
            let status = client.becomes("a.service", "failed").await;
            assert_eq!(status.result, "timeout", "it had to be killed");
            assert!(!place.processes().contains(&away), "and was");
            let (text, _) = client.is_told("a.service", "Killing with SIGKILL: ").await;
            assert!(text.contains(&away.to_string()), "{text}");
        });
    }
}

#[test]
fn processes_multiply() {
    if !is_root() {
        return;
    }
    let seed: u64 = std::env::var("FAULTS_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0x5eed);
    // Each forks on and on and some end, so that there are always new ones. LimitNPROC= bounds them, as TasksMax= does where
    // the kernel counts tasks for a control group.
    let bomb = format!(
        "import os, random, signal, time\n\
         signal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
         signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n\
         first = True\n\
         while True:\n \
          try:\n  \
           if os.fork() == 0:\n   \
            first = False\n   \
            random.seed(os.getpid() ^ {seed})\n   \
            os.setsid()\n \
          except OSError:\n  \
           time.sleep(0.002)\n  \
           if not first and random.random() < 0.01: os._exit(0)\n"
    );
    let unit = "User=news\nGroup=news\nLimitNPROC=60\nTimeoutStopSec=300ms\nExecStart=/usr/bin/python3 -IS DIR/bomb.py";
    for cgroup in [None, group("bomb")] {
        let units = [("bomb.py", &*bomb), ("bomb.service", unit), STAYS_UP];
        let place = Place::with("bomb", &[], &units, cgroup);
        run(async {
            let client = place.client().await;
            let begin = Instant::now();
            while place.processes().len() < 25 {
                assert!(begin.elapsed() < PATIENCE, "it multiplies");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            client.stop("bomb.service").await;
            let status = client.becomes("bomb.service", "failed").await;
            assert_eq!(status.result, "timeout", "SIGTERM was ignored");
            client.is_told("bomb.service", "Killing with SIGKILL: ").await;
            let stays = client.becomes("stays.service", "running").await;
            let left: Vec<i32> = place
                .processes()
                .into_iter()
                .filter(|pid| u32::try_from(*pid).ok() != Some(number(&stays, "MainPID")))
                .collect();
            assert_eq!(left, Vec::<i32>::new());
        });
    }
}
