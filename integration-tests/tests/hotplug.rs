//! A real network device starts and stops what is bound to it.

use integration_tests::{Place, needs, wait};

const DEVICE: &str = "sys-subsystem-net-devices-gamelink0.device";
/// Bound to the device; notes its comings and goings.
const SERVICE: &str = "[Unit]\nDescription=Bound to a device\n\
    BindsTo=sys-subsystem-net-devices-gamelink0.device\nAfter=sys-subsystem-net-devices-gamelink0.device\n\
    [Service]\nExecStart=/bin/sh -c 'echo plugged >>/run/seen; trap \"echo unplugged >>/run/seen; exit 0\" TERM; \
    while :; do sleep 0.05; done'\n\
    [Install]\nWantedBy=sys-subsystem-net-devices-gamelink0.device\n";

#[test]
fn plugging_starts_and_unplugging_stops() {
    if !needs::network_devices() {
        return;
    }
    let place = Place::system().udev().unit("link.service", SERVICE).boot();
    let enabled = place.systemctl(&["enable", "link.service"]);
    assert_eq!(enabled.code, 0, "{}", enabled.err);
    assert!(enabled.err.contains(&format!("{DEVICE}.wants/link.service")), "{}", enabled.err);
    assert_eq!(place.state(DEVICE), "inactive/dead");

    for round in 1..=3 {
        place.plug("gamelink0");
        place.wait_state("link.service", "active/running");
        assert_eq!(place.state(DEVICE), "active/plugged");
        let listed = place.systemctl(&["list-units", "--plain", "--no-legend", "--type=device"]).good();
        let line = listed.lines().find(|line| line.starts_with(DEVICE)).expect("the device is listed");
        assert_eq!(line.split_whitespace().collect::<Vec<_>>()[1..4], ["loaded", "active", "plugged"]);
        assert!(listed.contains("sys-devices-virtual-net-gamelink0.device"));
        place.unplug("gamelink0");
        place.wait_state("link.service", "inactive/dead");
        place.wait_state(DEVICE, "inactive/dead");
        wait::equal("plugged unplugged ".repeat(round).trim_end(), || place.lines("/run/seen").join(" "));
    }
    assert_eq!(place.property("link.service", "Result"), "success");
}

#[test]
fn a_start_waits_for_the_device() {
    if !needs::network_devices() {
        return;
    }
    let place = Place::system().udev().unit("link.service", SERVICE).boot();
    place.systemctl(&["start", "--no-block", "link.service"]).good();
    wait::equal("link.service start waiting", || {
        let jobs = place.systemctl(&["list-jobs", "--no-legend"]).out;
        let job = |line: &str| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ");
        jobs.lines().map(job).find(|job| job.starts_with("link.service")).unwrap_or_default()
    });
    assert_eq!(place.state("link.service"), "inactive/dead");
    place.plug("gamelink0");
    place.wait_state("link.service", "active/running");
    assert_eq!(place.state(DEVICE), "active/plugged");
}

#[test]
fn a_renamed_device_changes_its_units() {
    if !needs::network_devices() {
        return;
    }
    let place = Place::system().udev().unit("link.service", SERVICE).boot();
    place.plug("gamelink0");
    place.wait_state(DEVICE, "active/plugged");
    place.systemctl(&["start", "link.service"]).good();
    place.run(&["ip", "link", "set", "gamelink0", "name", "other0"]).good();
    place.wait_state("link.service", "inactive/dead");
    place.wait_state("sys-subsystem-net-devices-other0.device", "active/plugged");
    assert_eq!(place.state(DEVICE), "inactive/dead");
}

#[test]
fn a_replayed_device_is_as_good() {
    let device = "sys-subsystem-net-devices-replayed0.device";
    let service = format!(
        "[Unit]\nBindsTo={device}\nAfter={device}\n[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy={device}\n"
    );
    let place =
        Place::user().unit("link.service", &service).config("device-watcher.toml", "allow_replay = true\n").boot();
    place.systemctl(&["enable", "link.service"]).good();
    place.systemctl(&["daemon-reload"]).good();
    let event = |action: &str| {
        format!(
            "{{\"event\":{{\"action\":\"{action}\",\"syspath\":\"/sys/devices/virtual/net/replayed0\",\"subsystem\":\"net\",\
             \"properties\":{{\"CURRENT_TAGS\":\":systemd:\",\"SYSTEMD_ALIAS\":\"/sys/subsystem/net/devices/replayed0\"}}}}}}"
        )
    };
    let watcher = place.inner_bin().join("device-watcher");
    let replay = |action: &str| {
        place.bash(&format!("echo '{}' | {} --user replay -", event(action), watcher.display())).good();
    };
    replay("add");
    place.wait_state("link.service", "active/running");
    assert_eq!(place.state(device), "active/plugged");
    replay("remove");
    place.wait_state("link.service", "inactive/dead");
    assert_eq!(place.state(device), "inactive/dead");
}

#[test]
fn without_udev_device_units_say_why() {
    if !needs::root() {
        return;
    }
    let place = Place::system().boot();
    assert!(place.log().contains("udev doesn't run here"), "the log says so");
    let daemon = place.daemon("device-watcher");
    let listed = place.bash("device-watcher list").good();
    assert!(!listed.contains("plugged"), "{listed}");
    assert_eq!(place.daemon("device-watcher"), daemon);
}
