//! Conditions on who and where we are: host, user, group, capabilities, credentials.

use std::fs;

use nix::unistd::{Gid, Group, User, getegid, geteuid, getgid, getgroups, gethostname, getuid};

use super::glob;

/// Users and groups up to here belong to the system (login.defs(5) on Debian).
const SYSTEM_MAX: u32 = 999;

/// A machine ID (with or without dashes) or a pattern of the host name.
pub fn host(parameter: &str) -> bool {
    let id = parameter.replace('-', "").to_ascii_lowercase();
    if id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit()) {
        return fs::read_to_string("/etc/machine-id").is_ok_and(|own| own.trim() == id);
    }
    gethostname()
        .ok()
        .and_then(|name| name.into_string().ok())
        .is_some_and(|name| glob::matches(&parameter.to_lowercase(), &name.to_lowercase()))
}

pub fn user(parameter: &str) -> Option<bool> {
    if parameter == "@system" {
        let is_system = |id: u32| id <= SYSTEM_MAX || id == 65534;
        return Some(is_system(getuid().as_raw()) || is_system(geteuid().as_raw()));
    }
    if let Ok(uid) = parameter.parse::<u32>() {
        return Some(uid == getuid().as_raw() || uid == geteuid().as_raw());
    }
    if getuid().is_root() && parameter == "root" {
        return Some(true);
    }
    // A name that isn't known is nobody's.
    let Some(user) = User::from_name(parameter).ok()? else { return Some(false) };
    Some(user.uid == getuid() || user.uid == geteuid())
}

pub fn group(parameter: &str) -> Option<bool> {
    let gid = match parameter.parse::<u32>() {
        Ok(gid) => Gid::from_raw(gid),
        Err(_) => match Group::from_name(parameter).ok()? {
            Some(group) => group.gid,
            None => return Some(false),
        },
    };
    Some(gid == getgid() || gid == getegid() || getgroups().ok()?.contains(&gid))
}

/// The capability is in our bounding set.
pub fn capability(parameter: &str) -> Option<bool> {
    let number = crate::parse::mask::capability(parameter)?;
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("CapBnd:"))?;
    let set = u64::from_str_radix(line.trim(), 16).ok()?;
    Some(set >> number & 1 == 1)
}

/// A credential that was passed to the manager.
pub fn credential(parameter: &str, environment: &[String]) -> bool {
    if parameter.is_empty() || parameter.contains('/') || parameter == ".." {
        return false;
    }
    ["CREDENTIALS_DIRECTORY=", "ENCRYPTED_CREDENTIALS_DIRECTORY="].into_iter().any(|prefix| {
        environment
            .iter()
            .filter_map(|variable| variable.strip_prefix(prefix))
            .any(|directory| fs::symlink_metadata(format!("{directory}/{parameter}")).is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_ids() {
        assert_eq!(user(&getuid().to_string()), Some(true));
        assert_eq!(user("no-such-user-here"), Some(false));
        assert_eq!(group(&getgid().to_string()), Some(true));
        assert_eq!(group("no-such-group-here"), Some(false));
        assert!(host("*"));
        assert!(!host("0123456789abcdef0123456789abcdef"));
    }

    #[test]
    fn capabilities_by_name() {
        assert_eq!(capability("CAP_NO_SUCH"), None);
        assert!(capability("cap_chown").is_some());
    }
}
