//! What the launcher promises.

use crate::instance::{Instance, wait};
use std::path::Path;
use sys::ExitStatus;
use sys::pidfd::PidFd;

type Case = fn(&Instance);

pub const TABLE: [(&str, Case); 10] = [
    ("every daemon has its socket, and the broker the public one", fixed_descriptors),
    ("a second launcher is refused, and told who is there", second_launcher),
    ("stored descriptors survive SIGKILL, in order", stores),
    ("a descriptor that hung up is not kept", hang_up),
    ("who connects while a daemon is away is served", away),
    ("an orphan's exit status waits for the supervisor", orphan),
    ("SIGTERM: the broker first, the supervisor last, leftovers killed, its status passed on", orderly_end),
    ("a broker that does nothing is not waited for three times", impatience),
    ("fresh daemons on request", renew),
    ("when the launcher is killed the daemons end, and the next one starts", killed_launcher),
];

fn signal(process: &PidFd, name: &str) {
    process.send_signal(sys::signals::number(name).unwrap()).unwrap();
}

fn fixed_descriptors(it: &Instance) {
    let table =
        [("device-watcher", ""), ("socket-activator", ""), ("process-supervisor", "exits"), ("unit-broker", "private")];
    for (daemon, names) in table {
        assert_eq!(it.ask(daemon, "names"), names, "{daemon}");
        assert_eq!(sys::process::Stat::read(it.pid(daemon)).unwrap().ppid, it.launcher.pid());
        let var = |name| sys::process::environ(it.pid(daemon), name).unwrap();
        assert_eq!(var("QUINTET_RUNTIME_DIR").as_deref(), it.runtime().to_str());
        assert_eq!(var("QUINTET_DEFAULT_UNIT").as_deref(), Some("default.target"));
        match var("QUINTET_CGROUP_ROOT") {
            Some(root) => assert!(Path::new(&root).join("init.scope").is_dir()),
            None => assert!(it.log().contains("without control groups")),
        }
    }
}

fn second_launcher(it: &Instance) {
    it.pid("unit-broker");
    let output = it.try_second();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(text.contains(&format!("PID {}", it.launcher.pid())), "{text}");
    assert_eq!(it.ask("unit-broker", "names"), "private");
}

fn stores(it: &Instance) {
    for question in
        ["store a one", "store b two", "store a three", "store c four", "remove b", "remove nothing", "store a:b five"]
    {
        assert_eq!(it.ask("socket-activator", question), "done");
    }
    for _ in 0..3 {
        it.kill("socket-activator");
        assert_eq!(it.ask("socket-activator", "names"), "a a c");
        assert_eq!(it.ask("socket-activator", "contents"), "one three four");
    }
    assert_eq!(it.ask("device-watcher", "names"), "");
}

fn hang_up(it: &Instance) {
    assert_eq!(it.ask("device-watcher", "store-pipe gone"), "done");
    assert_eq!(it.ask("device-watcher", "store kept text"), "done");
    it.kill("device-watcher");
    assert_eq!(it.ask("device-watcher", "names"), "kept");
}

fn away(it: &Instance) {
    let old = it.pid("unit-broker");
    std::fs::rename(it.bin("unit-broker"), it.bin("aside")).unwrap();
    let process = PidFd::open(old).unwrap();
    signal(&process, "KILL");
    wait(&process);
    let question = std::thread::scope(|scope| {
        let asker = scope.spawn(|| it.pid("unit-broker"));
        while !it.log().contains("no such program") {
            std::thread::yield_now();
        }
        std::fs::rename(it.bin("aside"), it.bin("unit-broker")).unwrap();
        asker.join().unwrap()
    });
    assert_ne!(question, old);
}

fn orphan(it: &Instance) {
    it.pid("process-supervisor");
    let gate = it.runtime().join("gate");
    nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let pid = it.ask("process-supervisor", &format!("orphan read go < {}; exit 9", gate.display()));
    let process = PidFd::open(pid.parse().unwrap()).unwrap();
    it.kill("process-supervisor");
    std::fs::write(&gate, "go\n").unwrap();
    wait(&process);
    assert_eq!(it.ask("process-supervisor", "exit-status"), format!("{pid} 1 9"));
}

