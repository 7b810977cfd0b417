//! Hotplug without privileges, and when something is wrong with udev: events are lost, udevd dies, or is elsewhere.

use integration_tests::{Place, needs, signal, wait};

const DEVICE: &str = "sys-subsystem-net-devices-gamelink0.device";
const BOUND: &str = "[Unit]\nBindsTo=sys-subsystem-net-devices-gamelink0.device\n\
    After=sys-subsystem-net-devices-gamelink0.device\n[Service]\nExecStart=/bin/sleep 1000\n";
const ONCE: &str = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n";
const PLUG: &str = "ip link add gamelink0 type veth peer name gamelink0p && udevadm settle";
const UNPLUG: &str = "ip link del gamelink0 && udevadm settle";

#[test]
fn a_user_manager_follows_devices() {
    if !needs::network_devices() {
        return;
    }
    let place = Place::user()
        .udev()
        .unit("bound.service", BOUND)
        .unit(&format!("{DEVICE}.wants/bound.service"), "")
        .unit("systems.service", ONCE)
        .unit("users.service", ONCE)
        .unit("users@.service", ONCE)
        .boot();
    assert_eq!(place.bash("id -u").good(), "65534");
    let rule = r#"SUBSYSTEM=="net", KERNEL=="gamelink0", ENV{SYSTEMD_WANTS}="systems.service", ENV{SYSTEMD_USER_WANTS}="users.service users@.service""#;
    let file = "/run/udev/rules.d/99-zz-user.rules";
    place.as_root(&format!("echo '{rule}' >{file} && udevadm control --reload && {PLUG}")).good();
    place.wait_state("bound.service", "active/running");
    place.wait_state("users.service", "active/exited");
    place.wait_state("users@sys-devices-virtual-net-gamelink0.service", "active/exited");
    assert_eq!(place.state("systems.service"), "inactive/dead", "SYSTEMD_WANTS= is for the system's manager");
    assert_eq!(place.state(DEVICE), "active/plugged");
    place.as_root(UNPLUG).good();
    place.wait_state("bound.service", "inactive/dead");
    place.wait_state(DEVICE, "inactive/dead");
}

/// Sends well-formed events of no device, as root may, more than a receiver's buffer holds.
const FLOOD: &str = r#"
import socket, struct
def message(n):
    p = b"ACTION=change\0DEVPATH=/devices/virtual/net/flood%d\0SUBSYSTEM=net\0SEQNUM=9\0TAGS=:systemd:\0CURRENT_TAGS=:systemd:\0" % n
    return b"libudev\0" + struct.pack(">I", 0xfeedcafe) + struct.pack("=III", 40, 40, len(p)) + b"\0" * 8 + b"\xff" * 8 + p
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15)
for n in range(20000):
    try: s.sendto(message(n % 50), (0, 2))
    except OSError: pass
"#;

#[test]
fn lost_events_are_made_up_for() {
    if !needs::network_devices() {
        return;
    }
    // A user's daemon: what the kernel queues for it is limited, unlike for root.
    let place = Place::user()
        .udev()
        .unit("bound.service", BOUND)
        .unit(&format!("{DEVICE}.wants/bound.service"), "")
        .unit("other.service", &BOUND.replace("gamelink0", "gamelink1"))
        .unit("sys-subsystem-net-devices-gamelink1.device.wants/other.service", "")
        .boot();
    if place.run(&["/usr/bin/python3", "--version"]).code != 0 {
        return println!("SKIPPED: needs python3");
    }
    place.as_root(PLUG).good();
    place.wait_state("bound.service", "active/running");
    let main = place.property("bound.service", "InvocationID");
    let watcher = place.daemon("device-watcher");
    signal(watcher, "STOP");
    place.as_root(&format!("/usr/bin/python3 - <<'END'\n{FLOOD}\nEND")).good();
    // These events are lost.
    place.as_root(&format!("{UNPLUG}; ip link add gamelink1 type veth peer name gamelink1p && udevadm settle")).good();
    signal(watcher, "CONT");
    place.wait_state("other.service", "active/running");
    place.wait_state("bound.service", "inactive/dead");
    place.wait_state(DEVICE, "inactive/dead");
    assert!(place.log().contains("the kernel dropped device events"), "so many that some had to be dropped");
    assert_eq!(place.daemon("device-watcher"), watcher);
    assert!(
        !place.bash("/run/place/bin/device-watcher --user list").good().contains("flood"),
        "what isn't there is gone"
    );
    // Started once, and once more for the next plug.
    let first = place.property("other.service", "InvocationID");
    place.as_root(PLUG).good();
    place.wait_state("bound.service", "active/running");
    assert_ne!(place.property("bound.service", "InvocationID"), main);
    assert_eq!(place.property("other.service", "InvocationID"), first);
}

