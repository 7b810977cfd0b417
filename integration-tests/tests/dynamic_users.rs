//! `DynamicUser=`: who a service runs as, where its directories are, and what becomes of both; as in systemd.

use integration_tests::{Place, needs};

const HELD: &str =
    "[Service]\nDynamicUser=yes\nStateDirectory=held\nRuntimeDirectory=held\nExecStart=/bin/sleep 1000\n";

#[test]
fn for_the_time_of_a_run() {
    if !needs::root() || !needs::control_groups() {
        return;
    }
    for place in Place::both() {
        let place = place.unit("held.service", HELD).boot();
        place.bash("mount -t tmpfs -o mode=755 none /var/lib").good();
        place.systemctl(&["start", "held.service"]).good();
        let pid = place.property("held.service", "MainPID");
        let uid: u32 = place.bash(&format!("stat -c %u /proc/{pid}")).out.parse().expect("a number");
        assert!((61184..=65519).contains(&uid), "{uid}");
        assert_eq!(place.property("held.service", "UID"), uid.to_string());
        for (path, wanted) in [
            ("/var/lib/held", "symbolic link 0 777".to_owned()),
            ("/var/lib/private", "directory 0 700".to_owned()),
            ("/var/lib/private/held", format!("directory {uid} 755")),
            ("/run/held", format!("directory {uid} 755")),
        ] {
            assert_eq!(place.run(&["stat", "-c", "%F %u %a", path]).out, wanted, "{path}");
        }
        place.bash("echo mine >/var/lib/held/file").good();
        place.systemctl(&["restart", "held.service"]).good();
        assert_eq!(place.property("held.service", "UID"), uid.to_string(), "the same again");
        place.systemctl(&["stop", "held.service"]).good();
        assert_eq!(place.bash("cat /var/lib/held/file; test -e /run/held").code, 1);
        // No dynamic user any more: the directory moves back, and is root's.
        place.bash("sed -i /DynamicUser/d /usr/lib/systemd/system/held.service").good();
        place.systemctl(&["daemon-reload"]).good();
        place.systemctl(&["start", "held.service"]).good();
        assert_eq!(place.run(&["stat", "-c", "%F %u", "/var/lib/held"]).out, "directory 0");
        assert_eq!(place.bash("cat /var/lib/held/file; test -e /var/lib/private/held").code, 1);
    }
}

#[test]
fn a_supervisor_that_is_killed_keeps_the_user() {
    if !needs::root() {
        return;
    }
    let place = Place::system().unit("held.service", HELD).unit("other.service", &HELD.replace("held", "other")).boot();
    place.bash("mount -t tmpfs -o mode=755 none /var/lib").good();
    place.systemctl(&["start", "held.service", "other.service"]).good();
    let uid = place.property("held.service", "UID");
    assert_ne!(uid, place.property("other.service", "UID"));
    place.kill_daemon("process-supervisor");
    place.wait_state("held.service", "active/running");
    assert_eq!(place.property("held.service", "UID"), uid);
    let users = || place.bash("ls /run/systemd/dynamic-uid").out.lines().count();
    assert_eq!(users(), 2);
    place.systemctl(&["stop", "held.service"]).good();
    assert_eq!(users(), 1);
    // Somebody who is there anyway stays who he is.
    let unit = "[Service]\nType=oneshot\nDynamicUser=yes\nUser=daemon\nExecStart=/bin/sh -c 'id -u >/run/who'\n";
    place.bash(&format!("printf \"{}\" >/run/systemd/system/fixed.service", unit.replace('\n', "\\n"))).good();
    // It may write to nothing but its own: /run is not.
    place.systemctl(&["daemon-reload"]).good();
    place.systemctl(&["start", "fixed.service"]);
    assert_eq!(place.property("fixed.service", "UID"), "1");
    assert_eq!(users(), 1);
}
