//! Restart=, RestartSec= and start limits.

use integration_tests::{Place, needs};

#[test]
fn crashes_until_the_start_limit() {
    if !needs::root() {
        return;
    }
    let unit = "[Unit]\nStartLimitBurst=3\nStartLimitIntervalSec=60\n\
                [Service]\nExecStart=/bin/sh -c 'echo up >>/run/ups; kill -SEGV $$$$'\nRestart=on-failure\nRestartSec=100ms\n";
    let place = Place::system().unit("crash.service", unit).boot();
    place.systemctl(&["start", "crash.service"]);
    place.wait_state("crash.service", "failed/failed");
    assert_eq!(place.lines("/run/ups").len(), 3, "StartLimitBurst= starts");
    assert_eq!(place.property("crash.service", "NRestarts"), "3");
    assert!(["signal", "core-dump"].contains(&place.property("crash.service", "Result").as_str()));
    let status = place.systemctl(&["status", "crash.service"]);
    assert_eq!(status.code, 3);
    assert!(status.out.contains("failed"), "{}", status.out);
    assert_eq!(place.systemctl(&["is-failed", "crash.service"]).good(), "failed");
    let again = place.systemctl(&["start", "crash.service"]);
    assert_eq!(again.code, 1);
    // systemd keeps the result of the crash, so that is what systemctl names.
    assert!(again.err.contains("Job for crash.service failed"), "{}", again.err);
    assert_eq!(place.lines("/run/ups").len(), 3, "refused by the limit");

    place.systemctl(&["reset-failed", "crash.service"]).good();
    assert_eq!(place.state("crash.service"), "inactive/dead");
    place.systemctl(&["start", "crash.service"]);
    place.wait_state("crash.service", "failed/failed");
    assert_eq!(place.lines("/run/ups").len(), 6, "the limit counts anew");
}

#[test]
fn a_clean_exit_is_no_failure() {
    if !needs::root() {
        return;
    }
    let unit = "[Service]\nExecStart=/bin/sh -c 'echo up >>/run/ups'\nRestart=on-failure\nRestartSec=50ms\n";
    let place = Place::system().unit("clean.service", unit).boot();
    place.systemctl(&["start", "clean.service"]).good();
    place.wait_state("clean.service", "inactive/dead");
    std::thread::sleep(std::time::Duration::from_millis(400));
    assert_eq!(place.lines("/run/ups").len(), 1, "not started again");
    assert_eq!(place.property("clean.service", "NRestarts"), "0");
}
