//! Which devices a service may use (`DeviceAllow=`, `DevicePolicy=`, `PrivateDevices=`): as in systemd, over a daemon-reload
//! and the death of the supervisor, and what is said where the kernel does not help.

use std::time::Duration;

use integration_tests::{Place, needs, wait};

/// Says which of some devices can be opened to read and to write: `null:rw zero:r- kmsg:--`.
const TRIES: &str = "for d in null zero full kmsg; do r=-; w=-; true 2>/dev/null </dev/$d && r=r; \
                     true 2>/dev/null >/dev/$d && w=w; printf \"$d:$r$w \"; done; echo";

fn unit(settings: &str) -> String {
    let tries = TRIES.replace('$', "$$").replace('"', "\\\"");
    format!("[Service]\nType=oneshot\n{settings}\nExecStart=/bin/bash -c \"{{ {tries}; }} >>/run/seen\"\n")
}

/// What a service saw that was started.
fn seen(place: &Place, unit: &str) -> String {
    place.bash(": >/run/seen").good();
    place.systemctl(&["start", unit]).good();
    place.lines("/run/seen").concat().trim_end().to_owned()
}

#[test]
fn rules() {
    if !needs::root() || !needs::control_groups() {
        return;
    }
    for place in Place::both() {
        let cases = [
            ("open", "", "null:rw zero:rw full:rw kmsg:rw"),
            ("closed", "DevicePolicy=closed", "null:rw zero:rw full:rw kmsg:--"),
            ("list", "DeviceAllow=/dev/kmsg w", "null:rw zero:rw full:rw kmsg:-w"),
            (
                "strict",
                "DevicePolicy=strict\nDeviceAllow=/dev/null\nDeviceAllow=/dev/zero r",
                "null:rw zero:r- full:-- kmsg:--",
            ),
            (
                "group",
                "DevicePolicy=strict\nDeviceAllow=/dev/null\nDeviceAllow=char-mem r",
                "null:rw zero:r- full:r- kmsg:r-",
            ),
            (
                "number",
                "DevicePolicy=strict\nDeviceAllow=/dev/null\nDeviceAllow=/dev/char/1:7 w",
                "null:rw zero:-- full:-w kmsg:--",
            ),
            ("private", "PrivateDevices=yes", "null:rw zero:rw full:rw kmsg:--"),
            ("below", "Slice=tight.slice", "null:rw zero:r- full:-- kmsg:--"),
        ];
        let slice = "[Slice]\nDevicePolicy=strict\nDeviceAllow=/dev/null\nDeviceAllow=/dev/zero r\n";
        let place = cases.iter().fold(place.unit("tight.slice", slice), |place, (name, settings, _)| {
            place.unit(&format!("{name}.service"), &unit(settings))
        });
        let place = place.boot();
        for (name, _, wanted) in cases {
            // Opening for writing only is what makes /dev/full complain later.
            assert_eq!(seen(&place, &format!("{name}.service")), wanted, "{name}");
        }
    }
}

#[test]
fn changes_count_for_what_runs() {
    if !needs::root() || !needs::control_groups() {
        return;
    }
    let stays = format!(
        "[Service]\nDeviceAllow=/dev/zero r\nExecReload=/bin/bash -c \"{{ {}; }} >>/run/seen\"\nExecStart=/bin/sleep 1000\n",
        TRIES.replace('$', "$$").replace('"', "\\\"")
    );
    let place = Place::system().unit("a.service", &stays).boot();
    place.systemctl(&["start", "a.service"]).good();
    let sees = |wanted: &str| {
        place.bash(": >/run/seen").good();
        place.systemctl(&["reload", "a.service"]).good();
        assert_eq!(place.lines("/run/seen").concat().trim_end(), wanted);
    };
    sees("null:rw zero:rw full:rw kmsg:--");
    place.kill_daemon("process-supervisor");
    sees("null:rw zero:rw full:rw kmsg:--");
    place.bash("sed -i s,DeviceAllow=.*,DeviceAllow=/dev/kmsg, /usr/lib/systemd/system/a.service").good();
    place.systemctl(&["daemon-reload"]).good();
    sees("null:rw zero:rw full:rw kmsg:rw");
    place.systemctl(&["set-property", "--runtime", "a.service", "DevicePolicy=strict", "DeviceAllow=/dev/null"]).good();
    sees("null:rw zero:-- full:-- kmsg:rw");
    place.bash("rm -r /run/systemd/system.control; sed -i /DeviceAllow/d /usr/lib/systemd/system/a.service").good();
    place.systemctl(&["daemon-reload"]).good();
    sees("null:rw zero:rw full:rw kmsg:rw");
}

#[test]
fn a_kernel_that_refuses() {
    if !needs::root() || !needs::control_groups() {
        return;
    }
    let place = Place::system()
        .unit("a.service", &(unit("DevicePolicy=strict\nDeviceAllow=/dev/null") + "ExecStart=/bin/true\n"))
        .boot();
    let supervisor = place.inner_bin().join("process-supervisor");
    let run = |with: &str| {
        place.bash(": >/run/seen").good();
        let done = place.bash(&format!("{with} {} run --runtime-dir /run/alone a.service", supervisor.display()));
        assert_eq!(done.code, 0, "{}", done.err);
        let seen = place.lines("/run/seen").concat().trim_end().to_owned();
        let told = done.err.lines().filter(|line| line.contains("DeviceAllow=")).map(str::to_owned);
        (seen, told.collect::<Vec<_>>())
    };
    let group = "g=$(findmnt -n -t cgroup2 -o TARGET | tail -n 1)/alone; mkdir -p $g; echo $$ >$g/cgroup.procs; \
                 export QUINTET_CGROUP_ROOT=$g;";
    let (seen, told) = run(group);
    assert_eq!((seen.as_str(), told.len()), ("null:rw zero:-- full:-- kmsg:--", 0));
    // What a container leaves of root, mostly.
    let (seen, told) = run(&format!("{group} setpriv --bounding-set=-sys_admin,-bpf --inh-caps=-sys_admin,-bpf"));
    assert_eq!(seen, "null:rw zero:rw full:rw kmsg:rw");
    assert!(told.len() == 1 && told[0].contains("the kernel refuses the BPF program"), "{told:?}");
    let (seen, told) = run("");
    assert_eq!(seen, "null:rw zero:rw full:rw kmsg:rw");
    assert!(told.len() == 1 && told[0].contains("has no effect"), "{told:?}");
    // The same as a warning of the whole.
    let place = Place::system().no_cgroup().unit("b.service", &unit("DeviceAllow=/dev/zero")).boot();
    place.systemctl(&["start", "b.service"]).good();
    assert!(wait::until(Duration::from_secs(10), || place.log().contains("DeviceAllow= has no effect")));
}
