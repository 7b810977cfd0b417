//! What went wrong is told: causes and notices in `unitctl status`, output and notices in a real journald.

use integration_tests::{Place, needs, wait};

#[test]
fn status_tells_cause_and_notices() {
    if !needs::root() {
        return;
    }
    let deaf = "[Service]\nTimeoutStopSec=200ms\nExecStart=/bin/sh -c 'trap \"\" TERM; echo up >/run/up; while :; do sleep 0.1; done'\n";
    let place = Place::system().unit("deaf.service", deaf).boot();
    place.systemctl(&["start", "deaf.service"]).good();
    let before = place.bash("unitctl status deaf.service").good();
    assert!(!before.contains("SIGKILL"), "{before}");
    assert!(wait::until(std::time::Duration::from_secs(10), || !place.lines("/run/up").is_empty()));
    place.systemctl(&["stop", "deaf.service"]);
    place.wait_state("deaf.service", "failed/failed");
    let status = place.bash("unitctl status deaf.service");
    assert_eq!(status.code, 3, "as of a unit that is down");
    for told in ["state 'stop-sigterm' timed out", "Killing with SIGKILL: ", "(sh)"] {
        assert!(status.out.contains(told), "{told}: {}", status.out);
    }
    // A new run has none of the old one's.
    place.systemctl(&["start", "deaf.service"]).good();
    let after = place.bash("unitctl status deaf.service").good();
    assert!(!after.contains("SIGKILL"), "{after}");
}

/// Debian's journald, with sockets of ours.
#[test]
fn journald_knows_whose_lines_they_are() {
    if !needs::root() || !needs::control_groups() {
        return;
    }
    let journald = "/lib/systemd/systemd-journald";
    if !std::path::Path::new(journald).exists() {
        println!("SKIPPED: needs {journald}");
        return;
    }
    let sockets = "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/systemd/journal/stdout\n\
                   ListenDatagram=/run/systemd/journal/socket\nPassCredentials=yes\n";
    let service = format!(
        "[Unit]\nDefaultDependencies=no\n[Service]\nType=notify\nExecStartPre=/bin/mkdir -p /run/log/journal\nExecStart={journald}\n"
    );
    let talks =
        "[Service]\nSyslogIdentifier=talker\nExecStart=/bin/sh -c 'echo hello; echo \"<3>trouble\" >&2; exit 7'\n";
    let place = Place::system()
        .unit("journal.socket", sockets)
        .unit("journal.service", &service)
        .unit("talks.service", talks)
        .boot();
    place.systemctl(&["start", "journal.socket", "journal.service"]).good();
    place.systemctl(&["start", "talks.service"]);
    place.wait_state("talks.service", "failed/failed");
    let fields = ["MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER"].join(",");
    let by_unit = format!("journalctl -q -o json --output-fields={fields} _SYSTEMD_UNIT=talks.service");
    let mut lines = String::new();
    let both = wait::until(std::time::Duration::from_secs(10), || {
        lines = place.bash(&by_unit).out;
        lines.lines().count() == 2
    });
    assert!(both, "{lines}");
    for told in ["\"hello\"", "\"trouble\"", "\"PRIORITY\":\"3\"", "\"SYSLOG_IDENTIFIER\":\"talker\""] {
        assert!(lines.contains(told), "{told}: {lines}");
    }
    let status = place.systemctl(&["status", "talks.service"]).out;
    for told in ["hello", "trouble", "status=7"] {
        assert!(status.contains(told), "{told}: {status}");
    }
}
