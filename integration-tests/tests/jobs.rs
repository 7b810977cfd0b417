//! What systemctl shows of jobs, and jobs for marked units.

use integration_tests::{Place, needs};

/// Writes down what it does.
const LOGGED: &str = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'echo start %n >>/run/log'\n\
                      ExecReload=/bin/sh -c 'echo reload %n >>/run/log'\nExecStop=/bin/sh -c 'echo stop %n >>/run/log'\n";

#[test]
fn who_waits_for_whom() {
    if !needs::root() {
        return;
    }
    let slow = |unit: &str| format!("[Unit]\n{unit}\n[Service]\nType=oneshot\nExecStart=/bin/sleep 60\n");
    let place = Place::system()
        .unit("first.service", &slow(""))
        .unit("then.service", &slow("Requires=first.service\nAfter=first.service"))
        .boot();
    place.systemctl(&["start", "--no-block", "then.service"]).good();
    let list = |flag: &str| {
        let text = place.systemctl(&["list-jobs", "--no-legend", flag]).good();
        // Without the numbers.
        let words = text.split_whitespace().filter(|word| !word.bytes().all(|byte| byte.is_ascii_digit()));
        words.filter(|word| !matches!(*word, "-" | "└─")).collect::<Vec<&str>>().join(" ")
    };
    // As systemd 252 shows them.
    assert_eq!(
        list("--after"),
        "then.service start waiting first.service start running blocking job (then.service/start)"
    );
    assert_eq!(
        list("--before"),
        "then.service start waiting waiting for job (first.service/start) first.service start running"
    );
}

#[test]
fn marked_units_are_restarted_or_reloaded() {
    if !needs::root() {
        return;
    }
    let mut place = Place::system();
    for unit in ["a.service", "b.service", "c.service"] {
        place = place.unit(unit, LOGGED);
    }
    let place = place.boot();
    let set = |unit: &str, markers: &str| place.systemctl(&["set-property", unit, &format!("Markers={markers}")]);
    let markers = |unit: &str| place.property(unit, "Markers");
    place.systemctl(&["start", "a.service", "b.service", "c.service"]).good();
    for (words, expected) in [
        ("needs-restart", "needs-restart"),
        ("+needs-reload", "needs-reload needs-restart"),
        ("-needs-restart", "needs-reload"),
        ("", "needs-reload"),
        ("needs-restart needs-reload", "needs-reload needs-restart"),
    ] {
        set("a.service", words).good();
        assert_eq!(markers("a.service"), expected, "{words}");
    }
    for (unit, words, error) in [
        ("a.service", "bogus", "Unknown marker \"bogus\"."),
        ("a.service", "+needs-reload needs-restart", "Bad marker syntax."),
        ("nope.service", "needs-reload", "Unit nope.service not found."),
    ] {
        let refused = set(unit, words);
        assert_eq!(refused.code, 1, "{words}");
        assert_eq!(refused.err, format!("Failed to set unit properties on {unit}: {error}"));
    }
    set("b.service", "needs-reload").good();
    for command in ["daemon-reload", "daemon-reexec"] {
        place.systemctl(&[command]).good();
        assert_eq!((&*markers("a.service"), &*markers("b.service")), ("needs-reload needs-restart", "needs-reload"));
    }
    place.kill_daemon("unit-broker");
    assert_eq!((&*markers("a.service"), &*markers("b.service")), ("needs-reload needs-restart", "needs-reload"));

    place.bash(": >/run/log").good();
    place.systemctl(&["reload-or-restart", "--marked"]).good();
    let mut log = place.lines("/run/log");
    log.sort();
    assert_eq!(log, ["reload b.service", "start a.service", "stop a.service"]);
    assert_eq!((&*markers("a.service"), &*markers("b.service")), ("", ""));

    set("c.service", "needs-restart needs-reload").good();
    place.systemctl(&["reload", "c.service"]).good();
    assert_eq!(markers("c.service"), "needs-restart", "only the reload is done");
    place.systemctl(&["stop", "c.service"]).good();
    assert_eq!(markers("c.service"), "");
}

#[test]
fn reload_and_reexec_lose_no_job() {
    if !needs::root() {
        return;
    }
    let gate = "while [ ! -e /run/gate ]; do sleep 0.1; done";
    let place = Place::system()
        .unit("run.service", &format!("[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c '{gate}'\n"))
        .unit("wait.target", "[Unit]\nRequires=run.service\nAfter=run.service\n")
        .unit("stops.service", &format!("[Service]\nExecStart=/bin/sleep 1000\nExecStop=/bin/sh -c '{gate}'\n"))
        .unit("later.service", &format!("[Unit]\nAfter=stops.service\n{LOGGED}"))
        .unit("reloads.service", &format!("[Service]\nExecStart=/bin/sleep 1000\nExecReload=/bin/sh -c '{gate}'\n"))
        .boot();
    place.systemctl(&["start", "stops.service", "reloads.service"]).good();
    for (verb, unit) in [("stop", "stops"), ("reload", "reloads"), ("start", "later")] {
        place.systemctl(&[verb, "--no-block", &format!("{unit}.service")]).good();
    }
    place.systemctl(&["start", "--no-block", "wait.target"]).good();
    let jobs = || place.systemctl(&["list-jobs", "--no-legend", "--plain"]).good();
    let before = jobs();
    for line in [
        "later.service start waiting",
        "reloads.service reload running",
        "run.service start running",
        "stops.service stop running",
        "wait.target start waiting",
    ] {
        let words = before.lines().map(|line| line.split_whitespace().skip(1).collect::<Vec<&str>>().join(" "));
        assert!(words.into_iter().any(|words| words == line), "{line}\n{before}");
    }
    for command in ["daemon-reload", "daemon-reexec", "daemon-reload"] {
        place.systemctl(&[command]).good();
        assert_eq!(jobs(), before, "{command}: the same jobs, with the same numbers");
    }
    place.bash("touch /run/gate").good();
    for (unit, state) in [
        ("wait.target", "active/active"),
        ("run.service", "active/exited"),
        ("stops.service", "inactive/dead"),
        ("later.service", "active/exited"),
        ("reloads.service", "active/running"),
    ] {
        place.wait_state(unit, state);
    }
    assert_eq!(place.lines("/run/log"), ["start later.service"], "once");
}
