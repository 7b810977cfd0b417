//! Dependencies that can't be met, cycles and names at the limit: what systemd 252 does with the same units, as it was seen
//! there with the same commands. (On the ring of 10,000 units it dies; here the start is refused as for a ring of two.)

use std::fmt::Write;

use integration_tests::{Builder, Place, needs};

const SERVICE: &str = "[Service]\nExecStart=/bin/sleep 1000\n";

fn with(builder: Builder, name: &str, lines: &str) -> Builder {
    builder.unit(name, &format!("[Unit]\n{lines}\n{SERVICE}"))
}

#[test]
fn dependencies_on_units_that_cannot_be_used() {
    if !needs::root() {
        return;
    }
    let broken = "failed to load properly, please adjust/correct and reload service manager: Bad message";
    let targets = [
        ("masked", "is masked.", 1),
        ("bad", "has a bad unit file setting.", 1),
        ("broken", broken, 1),
        ("gone", "not found.", 5),
    ];
    let needed = ["Requires", "BindsTo", "Requisite"];
    let harmless = ["Wants", "PartOf", "After", "Conflicts", "Upholds", "OnFailure"];
    let mut place =
        Place::system().unit("bad.service", "[Service]\nType=simple\n").unit("broken.service", "[Service\nbroken");
    for (target, ..) in targets {
        for kind in needed.iter().chain(&harmless) {
            let lines = format!("{kind}={target}.service\nAfter={target}.service");
            place = with(place, &format!("{}-{target}.service", kind.to_lowercase()), &lines);
        }
    }
    let place = place.boot();
    place.bash("ln -s /dev/null /etc/systemd/system/masked.service").good();
    place.systemctl(&["daemon-reload"]).good();
    for (target, text, code) in targets {
        for kind in needed {
            let unit = format!("{}-{target}.service", kind.to_lowercase());
            let started = place.systemctl(&["start", &unit]);
            assert_eq!(started.code, code, "{unit}: {}", started.err);
            let expected = format!("Failed to start {unit}: Unit {target}.service {text}");
            assert_eq!(started.err.lines().next(), Some(expected.as_str()));
            assert_eq!(place.state(&unit), "inactive/dead");
        }
        for kind in harmless {
            let unit = format!("{}-{target}.service", kind.to_lowercase());
            place.systemctl(&["start", &unit]).good();
            assert_eq!(place.state(&unit), "active/running", "{unit}");
        }
        let started = place.systemctl(&["start", &format!("{target}.service")]);
        assert_eq!((started.code, started.err.contains(text)), (code, true), "{target}: {}", started.err);
    }
}

#[test]
fn dependencies_on_itself_are_left_out() {
    if !needs::root() {
        return;
    }
    let kinds = [
        "Requires",
        "Wants",
        "BindsTo",
        "Requisite",
        "PartOf",
        "Conflicts",
        "Before",
        "After",
        "Upholds",
        "OnFailure",
        "PropagatesStopTo",
        "PropagatesReloadTo",
        "JoinsNamespaceOf",
    ];
    let mut place = Place::system();
    for kind in kinds {
        let unit = format!("{}.service", kind.to_lowercase());
        place = with(place, &unit, &format!("{kind}={unit}"));
    }
    let place = place.boot();
    for kind in kinds {
        let unit = format!("{}.service", kind.to_lowercase());
        for verb in ["start", "restart"] {
            place.systemctl(&[verb, &unit]).good();
            assert_eq!(place.state(&unit), "active/running", "{verb} {unit}");
        }
        let listed = place.property(&unit, kind);
        assert!(!listed.split_whitespace().any(|other| other == unit), "{kind}: {listed}");
        place.systemctl(&["stop", &unit]).good();
        assert_eq!(place.state(&unit), "inactive/dead", "{unit}");
    }
}

