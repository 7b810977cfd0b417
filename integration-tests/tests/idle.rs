//! Nothing happens, nobody wakes up.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use integration_tests::{Place, needs};

const PROGRAMS: [&str; 5] = ["device-watcher", "socket-activator", "process-supervisor", "unit-broker", "quintet"];

/// How long nothing may happen; `QUINTET_IDLE_SECONDS` for a longer look.
fn duration() -> Duration {
    let seconds = std::env::var("QUINTET_IDLE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(15);
    Duration::from_secs(seconds)
}

/// Voluntary context switches of all threads.
fn switches(pid: u32) -> u64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the daemon runs").flatten();
    tasks
        .map(|task| {
            let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            line.and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or(0)
        })
        .sum()
}

/// What was asked for is done, and for a while no daemon does anything.
fn nobody_wakes_up(place: &Place) {
    sleep(Duration::from_secs(2));
    let count = || -> BTreeMap<&str, u64> {
        PROGRAMS.into_iter().map(|program| (program, switches(place.daemon(program)))).collect()
    };
    let before = count();
    sleep(duration());
    assert_eq!(before, count());
}

#[test]
fn no_daemon_wakes_up_with_a_hundred_services() {
    if !needs::root() {
        return;
    }
    let place = Place::system().unit("idle@.service", "[Service]\nExecStart=/bin/sleep 100000\n").boot();
    let names: Vec<String> = (0..100).map(|number| format!("idle@{number}.service")).collect();
    let mut command = vec!["start"];
    command.extend(names.iter().map(String::as_str));
    place.systemctl(&command).good();
    nobody_wakes_up(&place);
}

#[test]
fn no_daemon_wakes_up_with_a_thousand_devices() {
    let service = "[Unit]\nBindsTo=dev-many7.device\nAfter=dev-many7.device\n[Service]\nExecStart=/bin/sleep 100000\n";
    let place = Place::user()
        .unit("bound.service", service)
        .unit("dev-many7.device.wants/bound.service", "")
        .config("device-watcher.toml", "allow_replay = true\n")
        .boot();
    let event = |number: usize| {
        format!(
            "{{\"event\":{{\"action\":\"add\",\"syspath\":\"/sys/devices/virtual/many/many{number}\",\
             \"devname\":\"/dev/many{number}\",\"properties\":{{\"CURRENT_TAGS\":\":systemd:\"}}}}}}\n"
        )
    };
    let recording: String = (0..1000).map(event).collect();
    std::fs::write(place.dir().join("many.jsonl"), recording).expect("a recording");
    let watcher = place.inner_bin().join("device-watcher");
    let file = place.inner_dir().join("many.jsonl");
    place.run(&[&watcher.to_string_lossy(), "--user", "replay", &file.to_string_lossy()]).good();
    place.wait_state("bound.service", "active/running");
    place.wait_state("dev-many999.device", "active/plugged");
    nobody_wakes_up(&place);
}
