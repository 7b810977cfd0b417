//! kill -9 of each daemon in turn: no service ends, no connection is refused or lost.

use integration_tests::{Place, needs};

const DEVICE: &str = "sys-subsystem-net-devices-gamelink0.device";
const DAEMONS: [&str; 4] = ["device-watcher", "socket-activator", "process-supervisor", "unit-broker"];

/// Connects again and again; prints how many greetings came and what else happened.
const HAMMER: &str = "good=0; bad=0; for i in $(seq 150); do \
    if exec 3<>/dev/tcp/127.0.0.1/PORT && IFS= read -r -t 10 line <&3 && [[ $line == 'Hello from the server!' ]]; \
    then good=$((good + 1)); else bad=$((bad + 1)); fi 2>/dev/null; exec 3>&-; sleep 0.01; done; echo $good good $bad bad";

#[test]
fn each_daemon_is_killed_under_load() {
    if !needs::root() {
        return;
    }
    let place = Place::system()
        .unit("my_server.socket", "[Socket]\nListenStream=3233\n")
        .unit("my_server.service", "[Service]\nExecStart=/usr/local/bin/my_server\n")
        .unit("steady.service", "[Service]\nExecStart=/bin/sleep 1000\n")
        .boot();
    place.systemctl(&["start", "my_server.socket", "steady.service"]).good();
    let pid = place.property("steady.service", "MainPID");
    for daemon in DAEMONS {
        let hammer = place.spawn(&HAMMER.replace("PORT", "3233"));
        for _ in 0..3 {
            place.kill_daemon(daemon);
            std::thread::sleep(std::time::Duration::from_millis(150));
        }
        let result = hammer.wait_with_output().expect("bash");
        assert_eq!(String::from_utf8_lossy(&result.stdout).trim(), "150 good 0 bad", "while {daemon} was killed");
        place.wait_state("steady.service", "active/running");
        assert_eq!(place.property("steady.service", "MainPID"), pid, "after {daemon} was killed");
        place.systemctl(&["stop", "my_server.service"]).good();
        place.wait_state("my_server.socket", "active/listening");
        assert_eq!(place.greet(3233).as_deref(), Ok("Hello from the server!"), "after {daemon} was killed");
    }
    assert_eq!(place.systemctl(&["list-units", "--failed", "--no-legend"]).good(), "");
    place.systemctl(&["stop", "steady.service"]).good();
    assert_eq!(place.state("steady.service"), "inactive/dead");
}

#[test]
fn a_connection_while_the_activator_is_away_waits_and_is_served() {
    if !needs::root() {
        return;
    }
    let place = Place::system()
        .unit("my_server.socket", "[Socket]\nListenStream=3233\n")
        .unit("my_server.service", "[Service]\nExecStart=/usr/local/bin/my_server\n")
        .boot();
    place.systemctl(&["start", "my_server.socket"]).good();
    for daemon in ["socket-activator", "unit-broker", "process-supervisor"] {
        integration_tests::signal(place.daemon(daemon), "KILL");
        assert_eq!(place.greet(3233).as_deref(), Ok("Hello from the server!"), "{daemon} was killed just before");
        place.wait_state("my_server.service", "active/running");
        place.systemctl(&["stop", "my_server.service"]).good();
        place.wait_state("my_server.socket", "active/listening");
    }
}

#[test]
fn exit_statuses_survive_the_supervisor() {
    if !needs::root() {
        return;
    }
    let unit = "[Service]\nExecStart=/bin/sh -c 'sleep 0.5; exit 42'\n";
    let place = Place::system().unit("brief.service", unit).boot();
    for _ in 0..3 {
        place.systemctl(&["start", "brief.service"]).good();
        place.kill_daemon("process-supervisor");
        place.wait_state("brief.service", "failed/failed");
        assert_eq!(place.property("brief.service", "ExecMainStatus"), "42");
        assert_eq!(place.property("brief.service", "Result"), "exit-code");
        place.systemctl(&["reset-failed", "brief.service"]).good();
    }
}

#[test]
fn the_next_plug_works_after_each_kill() {
    if !needs::network_devices() {
        return;
    }
    let unit = format!(
        "[Unit]\nBindsTo={DEVICE}\nAfter={DEVICE}\nStartLimitIntervalSec=0\n\
         [Service]\nExecStart=/bin/sh -c 'echo up >>/run/ups; exec sleep 1000'\n[Install]\nWantedBy={DEVICE}\n"
    );
    let place = Place::system().udev().unit("link.service", &unit).boot();
    place.systemctl(&["enable", "link.service"]);
    for (round, daemon) in DAEMONS.into_iter().enumerate() {
        place.plug("gamelink0");
        place.wait_state("link.service", "active/running");
        let pid = place.property("link.service", "MainPID");
        place.kill_daemon(daemon);
        place.wait_state(DEVICE, "active/plugged");
        assert_eq!(place.property("link.service", "MainPID"), pid, "after {daemon} was killed");
        place.unplug("gamelink0");
        place.wait_state("link.service", "inactive/dead");
        assert_eq!(place.lines("/run/ups").len(), round + 1, "nothing was started twice");
    }
}

#[test]
fn a_device_that_goes_while_the_watcher_is_away_is_noticed() {
    if !needs::network_devices() {
        return;
    }
    let unit = format!("[Unit]\nBindsTo={DEVICE}\nAfter={DEVICE}\n[Service]\nExecStart=/bin/sleep 1000\n");
    let place = Place::system().udev().unit("link.service", &unit).boot();
    place.plug("gamelink0");
    place.wait_state(DEVICE, "active/plugged");
    place.systemctl(&["start", "link.service"]).good();
    let watcher = place.daemon("device-watcher");
    // Stopped, it hears nothing; killed, it never will.
    integration_tests::signal(watcher, "STOP");
    place.unplug("gamelink0");
    place.run(&["udevadm", "settle", "-t", "10"]).good();
    assert_eq!(place.state("link.service"), "active/running");
    integration_tests::signal(watcher, "KILL");
    place.wait_state("link.service", "inactive/dead");
    assert_eq!(place.state(DEVICE), "inactive/dead");
}
