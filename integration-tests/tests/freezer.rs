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
