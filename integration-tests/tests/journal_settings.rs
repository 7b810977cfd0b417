//! What journald does for a service: fields of its own, the least level, the invocation; and what is said without journald.

use std::path::Path;
use std::time::Duration;

use integration_tests::{Place, needs, wait};

const SPEAKS: &str = "[Service]\nType=oneshot\nRemainAfterExit=yes\nLogExtraFields=FRUIT=apple \"SIZE=very big\"\n\
                      LogLevelMax=notice\nExecStart=/bin/sh -c 'echo \"<5>kept\"; echo \"<6>dropped\"'\n";

#[test]
fn fields_and_levels() {
    let journald = "/lib/systemd/systemd-journald";
    if !needs::root() || !needs::control_groups() || !Path::new(journald).exists() {
        return;
    }
    let collector = format!("[Unit]\nDefaultDependencies=no\n[Service]\nType=notify\nExecStart={journald}\n");
    let place = Place::system().unit("systemd-journald.service", &collector).unit("speaks.service", SPEAKS).boot();
    place.systemctl(&["start", "speaks.service"]).good();
    let told = |line: &str| line.contains("LogExtraFields= has no effect") && line.contains("speaks.service");
    assert!(wait::until(Duration::from_secs(10), || place.log().lines().any(told)));
    place.systemctl(&["start", "systemd-journald.service"]).good();
    place.systemctl(&["restart", "speaks.service"]).good();
    let entries = || place.bash("journalctl -q -D /run/log/journal -o export -u speaks.service").out;
    assert!(wait::until(Duration::from_secs(10), || entries().contains("MESSAGE=kept")), "{}", entries());
    let invocation = format!("_SYSTEMD_INVOCATION_ID={}", place.property("speaks.service", "InvocationID"));
    let entries = entries();
    for line in ["FRUIT=apple", "SIZE=very big", "PRIORITY=5", &invocation] {
        assert!(entries.lines().any(|it| it == line), "{line}: {entries}");
    }
    assert!(!entries.contains("dropped"));
    let files = || place.bash("ls /run/systemd/units").out;
    assert!(files().contains("log-extra-fields:speaks.service"));
    place.systemctl(&["stop", "speaks.service"]).good();
    assert!(!files().contains("speaks.service"));
}