#[test]
fn cycles_of_any_length() {
    if !needs::root() {
        return;
    }
    let mut place = Place::system();
    place = with(place, "a.service", "Requires=b.service\nAfter=b.service");
    place = with(place, "b.service", "Requires=a.service\nAfter=a.service");
    let place = place.boot();
    let mut script = String::from("cd /run/systemd/system\n");
    let _ = write!(
        script,
        "for i in $(seq 0 9999); do n=$(((i + 1) % 10000)); \
         printf \"[Unit]\\nRequires=r$n.service\\nAfter=r$n.service\\n[Service]\\nExecStart=/bin/true\\n\" >r$i.service; done"
    );
    place.bash(&script).good();
    place.systemctl(&["daemon-reload"]).good();
    for (unit, edges) in [("a.service", 2), ("r0.service", 10_000)] {
        let started = place.systemctl(&["start", unit]);
        assert_eq!(started.code, 1);
        let text = format!("Failed to start {unit}: Transaction order is cyclic. See system logs for details.");
        assert_eq!(started.err.lines().next(), Some(text.as_str()));
        let status = place.bash(&format!("unitctl status {unit}")).out;
        assert_eq!(status.matches(" runs before ").count(), edges, "the whole cycle is shown");
    }
    assert_eq!(place.systemctl(&["list-jobs", "--no-legend"]).good(), "");
}

#[test]
fn names_at_the_limit_and_beyond() {
    if !needs::root() {
        return;
    }
    let (longest, beyond) = (format!("{}.service", "x".repeat(247)), format!("{}.service", "x".repeat(248)));
    let wants = format!("Wants={longest} {beyond} ok.service no-type a/b.service t@.service sp\\x20ace.service");
    let place = Place::system();
    let place = with(place, "wants.service", &wants);
    let place = place.unit("ok.service", SERVICE).unit(&longest, SERVICE).unit("t@.service", SERVICE).boot();
    place.systemctl(&["start", "wants.service"]).good();
    for unit in [&longest, "ok.service", "t@wants.service"] {
        place.wait_state(unit, "active/running");
    }
    let mut listed: Vec<String> =
        place.property("wants.service", "Wants").split_whitespace().map(str::to_owned).collect();
    listed.sort();
    assert_eq!(listed, ["\"sp\\\\x20ace.service\"", "ok.service", "t@wants.service", &longest]);
    place.systemctl(&["stop", &longest]).good();

    // systemctl takes a name that is too long for one without a type.
    for (unit, name, why) in [
        (&*beyond, format!("{beyond}.service"), "is not valid."),
        ("t@.service", "t@.service".to_owned(), "is missing the instance name."),
    ] {
        let started = place.systemctl(&["start", unit]);
        assert_eq!(started.code, 1, "{}", started.err);
        let text = format!("Failed to start {name}: Unit name {name} {why}");
        assert_eq!(started.err.lines().next(), Some(text.as_str()));
        let shown = place.systemctl(&["show", unit]);
        let text =
            format!("Failed to get properties: Unit name {name} is neither a valid invocation ID nor unit name.");
        assert_eq!((shown.code, shown.err), (1, text));
    }
}

#[test]
fn files_that_vanish_between_load_and_start() {
    if !needs::root() {
        return;
    }
    let place = Place::system().boot();
    let script = "cd /run/systemd/system; printf '[Service]\\nExecStart=/bin/sleep 1000\\n' | tee one.service >two.service
        printf '[Unit]\\nRequires=one.service\\nAfter=one.service\\n[Service]\\nExecStart=/bin/sleep 1000\\n' >needs.service";
    place.bash(script).good();
    place.systemctl(&["start", "needs.service", "two.service"]).good();

    // What is loaded goes on, and is loaded until somebody reloads.
    place.bash("rm /run/systemd/system/one.service; ln -sf /dev/null /run/systemd/system/two.service").good();
    place.systemctl(&["restart", "one.service"]).good();
    assert_eq!(place.state("needs.service"), "active/running");

    place.systemctl(&["daemon-reload"]).good();
    for (unit, text, code) in
        [("one.service", "Unit one.service not found.", 5), ("two.service", "Unit two.service is masked.", 1)]
    {
        assert_eq!(place.state(unit), "active/running", "what runs goes on");
        let again = place.systemctl(&["restart", unit]);
        assert_eq!(again.code, code, "{}", again.err);
        assert!(again.err.contains(text), "{}", again.err);
        assert_eq!(place.state(unit), "active/running");
        place.systemctl(&["stop", unit]).good();
    }
    assert_eq!(place.state("needs.service"), "inactive/dead", "stopped along");
    let started = place.systemctl(&["start", "needs.service"]);
    assert_eq!(started.code, 5, "{}", started.err);
    assert!(started.err.contains("Unit one.service not found."), "{}", started.err);
}
