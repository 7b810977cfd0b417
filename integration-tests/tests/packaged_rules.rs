//! What packaged udev rules ask for (SYSTEMD_WANTS=, SYSTEMD_ALIAS=) comes about as it does with systemd: the same devices,
//! the same names, the same units wanted and started.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use integration_tests::rules::{Shape, in_directory, of_packages, shapes};
use integration_tests::{Builder, Place, needs, wait};

/// Packages whose rules start units.
const PACKAGES: [&str; 18] = [
    "aoetools",
    "bolt",
    "driverctl",
    "gpsd",
    "hyperv-daemons",
    "iio-sensor-proxy",
    "ipp-usb",
    "mdadm",
    "nvme-cli",
    "open-iscsi",
    "qemu-guest-agent",
    "rdma-core",
    "spice-vdagent",
    "srptools",
    "system-config-printer-udev",
    "udisks2-zram",
    "usbmuxd",
    "xserver-xorg-input-wacom",
];

/// Shapes that packages have had and others may, where no archive is at hand.
const OWN: &str = r#"
ENV{SYSTEMD_WANTS}+="plain.service", ENV{SYSTEMD_USER_WANTS}+="plain.service"
ENV{SYSTEMD_WANTS}="at-name@%k.service"
ENV{SYSTEMD_WANTS}="at-path@.service"
ENV{SYSTEMD_WANTS}="at-path@.service at-path@with-dash.service  second.target"
ENV{SYSTEMD_WANTS}="no-suffix"
ENV{SYSTEMD_WANTS}="backlight@net:$name.service"
ENV{SYSTEMD_WANTS}="$env{SUBSYSTEM}-$kernel.service"
ENV{SYSTEMD_ALIAS}+="/sys/subsystem/other/devices/%k /dev/by-kind/a-b_%n", ENV{SYSTEMD_WANTS}+="third.target"
ENV{SYSTEMD_ALIAS}="/sys/subsystem/rdma/devices/one:1/umad"
ENV{SYSTEMD_ALIAS}+="relative"
ENV{SYSTEMD_READY}="0", ENV{SYSTEMD_WANTS}+="never.service"
ENV{SYSTEMD_READY}="1", ENV{SYSTEMD_WANTS}+="ready.service"
"#;

const TARGETS: [&str; 9] =
    ["basic", "default", "multi-user", "paths", "shutdown", "slices", "sockets", "sysinit", "timers"];

/// Units that note that they were started, for whatever the rules want.
fn with_stubs(mut builder: Builder, names: &BTreeSet<String>) -> Builder {
    for target in TARGETS {
        let more = if target == "default" { "Requires=multi-user.target\nAllowIsolate=yes\n" } else { "" };
        builder = builder.unit(&format!("{target}.target"), &format!("[Unit]\nDefaultDependencies=no\n{more}"));
    }
    for name in names {
        let text = match name.rsplit_once('.').map(|(_, kind)| kind) {
            Some("target") => "[Unit]\nDefaultDependencies=no\n",
            Some("socket") => {
                "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/stub-%N\nService=stub.service\n"
            }
            Some("service") => {
                "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n"
            }
            // Timers and mounts are wanted all the same, but are no part of this test.
            _ => continue,
        };
        builder = builder.unit(name, text);
    }
    builder.unit("stub.service", "[Service]\nExecStart=/bin/true\n")
}

/// The units that the rules name, templates for instances.
fn wanted(shapes: &[Shape]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for text in shapes.iter().flat_map(|shape| &shape.assignments).filter(|text| text.contains("_WANTS}")) {
        let value = text.split('"').nth(1).unwrap_or_default();
        for word in value.split_whitespace() {
            let word = match word.split_once('@') {
                Some((stem, instance)) => format!("{stem}@.{}", instance.rsplit('.').next().unwrap_or("service")),
                None if word.contains('.') => word.to_owned(),
                None => format!("{word}.service"),
            };
            if !word.contains(['$', '%']) {
                names.insert(word);
            }
        }
    }
    names
}

/// Plugs all devices and says what there is: every device unit of theirs, and what was started.
fn observed(builder: Builder, rules: &str, count: usize, names: &BTreeSet<String>) -> String {
    let place = builder.boot();
    let file = "/run/udev/rules.d/99-zz-packaged.rules";
    place.bash(&format!("cat >{file} <<'END'\n{rules}\nEND\nudevadm control --reload")).good();
    let links: String = (0..count.div_ceil(2))
        .map(|pair| format!("link add pr{} type veth peer name pr{}\n", 2 * pair, 2 * pair + 1))
        .collect();
    place.bash(&format!("printf '{links}' | ip -batch - && udevadm settle -t 60")).good();
    wait::equal("", || place.systemctl(&["list-jobs", "--no-legend"]).out);
    let listed = place.systemctl(&["list-units", "--all", "--plain", "--no-legend"]).good();
    let units = listed.lines().filter_map(|line| line.split_whitespace().next());
    // Of targets and sockets only those that rules want: the managers pull in others themselves.
    let concerned = |unit: &&str| unit.ends_with(".device") || unit.ends_with(".service") || names.contains(*unit);
    let units: BTreeSet<&str> = units.filter(concerned).collect();
    let machine_own =
        |text: &String| text.contains(".device\n") && !text.contains("SysFSPath=/sys/devices/virtual/net/pr");
    shown(&place, &units).into_iter().filter(|text| !machine_own(text)).collect()
}

