//! The kernel's table of mounted file systems as units.

use std::collections::BTreeMap;

use unit_parser::{MOUNT_TABLE, Mounted, UnitName, UnitType};

/// Mounted file systems by unit; of those stacked on one place the topmost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MountTable(BTreeMap<UnitName, Mounted>);

/// Places that belong to every system: they have no units of their own, as in systemd.
const API: [&str; 14] = [
    "/proc",
    "/sys",
    "/sys/kernel/security",
    "/sys/fs/smackfs",
    "/sys/fs/cgroup",
    "/sys/fs/pstore",
    "/sys/fs/bpf",
    "/sys/fs/selinux",
    "/sys/firmware/efi/efivars",
    "/dev",
    "/dev/shm",
    "/dev/pts",
    "/run",
    "/run/lock",
];
/// The same in containers, where single files are mounted over.
const CONTAINER: [&str; 4] = ["/dev/console", "/proc/kmsg", "/proc/sys", "/proc/sys/kernel/random/boot_id"];

impl MountTable {
    /// The table as it is now; empty without /proc.
    #[must_use]
    pub fn read() -> Self {
        // Bytes: places need not be UTF-8.
        let bytes = std::fs::read(MOUNT_TABLE).unwrap_or_default();
        Self::parse(&String::from_utf8_lossy(&bytes))
    }

    fn parse(text: &str) -> Self {
        let mut table = BTreeMap::new();
        for mounted in text.lines().filter_map(line) {
            if let Ok(name) = UnitName::from_path(&mounted.place, UnitType::Mount) {
                table.insert(name, mounted);
            }
        }
        Self(table)
    }

    /// What is mounted where this unit says.
    #[must_use]
    pub fn get(&self, name: &UnitName) -> Option<&Mounted> {
        self.0.get(name)
    }

    /// All units.
    #[must_use]
    pub fn names(&self) -> Vec<UnitName> {
        self.0.keys().cloned().collect()
    }
}

/// One line of proc_pid_mountinfo(5), unless it is one of the places that have no unit.
fn line(line: &str) -> Option<Mounted> {
    let (mount, file_system) = line.split_once(" - ")?;
    let mut mount = mount.split(' ').skip(4);
    let (place, mount_options) = (unescape(mount.next()?), mount.next()?);
    let mut file_system = file_system.split(' ');
    let (kind, what, own_options) = (file_system.next()?, file_system.next()?, file_system.next().unwrap_or_default());
    let api = API.contains(&place.as_str()) || CONTAINER.contains(&place.as_str());
    if !place.starts_with('/') || api || place.starts_with("/sys/fs/cgroup/") {
        return None;
    }
    Some(Mounted {
        what: unescape(what),
        file_system: unescape(kind),
        options: options(&unescape(mount_options), &unescape(own_options)),
        place,
    })
}

/// Those of the mount and those of the file system in one: it can be written to if both say so.
fn options(mount: &str, own: &str) -> String {
    if mount == own {
        return mount.to_owned();
    }
    let access = |option: &&str| matches!(*option, "rw" | "ro");
    let all = || mount.split(',').chain(own.split(',')).filter(|option| !option.is_empty());
    let access_word = if all().any(|option| option == "ro") { "ro" } else { "rw" };
    let others = all().filter(|option| !access(option));
    std::iter::once(access_word).chain(others).collect::<Vec<_>>().join(",")
}

/// `\\040` and its like as the characters that they stand for.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        rest = match code {
            Some(code) => {
                out.push(char::from(code));
                after.get(3..).unwrap_or_default()
            }
            None => {
                out.push('\\');
                after
            }
        };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_units() {
        let table = MountTable::parse(concat!(
            "57 56 254:0 / / rw,relatime shared:37 - ext4 /dev/vda rw,discard\n",
            "71 57 0:25 / /srv/a\\040b ro,nosuid shared:38 - tmpfs none rw,size=4k\n",
            "72 57 0:21 / /proc rw,relatime - proc proc rw\n",
            "73 57 0:22 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n",
            "74 57 0:26 / /tmp rw - tmpfs first rw\n",
            "75 57 0:27 / /tmp rw - tmpfs second rw\n",
            "a broken line\n",
        ));
        let names: Vec<String> = table.names().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["-.mount", "srv-a\\x20b.mount", "tmp.mount"]);
        let get = |name: &str| table.get(&UnitName::parse(name).unwrap()).unwrap();
        assert_eq!(get("-.mount").options, "rw,relatime,discard");
        assert_eq!(get("srv-a\\x20b.mount").options, "ro,nosuid,size=4k");
        assert_eq!(get("srv-a\\x20b.mount").place, "/srv/a b");
        assert_eq!((get("tmp.mount").what.as_str(), get("tmp.mount").options.as_str()), ("second", "rw"));
    }
}
