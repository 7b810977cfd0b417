//! What is planned is what then happens; what is simulated doesn't happen.

use integration_tests::{Place, needs, wait};
use serde_json::Value;

fn service(unit: &str) -> String {
    format!("[Unit]\n{unit}\n[Service]\nExecStart=/bin/sleep infinity\n")
}

/// `unitctl --json` of these words.
fn json(place: &Place, words: &str) -> Vec<Value> {
    let text = place.bash(&format!("unitctl --json {words}")).good();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn told(entries: &[Value], unit: &str, change: &str) -> bool {
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    entries.iter().any(|entry| text(entry, "unit") == unit && text(entry, "change").contains(change))
}

#[test]
fn a_plan_equals_what_then_happens() {
    if !needs::root() {
        return;
    }
    let place = Place::system()
        .unit("top.service", &service("Wants=one.service missing.service\nRequires=two.service\nConflicts=old.service"))
        .unit("one.service", &service(""))
        .unit("two.service", &service("After=one.service"))
        .unit("old.service", &service(""))
        .boot();
    place.systemctl(&["start", "one.service", "old.service"]).good();

    let planned = json(&place, "plan start top.service");
    let fate = |unit: &str| {
        let job = planned.iter().find(|job| job["unit"] == unit).unwrap_or_else(|| panic!("{unit}: {planned:?}"));
        format!("{} {}", job["job_type"].as_str().unwrap_or_default(), job["fate"].as_str().unwrap_or_default())
    };
    assert_eq!(fate("top.service"), "start new");
    assert_eq!(fate("two.service"), "start new");
    assert_eq!(fate("one.service"), "start dropped");
    assert_eq!(fate("missing.service"), "start refused");
    assert_eq!(fate("old.service"), "stop new");
    let two = planned.iter().find(|job| job["unit"] == "two.service").expect("it is planned");
    let source = two["source"].as_str().unwrap_or_default();
    assert!(source.ends_with("top.service:3"), "{source}");
    for (unit, state) in [("top", "inactive/dead"), ("two", "inactive/dead"), ("old", "active/running")] {
        assert_eq!(place.state(&format!("{unit}.service")), state, "a plan changes nothing");
    }

    place.systemctl(&["start", "top.service"]).good();
    let queued = |unit: &str| {
        let why = json(&place, &format!("why {unit}"));
        told(&why, unit, "start job queued") || told(&why, unit, "stop job queued")
    };
    place.wait_state("old.service", "inactive/dead");
    for unit in ["top.service", "two.service"] {
        place.wait_state(unit, "active/running");
        assert!(queued(unit), "{unit}");
    }
    assert_eq!(place.state("one.service"), "active/running");

    let refused = place.bash("unitctl plan start missing.service");
    assert_eq!(refused.code, 5, "{}", refused.out);
    assert!(refused.out.contains("Unit missing.service not found."), "{}", refused.out);
}

#[test]
fn a_simulation_does_not_happen() {
    if !needs::root() {
        return;
    }
    let place = Place::system()
        .unit("base.service", &service("OnFailure=alarm.service"))
        .unit("bound.service", &service("BindsTo=base.service\nAfter=base.service"))
        .unit("alarm.service", &service(""))
        .boot();
    place.systemctl(&["start", "bound.service"]).good();
    let entries = json(&place, "simulate exit base.service SIGKILL");
    assert!(told(&entries, "base.service", "failed (failed), result signal"), "{entries:?}");
    assert!(told(&entries, "bound.service", "-> inactive (dead)"), "{entries:?}");
    assert!(told(&entries, "alarm.service", "-> active (running)"), "{entries:?}");
    for (unit, state) in [("base", "active/running"), ("bound", "active/running"), ("alarm", "inactive/dead")] {
        assert_eq!(place.state(&format!("{unit}.service")), state);
    }
    // Then it does happen.
    place.systemctl(&["kill", "--signal=SIGKILL", "base.service"]).good();
    place.wait_state("bound.service", "inactive/dead");
    place.wait_state("alarm.service", "active/running");
    assert_eq!(place.state("base.service"), "failed/failed");
}

#[test]
fn why_tells_of_a_job_without_a_change() {
    if !needs::root() {
        return;
    }
    let device = "dev-never.device";
    let place = Place::system()
        .unit("dev.service", &service(&format!("Requires={device}\nAfter={device}")))
        .unit(device, "[Unit]\nJobTimeoutSec=1\n")
        .boot();
    assert_eq!(place.systemctl(&["start", "dev.service"]).code, 1);
    let ended = || told(&json(&place, "why dev.service"), "dev.service", "ended: dependency").to_string();
    wait::equal("true", ended);
    place.kill_daemon("unit-broker");
    wait::equal("true", ended);
}

#[test]
fn status_shows_the_cycle_for_which_a_unit_does_not_run() {
    if !needs::root() {
        return;
    }
    let place = Place::system()
        .unit("all.target", "[Unit]\nWants=one.service two.service\n")
        .unit("one.service", &service("After=two.service"))
        .unit("two.service", &service("After=one.service"))
        .boot();
    place.systemctl(&["start", "all.target"]).good();
    let down = if place.state("one.service") == "inactive/dead" { "one.service" } else { "two.service" };
    let status = || place.bash(&format!("unitctl status {down}")).out;
    let both = |text: &str| {
        text.contains("Cycle: Ordering cycle found")
            && text.contains("one.service start runs before two.service start (/lib/systemd/system/two.service:2)")
            && text.contains("two.service start runs before one.service start (/lib/systemd/system/one.service:2)")
    };
    assert!(both(&status()), "{}", status());
    // Other things happen to it, more than are kept of a unit; none of them is why it doesn't run.
    for _ in 0..15 {
        place.systemctl(&["stop", down]).good();
    }
    place.systemctl(&["daemon-reload"]).good();
    place.kill_daemon("unit-broker");
    assert!(both(&status()), "{}", status());
    place.systemctl(&["start", down]).good();
    place.systemctl(&["stop", down]).good();
    assert!(!status().contains("Cycle:"), "{}", status());
}
