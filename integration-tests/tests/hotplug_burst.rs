//! Devices that come and go faster than anybody can follow, daemons that are killed meanwhile, messages from strangers, and
//! hotplug without a manager.

use std::time::Duration;

use integration_tests::{Place, needs, number, wait};

/// Notes its comings and goings.
fn service(device: &str, file: &str) -> String {
    format!(
        "[Unit]\nBindsTo={device}\nAfter={device}\nStartLimitIntervalSec=0\n\
         [Service]\nExecStart=/bin/bash -c 'trap \"echo unplugged >>{file}; exit 0\" TERM; echo plugged >>{file}; \
         while :; do sleep 0.02; done'\n[Install]\nWantedBy={device}\n"
    )
}

fn device(interface: &str) -> String {
    format!("sys-subsystem-net-devices-{interface}.device")
}

/// Xorshift: the same numbers for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).expect("small")).expect("small")
    }
}

#[test]
fn plugged_and_unplugged_while_daemons_are_killed() {
    if !needs::network_devices() {
        return;
    }
    const INTERFACES: usize = 20;
    let rounds = number("QUINTET_BURST_ROUNDS", 30);
    let seed = number("QUINTET_BURST_SEED", 7);
    // Two of twenty pairs have a service.
    let bound = [0, 10];
    let mut builder = Place::system().udev();
    for number in bound {
        let unit = format!("burst{number}.service");
        let device = device(&format!("burst{number}"));
        builder = builder
            .unit(&unit, &service(&device, &format!("/run/seen{number}")))
            .unit(&format!("{device}.wants/{unit}"), "");
    }
    let place = builder.boot();
    let mut random = Random(seed + 1);
    let mut there = [false; INTERFACES];
    for round in 0..rounds {
        // Ten at a time, in one go.
        let mut batch = String::new();
        for _ in 0..10 {
            // Those with a service are in every other event or so.
            let number = if random.below(2) == 0 { bound[random.below(2)] } else { random.below(INTERFACES) };
            batch += &match there[number] {
                true => format!("link del burst{number}\n"),
                false => format!("link add burst{number} type veth peer name burst{number}p\n"),
            };
            there[number] = !there[number];
        }
        place.bash(&format!("printf %s '{batch}' | ip -batch -")).good();
        match random.below(6) {
            0 => place.kill_daemon("device-watcher"),
            1 => place.kill_daemon("unit-broker"),
            _ => std::thread::sleep(Duration::from_millis(u64::try_from(random.below(200)).expect("small"))),
        }
        if round == rounds / 2 {
            place.kill_daemon("device-watcher");
            place.kill_daemon("unit-broker");
        }
    }
    place.run(&["udevadm", "settle"]);
    for (number, there) in there.iter().enumerate() {
        let wanted = if *there { "active/plugged" } else { "inactive/dead" };
        place.wait_state(&device(&format!("burst{number}")), wanted);
    }
    // Not checked here: that what was plugged in again while its service was still being stopped is started once more.
    for number in bound {
        let unit = format!("burst{number}.service");
        if there[number] {
            place.unplug(&format!("burst{number}"));
        }
        place.wait_state(&device(&format!("burst{number}")), "inactive/dead");
        place.wait_state(&unit, "inactive/dead");
        // Every start has its stop, and they take turns.
        let seen = place.lines(&format!("/run/seen{number}"));
        let turns = seen.chunks(2).all(|pair| pair == ["plugged", "unplugged"]);
        assert!(turns && seen.len() >= 4, "seed {seed}: {seen:?}");
        place.plug(&format!("burst{number}"));
        place.wait_state(&unit, "active/running");
        wait::equal(&(seen.len() + 1).to_string(), || place.lines(&format!("/run/seen{number}")).len().to_string());
    }
    assert_eq!(place.systemctl(&["list-units", "--failed", "--no-legend"]).good(), "");
}

#[test]
fn hotplug_without_a_manager() {
    if !needs::network_devices() {
        return;
    }
    let place = Place::system().udev().unit("alone.service", &service(&device("alone0"), "/run/seen")).boot();
    // A supervisor and a watcher of their own: neither knows of the manager beside them.
    let mut supervisor = place.spawn("echo $$ >/run/pid1; exec process-supervisor --runtime-dir=/run/alone");
    let file = "/usr/lib/systemd/system/alone.service";
    let mut watcher =
        place.spawn(&format!("echo $$ >/run/pid2; exec device-watcher run --runtime-dir=/run/alone --on-plug {file}"));
    place.plug("alone0");
    wait::equal("plugged", || place.lines("/run/seen").join(" "));
    assert_eq!(place.state("alone.service"), "inactive/dead", "the manager has no part in it");
    place.unplug("alone0");
    wait::equal("plugged unplugged", || place.lines("/run/seen").join(" "));
    place.plug("alone0");
    wait::equal("plugged unplugged plugged", || place.lines("/run/seen").join(" "));
    place.bash("kill $(cat /run/pid1 /run/pid2)").good();
    let _ = (watcher.wait(), supervisor.wait());
}

