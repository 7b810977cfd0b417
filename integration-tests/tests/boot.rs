//! Booting, ending, and who may.

use std::time::Duration;

use integration_tests::{Place, needs, signal, wait};

#[test]
fn boots_to_running_with_its_targets() {
    if !needs::root() {
        return;
    }
    let place = Place::system().boot();
    assert_eq!(place.systemctl(&["is-system-running"]).good(), "running");
    for target in ["default.target", "multi-user.target", "basic.target", "sysinit.target", "sockets.target"] {
        assert_eq!(place.state(target), "active/active", "{target}");
    }
    assert_eq!(place.systemctl(&["list-jobs", "--no-legend"]).good(), "");
    assert_eq!(place.systemctl(&["list-units", "--failed", "--no-legend"]).good(), "");
    for daemon in ["device-watcher", "socket-activator", "process-supervisor", "unit-broker"] {
        assert!(place.daemon(daemon) > 1);
    }
}

#[test]
fn boots_another_unit() {
    if !needs::root() {
        return;
    }
    let unit = "[Unit]\nDefaultDependencies=no\nWants=one.service\n";
    let service = "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sleep 1000\n";
    let place =
        Place::system().unit("mine.target", unit).unit("one.service", service).argument("--unit=mine.target").boot();
    place.wait_state("one.service", "active/running");
    assert_eq!(place.state("multi-user.target"), "inactive/dead");
}

#[test]
fn a_second_launcher_is_refused_with_the_reason() {
    let place = Place::user().boot();
    let quintet = place.inner_bin().join("quintet").display().to_string();
    let second = place.run(&[&quintet, "run", "--user"]);
    assert_ne!(second.code, 0);
    assert!(second.err.contains("another `quintet run`"), "{}", second.err);
    place.wait_state("default.target", "active/active");
}

#[test]
fn ends_in_order_on_sigterm() {
    if !needs::root() {
        return;
    }
    let service = |name: &str, after: &str| {
        format!(
            "[Unit]\nAfter={after}\n[Service]\nExecStart=/bin/sh -c 'trap \"echo {name} >>/run/place/dir/ended; exit 0\" TERM; \
             echo up >>/run/place/dir/{name}; while :; do sleep 0.05; done'\n"
        )
    };
    let place = Place::system()
        .unit("first.service", &service("first", ""))
        .unit("second.service", &service("second", "first.service"))
        .unit("multi-user.target.wants/first.service", "")
        .unit("multi-user.target.wants/second.service", "")
        .boot();
    for name in ["first", "second"] {
        assert!(wait::until(Duration::from_secs(5), || place.dir().join(name).exists()), "{name} is up");
    }
    signal(place.daemon("quintet"), "TERM");
    let ended = place.dir().join("ended");
    let text = || std::fs::read_to_string(&ended).unwrap_or_default();
    wait::equal("second\nfirst\n", text);
    let outer = std::fs::read_to_string(place.dir().join(".place/launcher")).expect("the launcher's PID");
    let gone = || !std::path::Path::new("/proc").join(outer.trim()).join("ns").join("pid").exists();
    assert!(wait::until(Duration::from_secs(10), gone), "the launcher ends");
}

#[test]
fn a_user_manager_runs_services_and_enables_them() {
    let unit = "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=default.target\n";
    let place = Place::user().unit("mine.service", unit).boot();
    place.systemctl(&["start", "mine.service"]).good();
    assert_eq!(place.state("mine.service"), "active/running");
    place.systemctl(&["enable", "mine.service"]).good();
    let link = place.dir().join("config/systemd/user/default.target.wants/mine.service");
    assert!(link.is_symlink(), "{}", link.display());
    assert_eq!(place.systemctl(&["is-enabled", "mine.service"]).good(), "enabled");
    place.systemctl(&["stop", "mine.service"]).good();
    assert_eq!(place.state("mine.service"), "inactive/dead");
}

#[test]
fn works_without_control_groups_and_says_what_is_weaker() {
    if !needs::root() {
        return;
    }
    let unit = "[Service]\nExecStart=/bin/sh -c 'sleep 1001 & exec sleep 1000'\n";
    let place = Place::system().no_cgroup().unit("two.service", unit).boot();
    place.systemctl(&["start", "two.service"]).good();
    assert!(place.log().contains("control group"), "the log says so");
    place.systemctl(&["stop", "two.service"]).good();
    let left = place.bash("cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep 100[01]'").out;
    assert_eq!(left, "0", "processes that forked away are killed too");
}
