//! `process-supervisor run` as what a container starts: PID 1 of a PID namespace, with no other daemon.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bus_api::connect::{CallError, Peer};
use bus_api::supervisor;
use bus_api::worker::{Request, StopOptions, parse_list};

/// A supervisor as PID 1 of a namespace.
struct Container {
    child: Child,
    dir: PathBuf,
}

impl Container {
    /// `None` where there are no namespaces to be had.
    fn run(name: &str, units: &[(&str, &str)]) -> Option<Container> {
        let (dir, files) = Container::files(name, units);
        let namespaces = ["--pid", "--fork", "--mount-proc", "--kill-child"];
        let able = Command::new("unshare").args(namespaces).arg("true").stderr(Stdio::null()).status();
        if !able.is_ok_and(|status| status.success()) {
            println!("SKIPPED: needs the right to make namespaces");
            return None;
        }
        let mut command = Command::new("unshare");
        command.args(namespaces).arg(env!("CARGO_BIN_EXE_process-supervisor"));
        Some(Container::start(command, dir, files))
    }

    /// The same as an ordinary process, which clients out here can talk to.
    fn beside_us(name: &str, units: &[(&str, &str)], logs: bool) -> Container {
        let (dir, mut files) = Container::files(name, units);
        if logs {
            files.extend(["--log-dir".into(), dir.join("logs")]);
        }
        Container::start(Command::new(env!("CARGO_BIN_EXE_process-supervisor")), dir, files)
    }

    fn start(mut command: Command, dir: PathBuf, files: Vec<PathBuf>) -> Container {
        let child = command
            .arg("--runtime-dir")
            .arg(&dir)
            .arg("run")
            .args(files)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        Container { child, dir }
    }