/// Sends an event to the watcher's own netlink address and, if told so, to everybody who listens to udev.
const FORGER: &str = r#"
import socket, struct, sys, glob, os
properties = b"ACTION=add\0DEVPATH=/devices/virtual/net/%s\0SUBSYSTEM=net\0INTERFACE=%s\0SEQNUM=9999\0TAGS=:systemd:\0CURRENT_TAGS=:systemd:\0"
name = sys.argv[2].encode()
properties = properties.replace(b"%s", name)
# The hash of no tag in particular: all bits of the filter are set.
udev = b"libudev\0" + struct.pack(">I", 0xfeedcafe) + struct.pack("=III", 40, 40, len(properties)) + b"\0" * 8 + b"\xff" * 8 + properties
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15)
if sys.argv[1] == "everybody":
    s.sendto(udev, (0, 2))
else:
    kernel = b"add@/devices/virtual/net/" + name + b"\0" + properties
    s.sendto(udev, (int(sys.argv[1]), 0))
    s.sendto(kernel, (int(sys.argv[1]), 0))
"#;

const STRANGER: &str = "setpriv --reuid=65534 --regid=65534 --clear-groups";

#[test]
fn messages_from_strangers_are_not_believed() {
    if !needs::network_devices() {
        return;
    }
    let place = Place::system().udev().boot();
    if place.run(&["/usr/bin/python3", "--version"]).code != 0 {
        return eprintln!("skipped: needs python3");
    }
    place
        .bash(&format!("cat >/tmp/forge.py <<'END'\n{FORGER}\nEND\nip link add real0 type veth peer name real0p"))
        .good();
    place.wait_state(&device("real0"), "active/plugged");
    // The addresses of the watcher's sockets for device events.
    let own = "for fd in /proc/$(pgrep -x device-watcher)/fd/*; do readlink $fd; done | sed -n 's/^socket:.\\(.*\\).$/\\1/p' \
               | awk 'NR == FNR { own[$1]; next } $2 == 15 && ($NF in own) { print $3 }' - /proc/net/netlink";
    let ports = place.bash(own).good();
    assert!(!ports.is_empty());
    for port in ports.lines() {
        // The kernel itself refuses what others send, the watcher what root sends to it alone.
        let refused = place.bash(&format!("{STRANGER} /usr/bin/python3 /tmp/forge.py {port} real0p9"));
        assert!(refused.err.contains("PermissionError"), "{}", refused.err);
        place.bash(&format!("/usr/bin/python3 /tmp/forge.py {port} real0p9")).good();
    }
    let refused = place.bash(&format!("{STRANGER} /usr/bin/python3 /tmp/forge.py everybody real0p9"));
    assert!(refused.err.contains("PermissionError"), "{}", refused.err);
    place.plug("real1");
    place.wait_state(&device("real1"), "active/plugged");
    assert!(!place.bash("device-watcher list").good().contains("real0p9"));
    // That message was well-formed: from root, as whom udev runs, it is believed.
    place.bash("/usr/bin/python3 /tmp/forge.py everybody real0p9").good();
    place.wait_state("sys-devices-virtual-net-real0p9.device", "active/plugged");
}

#[test]
fn the_kernels_own_events_will_do() {
    if !needs::network_devices() {
        return;
    }
    // Without an udevd.
    let place = Place::system().config("kernel.toml", "source = \"kernel\"\n").boot();
    let config = place.inner_dir().join("config/kernel.toml");
    let watcher = format!("device-watcher --runtime-dir=/run/kernel --config={}", config.display());
    let mut child = place.spawn(&format!("echo $$ >/run/pid1; exec {watcher} serve 2>/run/kernel.log"));
    wait::equal("true", || place.bash("test -S /run/kernel/device-watcher.bus").code.eq(&0).to_string());
    let listed = |name: &str| place.bash(&format!("{watcher} list")).good().contains(&device(name)).to_string();
    assert!(!place.bash("cat /run/kernel.log").good().contains("udev doesn't run here"), "nobody misses it");
    assert_eq!(listed("bare0"), "false");
    place.plug("bare0");
    wait::equal("true", || listed("bare0"));
    place.run(&["ip", "link", "set", "bare0", "name", "bare1"]).good();
    wait::equal("true false", || format!("{} {}", listed("bare1"), listed("bare0")));
    place.unplug("bare1");
    wait::equal("false", || listed("bare1"));
    place.bash("kill $(cat /run/pid1)").good();
    let _ = child.wait();
}
