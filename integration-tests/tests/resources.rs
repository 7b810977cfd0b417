//! Control groups of services and slices: what is shown of their use, and their limits, also after a daemon-reload. Where the
//! machine's control groups have controllers the limits are read from the kernel; elsewhere it is said that they have no effect.

use std::time::Duration;

use integration_tests::{Place, needs, wait};

const BURNS: &str = "for ((i = 0; i < 20000; i++)); do :; done";

#[track_caller]
fn holds(condition: impl FnMut() -> bool) {
    assert!(wait::until(Duration::from_secs(10), condition), "in vain");
}

/// An attribute of a control group; empty without it.
fn attribute(place: &Place, group: &str, name: &str) -> String {
    let mount = place.bash("findmnt -n -t cgroup2 -o TARGET | tail -n 1").out;
    place.bash(&format!("cat {mount}{group}/{name} 2>/dev/null")).out
}

#[test]
fn what_is_used() {
    if !needs::root() || !needs::control_groups() {
        return;
    }
    let burns = |then: &str| format!("[Service]\nExecStart=/bin/bash -c '{BURNS}; {then}'\n");
    let place = Place::system()
        .unit("up.service", &burns("exec sleep 1000"))
        .unit("quiet.service", "[Service]\nCPUAccounting=no\nExecStart=/bin/sleep 1000\n")
        .unit("fails.service", &burns("exit 3"))
        .unit("never.service", "[Service]\nExecStart=/bin/true\n")
        .boot();
    place.systemctl(&["start", "up.service", "quiet.service", "fails.service"]).good();
    place.wait_state("fails.service", "failed/failed");
    let number = |unit: &str, name: &str| place.property(unit, name).parse::<u64>().ok();
    let group = place.property("up.service", "ControlGroup");
    wait::equal("sleep", || place.bash(&format!("cat /proc/{}/comm", place.property("up.service", "MainPID"))).out);
    let used = number("up.service", "CPUUsageNSec");
    assert!(used.is_some_and(|ns| (1_000_000..10_000_000_000).contains(&ns)), "{used:?}");
    let mount = place.bash("findmnt -n -t cgroup2 -o TARGET | tail -n 1").out;
    let inode = place.bash(&format!("stat -c %i {mount}{group}")).out;
    assert_eq!(place.property("up.service", "ControlGroupId"), inode);
    // The group is gone, what it was used for is known; also to who comes later.
    for _ in 0..2 {
        assert_eq!(place.property("fails.service", "ControlGroup"), "");
        assert!(number("fails.service", "CPUUsageNSec").is_some_and(|ns| ns > 1_000_000));
        place.kill_daemon("process-supervisor");
        place.kill_daemon("unit-broker");
        place.wait_state("fails.service", "failed/failed");
    }
    for unit in ["quiet.service", "never.service"] {
        assert_eq!(place.property(unit, "CPUUsageNSec"), "[not set]", "{unit}");
    }
    assert_eq!(place.property("never.service", "ControlGroupId"), "0");
    assert!(number("system.slice", "CPUUsageNSec") > used);
    let counts = |name: &str| !attribute(&place, &group, name).is_empty();
    assert_eq!(number("up.service", "MemoryCurrent").is_some(), counts("memory.current"));
    assert_eq!(number("up.service", "TasksCurrent").is_some(), counts("pids.current"));
    // A new run starts from nothing.
    place.systemctl(&["restart", "quiet.service"]).good();
    place.systemctl(&["start", "fails.service"]);
    place.wait_state("fails.service", "failed/failed");
    assert!(number("fails.service", "CPUUsageNSec").is_some_and(|ns| ns < used.unwrap_or(0) * 5));
}

#[test]
fn limits_of_slices() {
    if !needs::root() || !needs::control_groups() {
        return;
    }
    let place = Place::system()
        .unit("a.slice", "[Slice]\nMemoryMax=64M\n")
        .unit("a-b.slice", "[Slice]\nTasksMax=40\nCPUWeight=50\n")
        .unit("-.slice.d/x.conf", "[Slice]\nMemoryMax=1G\n")
        .unit("in.service", "[Service]\nSlice=a-b.slice\nMemoryMax=32M\nTasksMax=7\nExecStart=/bin/sleep 1000\n")
        .boot();
    holds(|| place.log().contains("-.slice.d/x.conf:2:1: MemoryMax= has no effect here"));
    assert_eq!(place.property("a-b.slice", "ControlGroup"), "", "nothing is in it yet");
    place.systemctl(&["start", "a-b.slice"]).good();
    let group = place.property("a-b.slice", "ControlGroup");
    assert!(group.ends_with("/a.slice/a-b.slice"), "{group}");
    holds(|| place.property("a-b.slice", "ControlGroupId") != "0");
    place.systemctl(&["start", "in.service"]).good();
    let above = group.trim_end_matches("/a-b.slice").to_owned();
    let inside = place.property("in.service", "ControlGroup");
    let limits = || {
        let read = |group: &str, name| attribute(&place, group, name);
        let of_service = (read(&inside, "memory.max"), read(&inside, "pids.max"));
        (read(&above, "memory.max"), read(&group, "pids.max"), read(&group, "cpu.weight"), of_service)
    };
    let controllers = !attribute(&place, &above, "memory.max").is_empty();
    if controllers {
        let of_service = ("33554432".to_owned(), "7".to_owned());
        assert_eq!(limits(), ("67108864".to_owned(), "40".to_owned(), "50".to_owned(), of_service));
    } else {
        for (unit, what) in [("a.slice", "MemoryMax="), ("a-b.slice", "CPUWeight="), ("in.service", "TasksMax=")] {
            let told = |line: &str| line.contains(what) && line.contains("has no effect") && line.contains(unit);
            holds(|| place.log().lines().any(told));
        }
    }
    // What runs has the new limits, and loses those that are no longer there.
    place.bash(
        "cd /usr/lib/systemd/system && sed -i s/64M/128M/ a.slice && sed -i /CPUWeight/d a-b.slice && \
         sed -i -e /MemoryMax/d -e s/TasksMax=7/TasksMax=9/ in.service",
    );
    place.systemctl(&["daemon-reload"]).good();
    assert_eq!(place.property("in.service", "TasksMax"), "9");
    if controllers {
        let of_service = ("max".to_owned(), "9".to_owned());
        let wanted = ("134217728".to_owned(), "40".to_owned(), "100".to_owned(), of_service);
        holds(|| limits() == wanted);
    }
    place.systemctl(&["stop", "a.slice"]).good();
    assert_eq!(place.state("in.service"), "inactive/dead");
    holds(|| place.bash(&format!("d=$(findmnt -n -t cgroup2 -o TARGET | tail -n 1){group}; test ! -e $d")).code == 0);
}
