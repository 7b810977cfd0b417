//! What a test needs from the machine. Each function says what is missing (the test then returns).

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

fn skip(what: &str) -> bool {
    println!("SKIPPED: needs {what}");
    false
}

/// Root, and the right to make namespaces.
pub fn root() -> bool {
    static ABLE: OnceLock<bool> = OnceLock::new();
    let able = *ABLE.get_or_init(|| {
        Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "--uts", "--ipc", "--net", "true"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    });
    able || skip("root and the right to make namespaces")
}

/// Debian's systemd as PID 1 of namespaces of its own ([`crate::Builder::systemd`]).
pub fn systemd() -> bool {
    let there = Path::new("/lib/systemd/systemd").exists() || skip("/lib/systemd/systemd (package systemd)");
    there && root() && control_groups()
}

/// A running udevd, started if there is none.
pub fn udev() -> bool {
    static ABLE: OnceLock<bool> = OnceLock::new();
    let able = *ABLE.get_or_init(start_udev);
    able || skip("systemd-udevd (package udev)")
}

fn start_udev() -> bool {
    if !udev_listens() {
        // Its own /run/udev/rules.d is where tests and administrators put rules; udevd reads it only if it is there.
        let _ = fs::create_dir_all("/run/udev/rules.d");
        let started = Command::new("/lib/systemd/systemd-udevd").arg("--daemon").stderr(Stdio::null()).status();
        if !started.is_ok_and(|status| status.success()) {
            return false;
        }
    }
    Path::new("/run/udev/control").exists()
}

/// Whether a process in this network namespace listens to the kernel's events (group 1 of protocol 15).
fn udev_listens() -> bool {
    let table = fs::read_to_string("/proc/self/net/netlink").unwrap_or_default();
    Path::new("/run/udev/control").exists()
        && table.lines().any(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            columns.get(1) == Some(&"15")
                && columns.get(3).and_then(|groups| u32::from_str_radix(groups, 16).ok()).is_some_and(|g| g & 1 == 1)
        })
}

/// What a place with its own udevd needs ([`crate::Builder::udev`]).
pub fn network_devices() -> bool {
    let udevd = Path::new("/lib/systemd/systemd-udevd").exists() || skip("systemd-udevd (package udev)");
    udevd && root()
}

/// A writable cgroup2 hierarchy.
pub fn control_groups() -> bool {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let writable = mounts.lines().any(|line| {
        let mut columns = line.split(' ');
        let (target, kind) = (columns.nth(1), columns.next());
        let options = columns.next().unwrap_or("");
        target.is_some() && kind == Some("cgroup2") && options.split(',').any(|option| option == "rw")
    });
    writable || skip("a writable cgroup2")
}

/// A message bus, and a client of it.
pub fn message_bus() -> bool {
    let there = |path: &str| Path::new(path).exists();
    (there("/usr/bin/dbus-daemon") && there("/usr/bin/busctl"))
        || skip("dbus-daemon and busctl (packages dbus, systemd)")
}
