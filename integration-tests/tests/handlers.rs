//! What OnFailure= and OnSuccess= handlers learn of their trigger: as seen under systemd 252 with the same units.

use integration_tests::{Place, needs, wait};

/// Writes down its `MONITOR_*`, with nothing of the invocation id but its length.
const HANDLER: &str = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo \"%i: $(env | grep ^MONITOR | grep -v INVOCATION | \
                       sort | sed s/^MONITOR_// | tr \"\\\\n\" \" \")$${#MONITOR_INVOCATION_ID}\" >>/run/told'\n";

fn oneshot(unit: &str, command: &str) -> String {
    format!("[Unit]\n{unit}\n[Service]\nType=oneshot\nTimeoutStartSec=300ms\nExecStart=/bin/sh -c '{command}'\n")
}

#[test]
fn handlers_are_told_of_their_trigger() {
    if !needs::root() {
        return;
    }
    let table = [
        (
            "exit",
            oneshot("OnFailure=told@exit.service", "exit 7"),
            "EXIT_CODE=exited EXIT_STATUS=7 SERVICE_RESULT=exit-code UNIT=exit.service 32",
        ),
        (
            "kill",
            oneshot("OnFailure=told@kill.service", "kill -9 $$$$"),
            "EXIT_CODE=killed EXIT_STATUS=KILL SERVICE_RESULT=signal UNIT=kill.service 32",
        ),
        (
            "late",
            oneshot("OnFailure=told@late.service", "exec sleep 10"),
            "EXIT_CODE=killed EXIT_STATUS=TERM SERVICE_RESULT=timeout UNIT=late.service 32",
        ),
        (
            "well",
            oneshot("OnSuccess=told@well.service", "true"),
            "EXIT_CODE=exited EXIT_STATUS=0 SERVICE_RESULT=success UNIT=well.service 32",
        ),
        // It never ran.
        (
            "needs",
            oneshot("OnFailure=told@needs.service\nRequires=exit.service\nAfter=exit.service", "true"),
            "SERVICE_RESULT=success UNIT=needs.service 0",
        ),
        // One that may be either is told nothing, and so is that of a unit that isn't a service.
        ("both", oneshot("OnFailure=told@both.service\nOnSuccess=told@both.service", "true"), "0"),
        (
            "late.target",
            "[Unit]\nOnFailure=told@late.target.service\nWants=slow.service\nAfter=slow.service\nJobTimeoutSec=200ms\n"
                .into(),
            "0",
        ),
        // Skipped: neither failed nor succeeded.
        (
            "skipped",
            oneshot(
                "OnFailure=told@skipped.service\nOnSuccess=told@skipped.service\nConditionPathExists=/nope",
                "true",
            ),
            "",
        ),
    ];
    let unit = |name: &str| if name.contains('.') { name.to_owned() } else { format!("{name}.service") };
    let mut place = Place::system().unit("told@.service", HANDLER);
    place = place.unit("slow.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 60\n");
    for (name, text, _) in &table {
        place = place.unit(&unit(name), text);
    }
    let place = place.boot();
    for (name, _, expected) in &table {
        place.systemctl(&["start", &unit(name)]);
        let told = || {
            let lines = place.lines("/run/told");
            lines.into_iter().filter_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned)).next_back()
        };
        wait::equal(expected, || told().unwrap_or_default());
    }
    // Why it ran outlives the broker.
    let why = || place.bash("unitctl why told@kill.service").good();
    let before = why();
    assert!(before.contains("kill.service OnFailure=told@kill.service"), "{before}");
    place.kill_daemon("unit-broker");
    assert_eq!(why(), before);
}
