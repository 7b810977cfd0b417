//! The message bus: served there when it is there, whoever runs it, and again after either side was killed.

use integration_tests::{Place, needs, wait};

/// A system bus that allows nothing but what it must, and what our own policy allows.
const CONFIG: &str = r#"<busconfig>
    <type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
    <policy context="default">
        <allow user="*"/><deny own="*"/><deny send_type="method_call"/><allow send_type="signal"/>
        <allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/>
        <allow receive_type="method_call"/><allow receive_type="method_return"/>
        <allow receive_type="error"/><allow receive_type="signal"/>
        <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
        <deny send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.systemd1.Activator"/>
    </policy>
    <servicedir>/run/services</servicedir>
    <include>/run/quintet.conf</include>
</busconfig>"#;
const POLICY: &str = include_str!("../../dist/usr/share/dbus-1/system.d/quintet.conf");
const SOCKET: &str = "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/dbus/system_bus_socket\n";
const SERVICE: &str = "[Unit]\nDefaultDependencies=no\nRequires=dbus.socket\n[Service]\nExecStart=/usr/bin/dbus-daemon \
    --config-file=/run/bus.conf --address=systemd: --nofork --nopidfile --systemd-activation\n";

/// Writes the bus's configuration, and the files of two names that are started on demand.
fn configure(place: &Place) {
    let write = |path: &str, text: &str| place.bash(&format!("cat >{path} <<'END'\n{text}\nEND")).good();
    write("/run/bus.conf", CONFIG);
    write("/run/quintet.conf", POLICY);
    place.bash("mkdir -p /run/services").good();
    for (name, unit) in [("org.example.Missing", "missing.service"), ("org.example.Manual", "manual.service")] {
        let text = format!("[D-BUS Service]\nName={name}\nExec=/bin/false\nUser=root\nSystemdService={unit}\n");
        write(&format!("/run/services/{name}.service"), &text);
    }
}

/// PID of whoever has our name on the bus; empty without one. Asks nobody else, and doesn't start a bus.
fn owner(place: &Place) -> String {
    place
        .bash(
            "systemctl -q is-active dbus.service || pgrep -x dbus-daemon >/dev/null || exit 0; \
             busctl --system --json=short call org.freedesktop.DBus / org.freedesktop.DBus \
             GetConnectionUnixProcessID s org.freedesktop.systemd1 2>/dev/null | tr -dc 0-9",
        )
        .out
}

#[track_caller]
fn wait_served(place: &Place) {
    wait::equal(&place.bash("pgrep -x unit-broker").out, || owner(place));
}

/// A method of the manager over the bus, as nobody: the error's text, or nothing.
fn as_nobody(place: &Place, call: &str) -> String {
    let manager = "org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager";
    place.bash(&format!("setpriv --reuid=65534 --regid=65534 --clear-groups busctl call {manager} {call}")).err
}

#[test]
fn a_bus_of_our_own() {
    if !needs::root() || !needs::message_bus() {
        return;
    }
    let place = Place::system()
        .unit("dbus.socket", SOCKET)
        .unit("dbus.service", SERVICE)
        .unit("manual.service", "[Unit]\nRefuseManualStart=yes\n[Service]\nExecStart=/bin/sleep 9\n")
        .unit("brief.service", "[Service]\nExecStart=/bin/sh -c 'sleep 0.3; exit 7'\n")
        .boot();
    configure(&place);
    place.systemctl(&["start", "dbus.socket"]).good();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(place.state("dbus.service"), "inactive/dead", "whoever connects starts the bus; the manager doesn't");
    place.systemctl(&["start", "dbus.service"]).good();
    wait_served(&place);
    // These go over the bus only.
    let waited = place.systemctl(&["start", "--wait", "brief.service"]);
    assert_eq!(waited.code, 1, "{}", waited.err);
    assert_eq!(place.state("brief.service"), "failed/failed");
    assert_eq!(as_nobody(&place, "ListJobs"), "");
    assert_eq!(as_nobody(&place, "StartUnit ss brief.service replace"), "Call failed: Access denied");
    // What the bus asks for and can't be started is refused at once: the caller doesn't wait for a timeout.
    let start = "timeout 5 busctl call org.freedesktop.DBus / org.freedesktop.DBus StartServiceByName su";
    for (name, why) in [
        ("org.example.Missing", "Unit missing.service not found."),
        ("org.example.Manual", "Operation refused, unit manual.service may be requested by dependency only"),
    ] {
        let refused = place.bash(&format!("{start} {name} 0"));
        assert!(refused.err.contains(why), "{name}: {}", refused.err);
    }
    place.kill_daemon("unit-broker");
    wait_served(&place);
    place.bash("kill -9 $(pgrep -x dbus-daemon)").good();
    place.wait_state("dbus.service", "failed/failed");
    place.systemctl(&["start", "dbus.service"]).good();
    wait_served(&place);
}

#[test]
fn a_bus_of_somebody_else() {
    if !needs::root() || !needs::message_bus() {
        return;
    }
    let place = Place::system().boot();
    configure(&place);
    for _ in 0..2 {
        place.bash("mkdir -p /run/dbus && dbus-daemon --config-file=/run/bus.conf --fork --nopidfile").good();
        wait_served(&place);
        // Its socket stays behind, and nobody listens there any more.
        place.bash("kill -9 $(pgrep -x dbus-daemon)").good();
    }
}
