//! Connections at full speed while the service is restarted and every daemon is killed at random: none is refused, lost or
//! served twice.
//!
//! `QUINTET_CONNECTIONS=100000` makes it the long form, `QUINTET_SEED` repeats a run (each prints its own).

use std::fs;
use std::path::Path;
use std::process::Child;
use std::thread::sleep;
use std::time::Duration;

use integration_tests::{Place, Random, needs, number, repository, signal};

const DAEMONS: [&str; 4] = ["socket-activator", "process-supervisor", "unit-broker", "device-watcher"];

/// The seed is printed, so that the run can be repeated.
fn random() -> Random {
    let seed = number("QUINTET_SEED", u64::from(std::process::id()));
    println!("QUINTET_SEED={seed}");
    Random::seeded(seed)
}

fn connections(short: u64) -> u64 {
    number("QUINTET_CONNECTIONS", short)
}

fn bring(place: &Place, program: &str) -> String {
    let from = repository().join("integration-tests/programs").join(program);
    fs::copy(from, place.dir().join(program)).expect("a copy");
    place.inner_dir().join(program).display().to_string()
}

/// Kills a daemon, unless it is away already.
fn kill(place: &Place, daemon: &str) {
    if let Some(pid) = place.daemon_now(daemon) {
        signal(pid, "KILL");
    }
}

fn over(hammer: &mut Child) -> bool {
    hammer.try_wait().expect("a child").is_some()
}

/// What the server wrote must be every number once.
fn check(place: &Place, hammer: Child, served: &Path, count: u64) {
    let output = hammer.wait_with_output().expect("bash");
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let lines = place.lines(&served.display().to_string());
    let mut unique: Vec<&String> = lines.iter().collect();
    unique.sort_unstable();
    unique.dedup();
    println!("{text}, {} duplicated", lines.len() - unique.len());
    assert_eq!(text, format!("{count} good 0 refused 0 lost"));
    assert_eq!((unique.len() as u64, lines.len() as u64), (count, count), "each is served once");
}

#[test]
fn a_server_and_every_daemon_are_killed_under_load() {
    if !needs::root() {
        return;
    }
    let socket = "[Socket]\nListenStream=/run/drain.sock\nListenStream=3240\nTriggerLimitIntervalSec=0\n";
    let service = "[Unit]\nStartLimitIntervalSec=0\n\
        [Service]\nExecStart=/usr/bin/python3 /run/place/dir/drain_server.py /run/served\n";
    let place = Place::system().unit("drain.socket", socket).unit("drain.service", service).boot();
    bring(&place, "drain_server.py");
    let hammer = bring(&place, "hammer.py");
    place.systemctl(&["start", "drain.socket"]).good();
    let count = connections(12_000);
    let mut random = random();
    let mut hammer = place.spawn(&format!("exec {hammer} {count} 4 /run/drain.sock 3240"));
    let mut done = Vec::new();
    while !over(&mut hammer) {
        let what = random.below(7);
        match DAEMONS.get(what) {
            Some(daemon) => kill(&place, daemon),
            None if what == 4 => drop(place.systemctl(&["restart", "drain.service"])),
            None if what == 5 => drop(place.systemctl(&["stop", "drain.service"])),
            None => drop(place.systemctl(&["kill", "-s", "TERM", "drain.service"])),
        }
        done.push(what);
        sleep(Duration::from_millis(50 + random.below(300) as u64));
    }
    println!("{} kills and restarts", done.len());
    check(&place, hammer, Path::new("/run/served"), count);
    assert_eq!(place.systemctl(&["list-units", "--failed", "--no-legend"]).good(), "");
}

#[test]
fn daemons_are_killed_while_instances_serve_connections() {
    if !needs::root() {
        return;
    }
    let socket = "[Socket]\nListenStream=/run/each.sock\nListenStream=3241\nAccept=yes\nMaxConnections=4000\n\
        TriggerLimitIntervalSec=0\n";
    let service = "[Unit]\nStartLimitIntervalSec=0\nCollectMode=inactive-or-failed\n\
        [Service]\nStandardInput=socket\nStandardOutput=socket\n\
        ExecStart=/bin/sh -c 'read line && echo $line >>/run/served && echo $line'\n";
    let place = Place::system().unit("each.socket", socket).unit("each@.service", service).boot();
    let hammer = bring(&place, "hammer.py");
    place.systemctl(&["start", "each.socket"]).good();
    let count = connections(1_000);
    let mut random = random();
    let mut hammer = place.spawn(&format!("exec {hammer} {count} 4 /run/each.sock 3241"));
    let mut kills = 0;
    while !over(&mut hammer) {
        if let Some(daemon) = DAEMONS.get(random.below(4)) {
            kill(&place, daemon);
            kills += 1;
        }
        sleep(Duration::from_millis(50 + random.below(300) as u64));
    }
    println!("{kills} kills");
    check(&place, hammer, Path::new("/run/served"), count);
    assert_eq!(place.property("each.socket", "NRefused"), "0");
}

#[test]
fn the_end_of_a_connection_is_counted_whatever_happened_meanwhile() {
    if !needs::root() {
        return;
    }
    let place = Place::system()
        .unit("hold.socket", "[Socket]\nListenStream=3242\nAccept=yes\n")
        .unit("hold@.service", "[Service]\nStandardInput=socket\nExecStart=/bin/cat\n")
        .boot();
    place.systemctl(&["start", "hold.socket"]).good();
    let connections = || place.property("hold.socket", "NConnections");
    for meanwhile in ["daemon-reload", "unit-broker", "socket-activator", "process-supervisor", "the activator is away"]
    {
        let mut client = place.spawn("exec 3<>/dev/tcp/127.0.0.1/3242; read -r <&3");
        integration_tests::wait::equal("1", connections);
        match meanwhile {
            "daemon-reload" => drop(place.systemctl(&["daemon-reload"]).good()),
            "the activator is away" => {
                // It can't hear of the end, and dies before it could.
                signal(place.daemon("socket-activator"), "STOP");
                place.systemctl(&["stop", "hold@*.service"]).good();
                place.kill_daemon("socket-activator");
            }
            daemon => place.kill_daemon(daemon),
        }
        place.systemctl(&["stop", "hold@*.service"]).good();
        integration_tests::wait::equal("0", connections);
        let _ = client.wait();
    }
}