    fn files(name: &str, units: &[(&str, &str)]) -> (PathBuf, Vec<PathBuf>) {
        let dir = std::env::temp_dir().join(format!("quintet-standalone-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("directory");
        let file = |(unit, text): &(&str, &str)| {
            let file = dir.join(unit);
            std::fs::write(&file, text.replace("DIR", &dir.to_string_lossy())).expect("unit file");
            file
        };
        let files = units.iter().map(file).collect();
        (dir, files)
    }

    /// PID 1 as we see it.
    fn init(&self) -> i32 {
        let path = format!("/proc/{0}/task/{0}/children", self.child.id());
        let begin = Instant::now();
        loop {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            if let Some(pid) = text.split_whitespace().next().and_then(|word| word.parse().ok()) {
                return pid;
            }
            assert!(begin.elapsed() < Duration::from_secs(10), "the supervisor has a process");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for a line in a file that the services write.
    fn wait_for(&self, line: &str) {
        let begin = Instant::now();
        while !self.log().iter().any(|have| have == line) {
            assert!(begin.elapsed() < Duration::from_secs(10), "{line:?} in {:?}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn log(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Its exit status, and what the services printed.
    fn end(mut self) -> (Option<i32>, Vec<String>) {
        let out = self.child.stdout.take().expect("a pipe");
        let lines = BufReader::new(out).lines().map_while(Result::ok).collect();
        let status = self.child.wait().expect("it ends");
        std::fs::remove_dir_all(&self.dir).expect("clean up");
        (status.code(), lines)
    }
}

fn kill(pid: i32, signal: i32) {
    sys::signals::kill(pid, signal).expect("signal");
}

const STAYS: &str = "[Service]\nExecStart=/bin/sh -c 'trap \"echo NAME-down >>DIR/log; exit 0\" TERM; echo NAME-up >>DIR/log; while :; do sleep 0.05; done'\n";

#[test]
fn sigterm_stops_all_in_reverse_order_and_orphans_are_reaped() {
    // The orphan's parent is gone at once: PID 1 has to reap it.
    let orphans =
        "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c '(setsid sleep 0.1 &); echo hello'\n";
    let (a, b) = (STAYS.replace("NAME", "a"), STAYS.replace("NAME", "b"));
    let units = [("a.service", a.as_str()), ("b.service", b.as_str()), ("orphans.service", orphans)];
    let Some(container) = Container::run("order", &units) else { return };
    let init = container.init();
    container.wait_for("a-up");
    container.wait_for("b-up");
    let begin = Instant::now();
    let zombies_and_sleepers = || {
        let children = sys::process::descendants(init);
        children
            .into_iter()
            .filter(|pid| {
                sys::process::Stat::read(*pid).is_ok_and(|stat| stat.state == 'Z')
                    || sys::process::cmdline(*pid).is_ok_and(|line| line == "sleep 0.1")
            })
            .count()
    };
    std::thread::sleep(Duration::from_millis(150));
    while zombies_and_sleepers() > 0 {
        assert!(begin.elapsed() < Duration::from_secs(10), "orphans are reaped");
        std::thread::sleep(Duration::from_millis(5));
    }
    kill(init, 15);
    let begin = Instant::now();
    while container.log().len() < 4 && begin.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let log = container.log();
    assert_eq!(log.get(2..), Some(&["b-down".to_owned(), "a-down".to_owned()][..]), "{log:?}");
    let (status, lines) = container.end();
    assert_eq!(status, Some(0));
    assert!(lines.contains(&"hello".to_owned()), "services write to our output: {lines:?}");
}

#[test]
fn exit_status_is_that_of_the_first_failure() {
    for (command, status) in [("exit 0", 0), ("exit 7", 7), ("kill -9 $$$$", 137)] {
        let unit = format!("[Service]\nExecStart=/bin/sh -c '{command}'\n");
        let Some(container) = Container::run(&format!("status{status}"), &[("a.service", &unit)]) else { return };
        assert_eq!(container.end().0, Some(status), "{command}");
    }
}

#[test]
fn clients_list_stop_start_reload_and_kill() {
    let a = STAYS.replace("NAME", "a") + "ExecReload=/bin/sh -c 'echo a-reloaded >>DIR/log'\n";
    let b = STAYS.replace("NAME", "b");
    // Where the output goes decides nothing else.
    for logs in [false, true] {
        let container = Container::beside_us(&format!("bus-{logs}"), &[("a.service", &a), ("b.service", &b)], logs);
        container.wait_for("a-up");
        container.wait_for("b-up");
        let socket = container.dir.join("process-supervisor.bus");
        daemon_runtime::run(talk(&container, &socket)).expect("event loop");
        kill(i32::try_from(container.child.id()).expect("a process"), 15);
        assert_eq!(container.end().0, Some(137), "that of b, which was killed");
    }
}

async fn talk(container: &Container, socket: &Path) {
    let (peer, _events) = Peer::connect(socket, Duration::from_secs(10)).await.expect("connected");
    let unit = |name: &str| name.to_owned();
    let states = async || {
        let reply = peer.call(Request::List.message().expect("message")).await.expect("list");
        let units = parse_list(&reply).expect("units");
        units.into_iter().map(|status| (status.unit, status.sub)).collect::<Vec<_>>()
    };
    let wait = async |wanted: [&str; 2]| {
        let begin = Instant::now();
        loop {
            let now = states().await;
            if now.iter().map(|(_, sub)| sub.as_str()).eq(wanted) {
                return;
            }
            assert!(begin.elapsed() < Duration::from_secs(10), "{now:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    wait(["running", "running"]).await;
    let reload = Request::Reload { unit: unit("a.service") };
    peer.call(reload.message().expect("message")).await.expect("reload");
    container.wait_for("a-reloaded");
    let stop = Request::Stop { unit: unit("a.service"), options: StopOptions::default() };
    peer.call(stop.message().expect("message")).await.expect("stop");
    wait(["dead", "running"]).await;
    let start = supervisor::Request::Start { unit: unit("a.service") };
    peer.call(start.message().expect("message")).await.expect("start");
    wait(["running", "running"]).await;
    let strange = supervisor::Request::Start { unit: unit("nobody.service") };
    let refused = peer.call(strange.message().expect("message")).await;
    assert!(matches!(&refused, Err(CallError::Remote { name, .. }) if name.ends_with("NoSuchUnit")), "{refused:?}");
    let kill = Request::Kill { unit: unit("b.service"), whom: "all".into(), signal: 9 };
    peer.call(kill.message().expect("message")).await.expect("kill");
    wait(["running", "failed"]).await;
}
