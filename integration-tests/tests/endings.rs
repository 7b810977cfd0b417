//! `FailureAction=` and its like, seen from outside of the container that they end.

use std::time::Duration;

use integration_tests::{Place, needs, wait};

/// Boots `unit` as PID 1 of namespaces of its own within the place; how that ended (128 + the signal if one killed it) and
/// the log. What a container manager sees: reboot(2) in a PID namespace ends PID 1 by SIGHUP for a reboot, by SIGINT else.
fn boot(place: &Place, unit: &str) -> (i32, String) {
    let inside = "mount -t proc proc /proc && mkdir -p /tmp/bin && mount --bind /run/place/bin /tmp/bin \
                  && mount -t tmpfs tmpfs /run && exec /tmp/bin/quintet run --unit=$0";
    // Whoever runs the tests may ignore the signals that tell how it ended, and so would what runs this: it is told a number.
    let line = format!(
        "env --default-signal timeout 30 unshare --pid --fork --mount --uts --ipc bash -c '{inside}' {unit}; exit $?"
    );
    let output = place.bash(&line);
    (output.code, format!("{}\n{}", output.out, output.err))
}

fn oneshot(unit: &str, command: &str) -> String {
    format!("[Unit]\n{unit}\n[Service]\nType=oneshot\nExecStart=/bin/sh -c '{command}'\n")
}

#[test]
fn a_container_ends_as_under_systemd() {
    if !needs::root() {
        return;
    }
    let table = [
        // The status of the process, unless another one is set; nothing of it with the other ends.
        ("exit.service", oneshot("FailureAction=exit", "exit 7"), 7),
        ("exit-force.service", oneshot("FailureAction=exit-force", "exit 7"), 7),
        ("status.service", oneshot("FailureAction=exit\nFailureActionExitStatus=42", "exit 7"), 42),
        ("killed.service", oneshot("FailureAction=exit-force", "kill -9 $$$$"), 255),
        ("success.service", oneshot("SuccessAction=exit-force\nSuccessActionExitStatus=43", "true"), 43),
        ("poweroff.service", oneshot("FailureAction=poweroff", "exit 7"), 130),
        ("poweroff-force.service", oneshot("FailureAction=poweroff-force", "exit 7"), 130),
        ("reboot.service", oneshot("FailureAction=reboot", "exit 7"), 129),
        ("reboot-now.service", oneshot("SuccessAction=reboot-immediate\nRebootArgument=again", "true"), 129),
        (
            "late.target",
            "[Unit]\nWants=slow.service\nAfter=slow.service\nJobTimeoutSec=200ms\nJobTimeoutAction=reboot-force\n"
                .into(),
            129,
        ),
        ("often.service", oneshot("StartLimitBurst=2\nStartLimitAction=poweroff-force", "exit 1"), 130),
    ];
    let mut place = Place::system().unit("slow.service", &oneshot("", "sleep 60"));
    for (unit, text, _) in &table {
        let again = if *unit == "often.service" { "Restart=on-failure\n" } else { "" };
        place = place.unit(unit, &format!("{text}{again}"));
    }
    let place = place.boot();
    for (unit, _, expected) in &table {
        let (code, log) = boot(&place, unit);
        assert_eq!(code, *expected, "{unit}\n{log}");
    }
    assert!(!place.run(&["test", "-e", "/run/systemd/reboot-param"]).code.eq(&0), "that was another /run");
}

#[test]
fn the_reboot_argument_is_left_where_systemd_leaves_it() {
    if !needs::root() {
        return;
    }
    let unit = oneshot("FailureAction=reboot\nRebootArgument=recovery", "exit 1");
    // Stays while it is stopped, so that there is time to look.
    let busy = "[Service]\nExecStart=/bin/sh -c 'trap : TERM; while :; do sleep 1; done'\n";
    let place = Place::system().unit("a.service", &unit).unit("busy.service", busy).boot();
    place.systemctl(&["start", "busy.service"]).good();
    place.systemctl(&["start", "a.service"]);
    assert_eq!(place.lines("/run/systemd/reboot-param"), ["recovery"]);
}

#[test]
fn a_user_manager_exits_instead_of_rebooting() {
    let place = Place::user().unit("a.service", &oneshot("FailureAction=reboot", "exit 7")).boot();
    assert_eq!(place.property("a.service", "FailureAction"), "exit-force");
    place.systemctl(&["start", "a.service"]);
    let ended = || place.log().lines().any(|line| line.contains("done: Exit") && line.contains("status=7"));
    assert!(wait::until(Duration::from_secs(10), ended), "{}", place.log());
}
