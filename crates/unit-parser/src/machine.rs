//! Gathers what specifiers need to know about this machine. With `load::disk` the only part of the
//! library that is not pure.

use std::collections::HashMap;
use std::fs;

pub use crate::conditions::path::is_read_only;
use crate::load::Mode;
use crate::specifier::Host;

/// The facts about this machine, for a manager of this mode, from `/etc`, `/proc` and the environment.
pub fn host(mode: Mode) -> Host {
    host_below(mode, "")
}

/// Reads the names of the machine again, which change while it runs; whether they are others now.
pub fn refresh_names(host: &mut Host) -> bool {
    let before = (host.host_name.clone(), host.pretty_host_name.clone());
    read_names(host, "");
    before != (host.host_name.clone(), host.pretty_host_name.clone())
}

fn read_names(host: &mut Host, root: &str) {
    let info = format!("{root}/etc/machine-info");
    let pretty = assignments(&info, &info).into_iter().find(|(name, _)| name == "PRETTY_HOSTNAME");
    host.host_name = line("/proc/sys/kernel/hostname");
    host.pretty_host_name = pretty.map_or_else(|| host.host_name.clone(), |(_, value)| value);
}

/// The same with the files in `/etc` and `/usr` taken from below a root directory (empty for `/`).
pub fn host_below(mode: Mode, root: &str) -> Host {
    let (uid, gid) = ids();
    let user = account(root, uid);
    let file = |path: &str| format!("{root}{path}");
    let variable = |name: &str| std::env::var(name).ok().filter(|value| value.starts_with('/'));
    let home = match mode {
        // The system manager's own environment says nothing about root's home.
        Mode::System => user.home.clone(),
        Mode::User => variable("HOME").unwrap_or_else(|| user.home.clone()),
    };
    let mut host = Host {
        machine_id: line(&file("/etc/machine-id")),
        boot_id: line("/proc/sys/kernel/random/boot_id").replace('-', ""),
        kernel_release: line("/proc/sys/kernel/osrelease"),
        architecture: architecture().to_owned(),
        os_release: assignments(&file("/etc/os-release"), &file("/usr/lib/os-release")),
        user: user.name,
        uid,
        group: group_name(root, gid),
        gid,
        shell: variable("SHELL").filter(|_| mode == Mode::User).unwrap_or(user.shell),
        tmp_dir: temporary("/tmp"),
        var_tmp_dir: temporary("/var/tmp"),
        numa_nodes: line("/sys/devices/system/node/possible"),
        ..Host::default()
    };
    read_names(&mut host, root);
    match mode {
        Mode::System => {
            host.runtime_dir = "/run".to_owned();
            host.state_dir = "/var/lib".to_owned();
            host.cache_dir = "/var/cache".to_owned();
            host.log_dir = "/var/log".to_owned();
            host.config_dir = "/etc".to_owned();
        }
        Mode::User => {
            let config = variable("XDG_CONFIG_HOME").unwrap_or_else(|| format!("{home}/.config"));
            host.runtime_dir = variable("XDG_RUNTIME_DIR").unwrap_or_else(|| format!("/run/user/{uid}"));
            // As systemd 252: state is below the configuration directory.
            host.state_dir.clone_from(&config);
            host.log_dir = format!("{config}/log");
            host.cache_dir = variable("XDG_CACHE_HOME").unwrap_or_else(|| format!("{home}/.cache"));
            host.config_dir = config;
        }
    }
    host.credentials_dir = format!("{}/credentials", host.runtime_dir);
    host.home = home;
    host
}

/// The first line of a file, empty if it can't be read.
fn line(file: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// The assignments of a shell-like file such as os-release, quotes removed.
fn assignments(file: &str, other: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(file).or_else(|_| fs::read_to_string(other)).unwrap_or_default();
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.trim_matches(['"', '\'']).to_owned()))
        .collect()
}

/// Effective user and group of this process.
fn ids() -> (u32, u32) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let fields: HashMap<&str, &str> = status.lines().filter_map(|l| l.split_once(':')).collect();
    let effective = |name: &str| {
        let mut words = fields.get(name)?.split_ascii_whitespace();
        words.nth(1)?.parse().ok()
    };
    (effective("Uid").unwrap_or(0), effective("Gid").unwrap_or(0))
}

struct Account {
    name: String,
    home: String,
    shell: String,
}

fn account(root: &str, uid: u32) -> Account {
    let text = fs::read_to_string(format!("{root}/etc/passwd")).unwrap_or_default();
    for entry in text.lines() {
        let fields: Vec<&str> = entry.split(':').collect();
        if let [name, _, id, _, _, home, shell] = fields.as_slice()
            && id.parse() == Ok(uid)
        {
            let own = |text: &str| text.to_owned();
            return Account { name: own(name), home: own(home), shell: own(shell) };
        }
    }
    let name = if uid == 0 { "root".to_owned() } else { uid.to_string() };
    let home = if uid == 0 { "/root" } else { "/" }.to_owned();
    Account { name, home, shell: "/bin/sh".to_owned() }
}

fn group_name(root: &str, gid: u32) -> String {
    let text = fs::read_to_string(format!("{root}/etc/group")).unwrap_or_default();
    let found = text.lines().find_map(|entry| {
        let mut fields = entry.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(gid)).then(|| name.to_owned())
    });
    found.unwrap_or_else(|| gid.to_string())
}

fn temporary(usual: &str) -> String {
    let names = ["TMPDIR", "TEMP", "TMP"];
    let given = names.iter().filter_map(|name| std::env::var(name).ok());
    given.into_iter().find(|dir| dir.starts_with('/')).unwrap_or_else(|| usual.to_owned())
}

/// systemd's word for the processor (`ConditionArchitecture=`).
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "x86-64",
        "x86" => "x86",
        "aarch64" => "arm64",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64-le",
        "powerpc64" => "ppc64",
        "loongarch64" => "loongarch64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_read_again() {
        let mut host = Host::default();
        assert!(refresh_names(&mut host) && !host.host_name.is_empty() && !host.pretty_host_name.is_empty());
        assert!(!refresh_names(&mut host));
    }
}
