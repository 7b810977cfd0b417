//! Conditions on the machine: its kernel, hardware, security modules, load.

use std::fs;
use std::path::Path;

use super::boolean;
use super::compare::{Operator, split_operator, versions};
use super::glob;
use super::virtualization::Virtualization;
use crate::parse::words::{self, Quoting};

pub(super) fn architecture(parameter: &str) -> bool {
    let native = architecture_name();
    parameter == "native" || parameter == native
}

/// The architecture in systemd.unit(5)'s words (`x86-64`, `arm64`).
pub fn architecture_name() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "x86-64",
        "aarch64" => "arm64",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64-le",
        "powerpc64" => "ppc64",
        "powerpc" => "ppc",
        "mips64" if cfg!(target_endian = "little") => "mips64-le",
        "mips" if cfg!(target_endian = "little") => "mips-le",
        other => other,
    }
}

pub(super) fn firmware(parameter: &str) -> Option<bool> {
    if parameter == "uefi" {
        return Some(fs::metadata("/sys/firmware/efi").is_ok());
    }
    if parameter == "device-tree" {
        return Some(fs::metadata("/sys/firmware/devicetree").is_ok());
    }
    if let Some(wanted) = argument(parameter, "device-tree-compatible") {
        let list = fs::read("/proc/device-tree/compatible");
        return Some(list.is_ok_and(|list| list.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes())));
    }
    if let Some(expression) = argument(parameter, "smbios-field") {
        let split = expression.find(['<', '>', '=', '!', '$']);
        let (field, rest) = expression.split_at(split?);
        let (Some(operator), wanted) = split_operator(rest) else { return None };
        let field = field.trim();
        let value = (!field.contains('/')).then(|| fs::read_to_string(format!("/sys/class/dmi/id/{field}")));
        return Some(value.is_some_and(|value| value.is_ok_and(|it| compare(operator, it.trim(), wanted.trim()))));
    }
    Some(false)
}

/// `name(argument)`.
fn argument<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')
}

fn compare(operator: Operator, value: &str, wanted: &str) -> bool {
    match operator {
        Operator::Matches => glob::matches(wanted, value),
        Operator::MatchesNot => !glob::matches(wanted, value),
        Operator::Equal => value == wanted,
        Operator::NotEqual => value != wanted,
        Operator::Less | Operator::LessEqual | Operator::GreaterEqual | Operator::Greater => {
            operator.holds(versions(value, wanted))
        }
    }
}

pub(super) fn virtualization(parameter: &str) -> Option<bool> {
    if parameter == "private-users" {
        // The whole range mapped onto itself is no user namespace (user_namespaces(7)).
        let map = fs::read_to_string("/proc/self/uid_map").ok()?;
        let fields: Vec<&str> = map.split_whitespace().collect();
        return Some(fields != ["0", "0", "4294967295"]);
    }
    let found = Virtualization::detect();
    if let Some(any) = boolean(parameter) {
        return Some(any == (found != Virtualization::None));
    }
    Some(match (parameter, &found) {
        ("vm", Virtualization::Machine(_)) | ("container", Virtualization::Container(_)) => true,
        (_, Virtualization::None) => false,
        (word, Virtualization::Machine(id) | Virtualization::Container(id)) => word == *id,
    })
}

pub(super) fn kernel_command_line(parameter: &str) -> bool {
    // In a container the kernel's line is the host's: PID 1's own arguments stand for it.
    let line = match Virtualization::detect() {
        Virtualization::Container(_) => fs::read("/proc/1/cmdline")
            .map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "))
            .unwrap_or_default(),
        Virtualization::None | Virtualization::Machine(_) => fs::read_to_string("/proc/cmdline").unwrap_or_default(),
    };
    command_line_has(&line, parameter)
}

fn command_line_has(line: &str, parameter: &str) -> bool {
    line.split_whitespace().any(|word| {
        word == parameter
            || !parameter.contains('=') && word.strip_prefix(parameter).is_some_and(|rest| rest.starts_with('='))
    })
}

pub(super) fn kernel_version(parameter: &str) -> Option<bool> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    version_fits(release.trim(), parameter.strip_prefix("kernel ").unwrap_or(parameter))
}

/// All of several expressions, each a pattern or an operator with a version. `None` for what isn't one.
fn version_fits(version: &str, expressions: &str) -> Option<bool> {
    let words = words::split(expressions, Quoting::Quotes).ok()?;
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let (operator, rest) = split_operator(word);
        let wanted = if operator.is_some() && rest.is_empty() { words.next()? } else { rest };
        let fits = match operator {
            None | Some(Operator::Matches) => glob::matches(wanted, version),
            Some(Operator::MatchesNot) => !glob::matches(wanted, version),
            // `=` takes a pattern here, unlike elsewhere.
            Some(Operator::Equal) => glob::matches(wanted, version),
            Some(Operator::NotEqual) => !glob::matches(wanted, version),
            Some(operator) => operator.holds(versions(version, wanted)),
        };
        if !fits {
            return Some(false);
        }
    }
    Some(true)
}

