//! What a service finds and leaves: its directories, its home, its control groups, the signals it gets. As in systemd.

use integration_tests::{Place, needs, wait};

#[test]
fn directories_have_the_owner_that_the_unit_names() {
    if !needs::root() || !needs::control_groups() {
        return;
    }
    let unit = |name: &str, settings: &str| {
        format!("[Service]\nType=oneshot\nStateDirectory={name}\n{settings}\nExecStart=/bin/true\n")
    };
    for place in Place::both() {
        let place = place
            .unit("root.service", &unit("root", ""))
            .unit("group.service", &unit("group", "Group=daemon"))
            .unit("user.service", &unit("user", "User=daemon"))
            .unit(
                "plus.service",
                &unit("plus", "User=daemon\nExecStartPre=+/bin/sh -c 'stat -c %%u /var/lib/plus >/run/plus'"),
            )
            .boot();
        place.bash("mount -t tmpfs -o mode=755 none /var/lib").good();
        for (name, wanted) in [("root", "0:0"), ("group", "0:1"), ("user", "1:1"), ("plus", "1:1")] {
            let directory = format!("/var/lib/{name}");
            place.bash(&format!("mkdir {directory}; touch {directory}/file; chown -R 1000:1000 {directory}")).good();
            place.systemctl(&["start", &format!("{name}.service")]).good();
            let owners = place.run(&["stat", "-c", "%u:%g", &directory, &format!("{directory}/file")]).out;
            assert_eq!(owners, format!("{wanted}\n{wanted}"), "{name}");
        }
        assert_eq!(place.lines("/run/plus"), ["1"]);
    }
}

#[test]
fn a_home_for_those_without() {
    if !needs::root() || !needs::control_groups() {
        return;
    }
    let says = "ExecStart=/bin/sh -c 'echo %N $$HOME $$PWD >>/run/seen'\n";
    for place in Place::both() {
        let place = place
            .unit("nobody.service", &format!("[Service]\nType=oneshot\nUser=nobody\nWorkingDirectory=~\n{says}"))
            .unit("elsewhere.service", &format!("[Service]\nType=oneshot\nUser=nobody\n{says}"))
            .boot();
        place.bash("mount -t tmpfs -o mode=755 none /root; : >/run/seen; chmod 666 /run/seen").good();
        place.systemctl(&["start", "nobody.service"]).good();
        place.systemctl(&["start", "elsewhere.service"]).good();
        assert_eq!(place.lines("/run/seen"), ["nobody /root /root", "elsewhere /"]);
    }
}

#[test]
fn control_groups_made_below_go_as_well() {
    if !needs::root() || !needs::control_groups() {
        return;
    }
    let makes = "c=$$(findmnt -n -t cgroup2 -o TARGET | tail -n 1)$$(sed -n s/^0:://p /proc/self/cgroup); \
                 mkdir -p $$c/a/b; sleep 1000 & echo $! >$$c/a/b/cgroup.procs; echo $$$$ >$$c/a/cgroup.procs; exec sleep 1000";
    for place in Place::both() {
        let place =
            place.unit("a.service", &format!("[Service]\nDelegate=yes\nExecStart=/bin/bash -c '{makes}'\n")).boot();
        // Nothing else mentions the unit: it is forgotten as soon as it is down.
        place.systemctl(&["start", "a.service"]).good();
        let mount = place.bash("findmnt -n -t cgroup2 -o TARGET | tail -n 1").out;
        let group = format!("{mount}{}", place.property("a.service", "ControlGroup"));
        wait::equal("0", || {
            place.bash(&format!("cd {group} && find . -name b; echo $?")).out.lines().last().unwrap_or("").to_owned()
        });
        place.systemctl(&["stop", "a.service"]).good();
        wait::equal("1", || place.run(&["test", "-e", &group]).code.to_string());
    }
}

#[test]
fn a_signal_that_was_asked_for_comes_alone() {
    if !needs::root() || !needs::control_groups() {
        return;
    }
    let hears = "for s in USR1 CONT TERM; do trap \"echo $$s >>/run/heard\" $$s; done; trap \"echo TERM >>/run/heard; exit\" TERM; \
                 echo ready >>/run/heard; while :; do sleep 0.05; done";
    for place in Place::both() {
        let place = place.unit("a.service", &format!("[Service]\nExecStart=/bin/bash -c '{hears}'\n")).boot();
        place.systemctl(&["start", "a.service"]).good();
        let heard = || place.lines("/run/heard").join(" ");
        wait::equal("ready", heard);
        place.systemctl(&["kill", "-s", "USR1", "a.service"]).good();
        wait::equal("ready USR1", heard);
        place.systemctl(&["stop", "a.service"]).good();
        let heard = heard();
        assert!(heard.starts_with("ready USR1 ") && heard.contains("TERM"), "{heard}");
    }
}

#[test]
fn what_is_left_behind_can_be_killed() {
    if !needs::root() || !needs::control_groups() {
        return;
    }
    for place in Place::both() {
        let leaves = "[Service]\nKillMode=process\nExecStart=/bin/sh -c 'sleep 1000 & exit 0'\n";
        let place = place.unit("a.service", leaves).boot();
        place.systemctl(&["start", "a.service"]).good();
        place.wait_state("a.service", "inactive/dead");
        let left = || place.bash("pgrep -x sleep | wc -l").out;
        assert_eq!(left(), "1");
        place.systemctl(&["kill", "a.service"]).good();
        wait::equal("0", left);
    }
}

#[test]
fn the_host_name_is_protected_in_its_files_too() {
    if !needs::root() || !needs::control_groups() {
        return;
    }
    let tries = "ProtectHostname=yes\nPrivateTmp=yes\nExecStart=/bin/sh -c 'test -w /proc/sys/kernel/hostname || echo kept >/run/seen'\n";
    for place in Place::both() {
        let place = place.unit("a.service", &format!("[Service]\nType=oneshot\n{tries}")).boot();
        place.systemctl(&["start", "a.service"]).good();
        assert_eq!(place.lines("/run/seen"), ["kept"]);
    }
}

#[test]
fn another_root_has_what_programs_expect() {
    if !needs::root() || !needs::control_groups() {
        return;
    }
    let checks =
        "test -c /dev/null && test -d /proc/self && test -d /sys/kernel && systemd-notify --ready; exec sleep 1000";
    let unit = format!(
        "[Service]\nType=notify\nNotifyAccess=all\nTimeoutStartSec=5\nRootDirectory=/tmp/other\n\
         BindReadOnlyPaths=/usr /bin /lib -/lib64\nExecStart=/bin/sh -c '{checks}'\n"
    );
    for place in Place::both() {
        let place = place.unit("a.service", &unit).boot();
        place.bash("mkdir -p /tmp/other/usr /tmp/other/bin /tmp/other/lib /tmp/other/lib64").good();
        place.systemctl(&["start", "a.service"]).good();
        assert_eq!(place.property("a.service", "MountAPIVFS"), "yes");
        assert_eq!(place.bash("ls -A /tmp/other/proc").out, "", "the mounts are the service's own");
    }
}
