//! `FreezeUnit` and `ThawUnit`: what is frozen, and what is refused, as in systemd 252.

use integration_tests::{Place, needs};

#[test]
fn what_can_be_frozen() {
    if !needs::root() || !needs::control_groups() || !needs::message_bus() {
        return;
    }
    let stays = "[Service]\nExecStart=/bin/sleep 1000\n";
    let place = Place::system()
        .unit("a.service", stays)
        .unit("down.service", "[Service]\nExecStart=/bin/false\n")
        .unit("slow.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n")
        .unit("in.service", "[Service]\nSlice=own.slice\nExecStart=/bin/sleep 1000\n")
        .unit("mixed.socket", "[Socket]\nSlice=mixed.slice\nListenStream=/run/mixed\n")
        .unit("mixed.service", "[Service]\nSlice=mixed.slice\nExecStart=/bin/sleep 1000\n")
        .boot();
    place.systemctl(&["start", "a.service", "in.service", "mixed.socket", "mixed.service"]).good();
    place.systemctl(&["start", "--no-block", "slow.service"]).good();
    place.systemctl(&["start", "down.service"]);
    place.wait_state("down.service", "failed/failed"); // loaded, that is
    let state = |unit: &str| place.property(unit, "FreezerState");
    // systemctl asks for this over a message bus only.
    let ask = |verb: &str, unit: &str| {
        let peer = "dbus-send --peer=unix:path=/run/systemd/private --print-reply /org/freedesktop/systemd1";
        place.bash(&format!("{peer} org.freedesktop.systemd1.Manager.{verb}Unit string:{unit}"))
    };
    for unit in ["a.service", "own.slice"] {
        assert_eq!(place.property(unit, "CanFreeze"), "yes", "{unit}");
        ask("Freeze", unit).good();
        assert_eq!(state(unit), "frozen");
        ask("Thaw", unit).good();
        assert_eq!(state(unit), "running");
    }
    // A socket has no processes to freeze: all or nothing.
    assert_eq!(place.property("mixed.slice", "CanFreeze"), "no");
    ask("Freeze", "mixed.slice").good();
    assert_eq!(state("mixed.slice"), "running");
    for (unit, why) in [
        ("down.service", "Unit is inactive."),
        ("slow.service", "Unit has a pending job."),
        ("mixed.socket", "Unit 'mixed.socket' does not support freezing."),
        ("init.scope", "Access denied"),
    ] {
        let refused = ask("Freeze", unit);
        assert!(refused.code != 0 && refused.err.contains(why), "{unit}: {}", refused.err);
    }
}

#[test]
fn what_is_to_be_done_thaws() {
    if !needs::root() || !needs::control_groups() || !needs::message_bus() {
        return;
    }
    let place = Place::system()
        .unit("a.service", "[Service]\nExecReload=/bin/true\nExecStop=/bin/true\nExecStart=/bin/sleep 1000\n")
        .unit("ended.service", "[Service]\nExecStopPost=/bin/true\nExecStart=/bin/sleep 1000\n")
        .unit("in.service", "[Service]\nSlice=cold.slice\nExecStart=/bin/sleep 1000\n")
        .unit("late.service", "[Service]\nSlice=cold.slice\nExecStart=/bin/sleep 1000\n")
        .boot();
    let ask = |verb: &str, unit: &str| {
        let peer = "dbus-send --peer=unix:path=/run/systemd/private --print-reply /org/freedesktop/systemd1";
        place.bash(&format!("{peer} org.freedesktop.systemd1.Manager.{verb}Unit string:{unit}")).good();
    };
    let frozen = |unit: &str| place.property(unit, "FreezerState");
    place.systemctl(&["start", "a.service", "ended.service", "in.service"]).good();
    for verb in ["reload", "restart"] {
        ask("Freeze", "a.service");
        assert_eq!(frozen("a.service"), "frozen");
        place.systemctl(&[verb, "a.service"]).good();
        assert_eq!(
            (frozen("a.service").as_str(), place.state("a.service").as_str()),
            ("running", "active/running"),
            "{verb}"
        );
    }
    ask("Freeze", "a.service");
    place.systemctl(&["stop", "a.service"]).good();
    assert_eq!(place.property("a.service", "Result"), "success");
    // What stands still can be killed, and its ExecStopPost= runs.
    ask("Freeze", "ended.service");
    place.systemctl(&["kill", "-s", "KILL", "ended.service"]).good();
    place.wait_state("ended.service", "failed/failed");
    // Nothing is born where it would stand still at once: the supervisor would wait for it.
    ask("Freeze", "cold.slice");
    assert_ne!(place.systemctl(&["start", "late.service"]).code, 0);
    assert_eq!(place.property("late.service", "Result"), "resources");
    ask("Thaw", "cold.slice");
    place.systemctl(&["start", "late.service"]).good();
    assert_eq!(place.state("in.service"), "active/running");
}