pub(super) fn security(parameter: &str) -> Option<bool> {
    let exists = |path: &str| fs::metadata(path).is_ok();
    Some(match parameter {
        "selinux" => exists("/sys/fs/selinux/enforce"),
        "smack" => exists("/sys/fs/smackfs"),
        "apparmor" => fs::read_to_string("/sys/module/apparmor/parameters/enabled").is_ok_and(|on| on.starts_with('Y')),
        "tomoyo" => exists("/sys/kernel/security/tomoyo/version"),
        "ima" => exists("/sys/kernel/security/ima"),
        "audit" => exists("/proc/self/loginuid") && exists("/proc/sys/kernel/printk") && audit_on(),
        "uefi-secureboot" => fs::read("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c")
            .is_ok_and(|variable| variable.get(4) == Some(&1)),
        "tpm2" => glob::any_file("/sys/class/tpmrm/tpmrm[0-9]*"),
        "cvm" | "measured-uki" => false,
        _ => false,
    })
}

/// Auditing can be off at boot; its netlink socket isn't there then.
fn audit_on() -> bool {
    use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
    socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkAudit).is_ok()
}

/// Mains is what isn't known to be a battery that discharges.
pub(super) fn on_ac_power() -> bool {
    let Ok(supplies) = fs::read_dir("/sys/class/power_supply") else { return true };
    let mut discharging = false;
    for supply in supplies.flatten() {
        let read = |file: &str| fs::read_to_string(supply.path().join(file)).unwrap_or_default();
        // A mouse's battery is not the machine's.
        if read("scope").trim() == "Device" {
            continue;
        }
        match read("type").trim() {
            "Mains" | "USB" if read("online").trim() == "1" => return true,
            "Battery" => discharging |= read("status").trim() == "Discharging",
            _ => {}
        }
    }
    !discharging
}

pub(super) fn memory(parameter: &str) -> Option<bool> {
    let (operator, rest) = split_operator(parameter);
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = total.split_whitespace().next()?.parse().ok()?;
    Some(operator.unwrap_or(Operator::GreaterEqual).holds((kib * 1024).cmp(&size(rest)?)))
}

/// Bytes with a binary suffix (systemd.syntax(7)).
fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim().trim_end_matches('B') {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        "P" => 50,
        "E" => 60,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    // Sizes beyond 2^53 lose bytes here, which no machine's memory notices.
    Some((number * (1u64 << shift) as f64) as u64)
}

pub(super) fn cpus(parameter: &str) -> Option<bool> {
    let (operator, rest) = split_operator(parameter);
    let wanted: usize = rest.trim().parse().ok()?;
    // What this process may run on, as sched_getaffinity(2) tells.
    let available = std::thread::available_parallelism().ok()?.get();
    Some(operator.unwrap_or(Operator::GreaterEqual).holds(available.cmp(&wanted)))
}

pub(super) fn cpu_feature(parameter: &str) -> bool {
    let Ok(info) = fs::read_to_string("/proc/cpuinfo") else { return false };
    let wanted = parameter.to_ascii_lowercase();
    info.lines()
        .filter(|line| line.starts_with("flags") || line.starts_with("Features"))
        .filter_map(|line| line.split_once(':'))
        .any(|(_, flags)| flags.split_whitespace().any(|flag| flag == wanted))
}

/// All of several controllers; `v1` and `v2` ask for the hierarchy itself.
pub(super) fn controllers(parameter: &str, cgroup: Option<&Path>) -> Option<bool> {
    match parameter {
        "v2" => return Some(unified()),
        "v1" => return Some(!unified()),
        _ => {}
    }
    let available =
        fs::read_to_string(cgroup.unwrap_or(Path::new("/sys/fs/cgroup")).join("cgroup.controllers")).ok()?;
    let available: Vec<&str> = available.split_whitespace().collect();
    // A word that names no controller asks for nothing, as in systemd.
    let mut wanted = parameter.split([' ', ':']).filter(|word| CONTROLLERS.contains(word));
    Some(wanted.all(|word| available.contains(&word)))
}

/// Controllers that systemd knows.
const CONTROLLERS: [&str; 9] = ["cpu", "cpuacct", "cpuset", "io", "blkio", "memory", "devices", "pids", "bpf-firewall"];

fn unified() -> bool {
    fs::metadata("/sys/fs/cgroup/cgroup.controllers").is_ok()
}