#[test]
fn udevd_ends_and_comes_back() {
    if !needs::network_devices() {
        return;
    }
    let place = Place::system().udev().unit("bound.service", BOUND).boot();
    place.systemctl(&["start", "--no-block", "bound.service"]).good();
    let told = |text: &str| place.log().matches(text).count();
    let gone = "nobody in this network namespace listens";
    assert_eq!(told(gone), 0);
    // It leaves its socket behind.
    place.bash("udevadm control --exit").good();
    wait::equal("true", || (told(gone) > 0).to_string());
    wait::equal("true", || (told("Waiting for a device that may never come") > 0).to_string());
    assert!(place.bash("device-watcher list").err.contains(gone));
    place.bash(&format!("/lib/systemd/systemd-udevd --daemon && {PLUG}")).good();
    place.wait_state("bound.service", "active/running");
    assert!(!place.bash("device-watcher list").err.contains(gone));
    // Killed with its workers, in the middle of something or not; devices stay what they are.
    place.bash("kill -9 $(pgrep -x systemd-udevd)").good();
    wait::equal("true", || place.bash("device-watcher list").err.contains(gone).to_string());
    assert_eq!(place.state("bound.service"), "active/running");
    place.bash("ip link del gamelink0").good();
    place.bash("/lib/systemd/systemd-udevd --daemon && udevadm settle").good();
    place.bash("ip link add gamelink1 type veth peer name gamelink1p && udevadm settle").good();
    place.wait_state("sys-subsystem-net-devices-gamelink1.device", "active/plugged");
    // What vanished while no udevd ran is noticed too.
    place.wait_state("bound.service", "inactive/dead");
    place.wait_state(DEVICE, "inactive/dead");
}

#[test]
fn events_of_another_network_namespace_do_not_come() {
    if !needs::network_devices() {
        return;
    }
    let place = Place::system().udev().boot();
    let line = "echo $$ >/run/far.pid; exec unshare --net device-watcher --runtime-dir=/run/far serve";
    let mut far = place.spawn(line);
    wait::equal("true", || place.bash("test -S /run/far/device-watcher.bus").code.eq(&0).to_string());
    let listed = place.bash("device-watcher --runtime-dir=/run/far list");
    assert!(listed.err.contains("another network namespace"), "{}", listed.err);
    assert!(!place.bash("device-watcher list").err.contains("namespace"), "here they come");
    place.bash("kill $(cat /run/far.pid)").good();
    let _ = far.wait();
}

#[test]
fn nothing_waits_for_a_device_where_none_can_come() {
    if !needs::root() {
        return;
    }
    let (needs_it, wants_it) = (
        "[Unit]\nRequires=dev-nope.device\nAfter=dev-nope.device\n[Service]\nExecStart=/bin/sleep 1000\n",
        "[Unit]\nWants=dev-nope.device\nAfter=dev-nope.device\n[Service]\nExecStart=/bin/sleep 1000\n",
    );
    let place =
        Place::system().read_only_sys().unit("needs-it.service", needs_it).unit("wants-it.service", wants_it).boot();
    let refused = place.systemctl(&["start", "needs-it.service"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("A dependency job for needs-it.service failed."), "{}", refused.err);
    let refused = place.systemctl(&["start", "dev-nope.device"]);
    assert_eq!(refused.err, "Operation on or unit type of dev-nope.device not supported on this system.");
    place.systemctl(&["start", "wants-it.service"]).good();
    let why = place.run(&["unitctl", "why", "dev-nope.device"]).good();
    assert!(why.contains("/sys is read-only"), "{why}");
}