/// What a client sees of units, one text each, lists sorted.
fn shown(place: &Place, units: &BTreeSet<&str>) -> Vec<String> {
    let properties = "Id,Names,ActiveState,SubState,Following,SysFSPath,Description,Wants,LoadState";
    let command: Vec<&str> = ["show", "-p", properties, "--"].into_iter().chain(units.iter().copied()).collect();
    let all = place.systemctl(&command).good();
    let line = |line: &str| {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        let words: BTreeSet<&str> = value.split(' ').collect();
        format!("    {name}={}\n", words.into_iter().collect::<Vec<_>>().join(" "))
    };
    let unit = |(name, text): (&&str, &str)| {
        let lines: BTreeSet<String> = text.lines().map(line).collect();
        format!("{name}\n{}", lines.into_iter().collect::<String>())
    };
    units.iter().zip(all.split("\n\n")).map(unit).collect()
}

fn compare(shapes: &[Shape]) {
    let rules: Vec<String> = shapes.iter().enumerate().map(|(n, shape)| shape.rule(&format!("pr{n}"))).collect();
    let names = wanted(shapes);
    let place = |builder: Builder| with_stubs(builder.udev(), &names);
    let reference = observed(place(Place::system().systemd()), &rules.join("\n"), shapes.len(), &names);
    let ours = observed(place(Place::system()), &rules.join("\n"), shapes.len(), &names);
    let started = reference.matches("SubState=exited").count();
    println!("{} rules, {} units wanted, {started} services started", shapes.len(), names.len());
    assert!(started > 0 && reference.contains("SubState=plugged"), "{reference}");
    same(&reference, &ours);
}

fn same(reference: &str, ours: &str) {
    let (left, right): (Vec<&str>, Vec<&str>) = (reference.lines().collect(), ours.lines().collect());
    let only = |a: &[&str], b: &[&str]| -> Vec<String> {
        a.iter().filter(|line| !b.contains(line)).map(|line| (*line).to_owned()).collect()
    };
    assert!(reference == ours, "only with systemd: {:#?}\nonly here: {:#?}", only(&left, &right), only(&right, &left));
}

#[test]
fn shapes_of_packaged_rules() {
    if !needs::systemd() || !needs::network_devices() {
        return;
    }
    let mut files = in_directory(Path::new("/usr/lib/udev/rules.d"));
    files.extend(of_packages(&PACKAGES));
    let found = shapes(&files);
    assert!(found.len() >= 10, "the rules of udev itself want a dozen units: {found:#?}");
    compare(&found);
}

#[test]
fn shapes_of_our_own() {
    if !needs::systemd() || !needs::network_devices() {
        return;
    }
    let dir = std::env::temp_dir().join(format!("quintet-own-rules-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("a directory");
    fs::write(dir.join("own.rules"), OWN).expect("a file");
    let found = shapes(&in_directory(&dir));
    let _ = fs::remove_dir_all(&dir);
    assert_eq!(found.len(), OWN.trim().lines().count());
    compare(&found);
}

/// Rules as their packages have them, and devices that match: a network device that driverctl was told of, a compressed
/// disk in memory, a module of the kernel.
#[test]
fn packaged_rules_as_they_are() {
    if !needs::systemd() || !needs::network_devices() {
        return;
    }
    let files = of_packages(&["driverctl", "udisks2-zram"]);
    let root = std::env::temp_dir().join(format!("quintet-rules-{}", std::process::id()));
    let (rules, told) = (root.join("usr/lib/udev/rules.d"), root.join("etc/driverctl.d"));
    fs::create_dir_all(&rules).and(fs::create_dir_all(&told)).expect("directories");
    for file in &files {
        fs::copy(file, rules.join(file.file_name().expect("a name"))).expect("a copy");
    }
    fs::write(told.join("net-pr0"), "driver\n").expect("a file");
    let mut units = BTreeSet::from(["sys-devices-virtual-net-pr0.device"]);
    let mut events = vec!["add /sys/class/net/pr0"];
    let has = |path: &str| Path::new(path).exists();
    if has("/sys/block/zram0") {
        events.push("change /sys/block/zram0");
        units.extend(["sys-devices-virtual-block-zram0.device", "dev-zram0.device"]);
    }
    if has("/sys/module/fuse") {
        events.push("add /sys/module/fuse");
        units.insert("sys-module-fuse.device");
    }
    let stubs = ["driverctl@.service", "udisks2-zram-setup@.service"].map(str::to_owned).into();
    let started = ["driverctl@net-pr0.service", "udisks2-zram-setup@zram0.service"];
    let observe = |builder: Builder| {
        let place = with_stubs(builder.udev().root(&root), &stubs).boot();
        place.plug("pr0");
        for event in &events {
            place.bash(&format!("udevadm trigger --settle -c {event}")).good();
        }
        wait::equal("", || place.systemctl(&["list-jobs", "--no-legend"]).out);
        shown(&place, &units.iter().copied().chain(started).collect()).concat()
    };
    let (reference, ours) = (observe(Place::system().systemd()), observe(Place::system()));
    let _ = fs::remove_dir_all(&root);
    println!("{} rules files, {} units: {events:?}", files.len(), units.len());
    assert!(reference.contains("SubState=plugged"), "{reference}");
    assert!(files.is_empty() || reference.contains("SubState=exited"), "{reference}");
    same(&reference, &ours);
}