pub(super) fn os_release(parameter: &str) -> Option<bool> {
    let text = fs::read_to_string("/etc/os-release").or_else(|_| fs::read_to_string("/usr/lib/os-release")).ok()?;
    os_release_fits(&text, parameter)
}

/// All of several `FIELD OPERATOR VALUE` without spaces. `None` for what isn't one.
fn os_release_fits(text: &str, parameter: &str) -> Option<bool> {
    let value = |key: &str| {
        text.lines()
            .filter_map(|line| line.split_once('='))
            .find(|(name, _)| *name == key)
            .map_or("", |(_, value)| value.trim().trim_matches(['"', '\'']))
    };
    for word in words::split(parameter, Quoting::Quotes).ok()? {
        let (key, rest) = word.split_at(word.find(['<', '>', '=', '!', '$'])?);
        let (Some(operator), wanted) = split_operator(rest) else { return None };
        if wanted.is_empty() {
            return None;
        }
        if !compare(operator, value(key), wanted) {
            return Some(false);
        }
    }
    Some(true)
}

/// `LIMIT%[/SPAN]`, optionally of a slice (`name.slice:LIMIT%`): the share of time that all tasks waited stays below it.
pub(super) fn pressure(resource: &str, parameter: &str) -> Option<bool> {
    let (slice, rest) = match parameter.rsplit_once(':') {
        Some((slice, rest)) => (Some(slice), rest),
        None => (None, parameter),
    };
    let (limit, span) = rest.split_once('/').unwrap_or((rest, "5min"));
    let limit: f64 = limit.trim().trim_end_matches('%').parse().ok()?;
    let key = match span.trim() {
        "10s" | "10" => "avg10=",
        "1min" | "60s" | "60" => "avg60=",
        "5min" | "300s" | "300" => "avg300=",
        _ => return None,
    };
    let file = match slice {
        None => format!("/proc/pressure/{resource}"),
        Some(slice) => format!("/sys/fs/cgroup/{slice}/{resource}.pressure"),
    };
    // A kernel without pressure information has no pressure.
    let Ok(text) = fs::read_to_string(file) else { return Some(true) };
    // The CPU has no `full` line system-wide.
    let line = text.lines().find(|line| line.starts_with("full")).or_else(|| text.lines().next())?;
    let value: f64 = line.split_whitespace().find_map(|word| word.strip_prefix(key))?.parse().ok()?;
    Some(value <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines() {
        for (parameter, expected) in
            [("quiet", true), ("root", true), ("root=/dev/vda", true), ("root=/dev", false), ("qui", false)]
        {
            assert_eq!(command_line_has("ro root=/dev/vda quiet\n", parameter), expected, "{parameter}");
        }
    }

    #[test]
    fn kernel_versions() {
        for (expression, expected) in [
            ("6.1*", true),
            ("6.2", false),
            (">=6.1", true),
            (">= 6.1 <7", true),
            ("<5", false),
            ("=6.1.*", true),
            ("!=6.1.*", false),
        ] {
            assert_eq!(version_fits("6.1.0-13-amd64", expression), Some(expected), "{expression}");
        }
        assert_eq!(version_fits("6.1.0-13-amd64", ">="), None);
    }

    #[test]
    fn sizes_and_comparisons() {
        assert_eq!(size("4K"), Some(4096));
        assert_eq!(size("1.5G"), Some(1_610_612_736));
        assert_eq!(size("x"), None);
        assert_eq!(memory(">= 1M"), Some(true));
        assert_eq!(memory("< 1M"), Some(false));
        assert_eq!(cpus("1"), Some(true));
        assert_eq!(cpus(">100000"), Some(false));
    }

    #[test]
    fn release_files() {
        let text = "ID=debian\nVERSION_ID=\"12\"\n";
        for (expression, expected) in [
            ("ID=debian", Some(true)),
            ("ID=debian VERSION_ID>=11", Some(true)),
            ("\"ID=debian\" 'VERSION_ID>=11'", Some(true)),
            ("VERSION_ID<12", Some(false)),
            ("ID!=debian", Some(false)),
            ("ID!=debian bogus", Some(false)),
            ("bogus", None),
            ("VERSION_ID>= 12", None),
            ("NOSUCH=", None),
        ] {
            assert_eq!(os_release_fits(text, expression), expected, "{expression}");
        }
    }

    #[test]
    fn firmware_arguments() {
        assert_eq!(argument("smbios-field(board_name = x)", "smbios-field"), Some("board_name = x"));
        assert_eq!(argument("uefi", "smbios-field"), None);
        assert_eq!(firmware("smbios-field(board_name)"), None);
    }
}