fn orderly_end(it: &Instance) {
    let stubborn = it.ask("process-supervisor", "orphan trap '' TERM; while :; do sleep 1000; done");
    let stubborn = PidFd::open(stubborn.parse().unwrap()).unwrap();
    for daemon in ["device-watcher", "socket-activator", "unit-broker"] {
        it.pid(daemon);
    }
    signal(&it.launcher, "TERM");
    assert_eq!(wait(&it.launcher), Some(ExitStatus::Exited(7)));
    assert!(stubborn.ended());
    let notes = it.notes();
    assert_eq!(notes.first().map(String::as_str), Some("unit-broker RTMIN+4"));
    assert_eq!(notes.last().map(String::as_str), Some("process-supervisor TERM"));
    assert_eq!(notes.len(), 5, "{notes:?}");
    assert!(!it.runtime().join("unit-broker.bus").exists());
}

fn impatience(it: &Instance) {
    it.pid("unit-broker");
    signal(&it.launcher, "TERM");
    wait(&it.launcher);
    std::fs::remove_file(it.runtime().join("notes")).unwrap();
    let deaf = it.launch_again(&[("PLAY_DEAF", "1")]);
    for daemon in ["device-watcher", "socket-activator", "process-supervisor", "unit-broker"] {
        it.pid(daemon);
    }
    signal(&deaf, "INT");
    while !it.notes().contains(&"unit-broker RTMIN+4".to_owned()) {
        std::thread::yield_now();
    }
    assert!(!deaf.ended());
    for _ in 0..2 {
        // Pending signals of one number are one: the next is sent when the launcher sleeps again.
        while sys::process::Stat::read(deaf.pid()).unwrap().state != 'S' || pending(&deaf) {
            std::thread::yield_now();
        }
        signal(&deaf, "INT");
    }
    assert_eq!(wait(&deaf), Some(ExitStatus::Exited(0)));
    assert_eq!(it.notes().len(), 5);
}

fn pending(process: &PidFd) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid())).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("ShdPnd:")).unwrap().trim().to_owned();
    u64::from_str_radix(&mask, 16).unwrap() & (1 << 1) != 0
}

fn renew(it: &Instance) {
    let before =
        ["device-watcher", "socket-activator", "process-supervisor", "unit-broker"].map(|daemon| it.pid(daemon));
    assert_eq!(it.ask("unit-broker", "store kept text"), "done");
    assert_eq!(it.ask("unit-broker", "notify X_QUINTET_REQUEST=reexec"), "sent");
    before.iter().for_each(|pid| drop(PidFd::open(*pid).map(|process| wait(&process))));
    let after =
        ["device-watcher", "socket-activator", "process-supervisor", "unit-broker"].map(|daemon| it.pid(daemon));
    assert!(before.iter().zip(&after).all(|(old, new)| old != new));
    assert_eq!(it.ask("unit-broker", "names"), "private kept");
}

fn killed_launcher(it: &Instance) {
    let state = it.runtime().join("state/unit-broker/saved");
    let old = PidFd::open(it.pid("process-supervisor")).unwrap();
    std::fs::write(&state, "x").unwrap();
    signal(&it.launcher, "KILL");
    wait(&it.launcher);
    wait(&old);
    let next = it.launch_again(&[]);
    assert_eq!(sys::process::Stat::read(it.pid("process-supervisor")).unwrap().ppid, next.pid());
    assert!(state.exists(), "the same boot: what is true may still be true");
    signal(&next, "KILL");
    wait(&next);
    std::fs::write(it.runtime().join("boot"), "another").unwrap();
    let last = it.launch_again(&[]);
    it.pid("process-supervisor");
    assert!(!state.exists());
    signal(&last, "TERM");
    assert_eq!(wait(&last), Some(ExitStatus::Exited(7)));
}
