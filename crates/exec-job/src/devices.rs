//! Which devices a unit's processes may use (systemd.resource-control(5), DevicePolicy= and DeviceAllow=).

use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use sys::bpf::{Access, Class, Rule};
use unit_parser::conditions::glob;
use unit_parser::rows::cgroup;
use unit_parser::{RowId, Unit};

/// The devices of `DevicePolicy=closed`: they do nothing to the machine. Pseudo terminals come on top.
const HARMLESS: [&str; 7] =
    ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx"];
/// The nodes that take the place of what `InaccessiblePaths=` hides.
const INACCESSIBLE: [&str; 2] = ["/run/systemd/inaccessible/chr", "/run/systemd/inaccessible/blk"];

/// What may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Devices {
    /// The rules.
    pub rules: Vec<Rule>,
    /// What names no device.
    pub complaints: Vec<String>,
    /// The directive that asks for it; none where another one implies it.
    pub directive: Option<&'static str>,
}

/// The devices of a unit; `None` when it may use all.
pub fn devices(unit: &Unit) -> Option<Devices> {
    of(unit, &|| std::fs::read_to_string("/proc/devices").unwrap_or_default(), &node)
}

/// Kind and numbers of a device node.
type Node = (Class, u32, u32);

fn node(path: &str) -> Option<Node> {
    let data = std::fs::metadata(Path::new(path)).ok()?;
    let class = if data.file_type().is_char_device() {
        Class::Character
    } else if data.file_type().is_block_device() {
        Class::Block
    } else {
        return None;
    };
    let number = data.rdev();
    let part = |part: u64| u32::try_from(part).ok();
    Some((class, part(nix::sys::stat::major(number))?, part(nix::sys::stat::minor(number))?))
}

fn of(unit: &Unit, groups: &dyn Fn() -> String, node: &dyn Fn(&str) -> Option<Node>) -> Option<Devices> {
    let allowed = unit.pairs(cgroup::DEVICE_ALLOW);
    let strict = match unit.word(cgroup::DEVICE_POLICY) {
        "strict" => true,
        "closed" => false,
        // With a list it is closed, without one open.
        _ if allowed.is_empty() => return None,
        _ => false,
    };
    let groups = groups();
    let mut rules = Vec::new();
    let mut complaints = Vec::new();
    let one = |(class, major, minor): Node, access| Rule { class, major: Some(major), minor: Some(minor), access };
    if !strict {
        let harmless = HARMLESS.iter().chain(&INACCESSIBLE).filter_map(|path| node(path));
        rules.extend(harmless.map(|node| one(node, Access::ALL)));
        rules.extend(of_group(Class::Character, "pts", &groups, Access::of("rw")));
    }
    for (device, access) in allowed {
        let access = Access::of(access);
        let before = rules.len();
        if let Some(group) = device.strip_prefix("char-") {
            rules.extend(of_group(Class::Character, group, &groups, access));
        } else if let Some(group) = device.strip_prefix("block-") {
            rules.extend(of_group(Class::Block, group, &groups, access));
        } else {
            rules.extend(numbered(device).or_else(|| node(device)).map(|node| one(node, access)));
        }
        if rules.len() == before {
            complaints.push(format!("DeviceAllow={device}: no such device."));
        }
    }
    let set = |row: RowId| unit.is_set(row).then(|| row.row().name);
    let directive = set(cgroup::DEVICE_ALLOW).or_else(|| set(cgroup::DEVICE_POLICY));
    Some(Devices { rules, complaints, directive })
}

/// `/dev/char/1:3` and `/dev/block/8:0` tell the numbers, whether the node is there or not.
fn numbered(path: &str) -> Option<Node> {
    let (class, numbers) = match path.strip_prefix("/dev/char/") {
        Some(numbers) => (Class::Character, numbers),
        None => (Class::Block, path.strip_prefix("/dev/block/")?),
    };
    let (major, minor) = numbers.split_once(':')?;
    Some((class, major.parse().ok()?, minor.parse().ok()?))
}

/// A group of /proc/devices by its name, which may be a pattern, or by its number.
fn of_group(class: Class, name: &str, groups: &str, access: Access) -> Vec<Rule> {
    let rule = |major| Rule { class, major, minor: None, access };
    if name == "*" {
        return vec![rule(None)];
    }
    if let Ok(major) = name.parse() {
        return vec![rule(Some(major))];
    }
    let head = match class {
        Class::Character => "Character devices:",
        Class::Block => "Block devices:",
    };
    let lines = groups.lines().skip_while(|line| *line != head).skip(1).take_while(|line| !line.is_empty());
    let majors = lines.filter_map(|line| {
        let (major, group) = line.trim().split_once(' ')?;
        glob::matches(name, group.trim()).then(|| major.parse().ok())?
    });
    majors.map(|major| rule(Some(major))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use unit_parser::{Origin, UnitName, Value};

    const GROUPS: &str = "Character devices:\n  1 mem\n  5 /dev/tty\n  5 ttyprintk\n116 alsa\n136 pts\n\nBlock devices:\n  7 loop\n259 blkext\n";

    fn known(path: &str) -> Option<Node> {
        match path {
            "/dev/null" => Some((Class::Character, 1, 3)),
            "/dev/kmsg" => Some((Class::Character, 1, 11)),
            "/dev/loop0" => Some((Class::Block, 7, 0)),
            _ => None,
        }
    }

    /// `c 1:3 rwm`, as cgroups of old wrote it.
    fn shown(policy: &str, allow: &[(&str, &str)]) -> Option<(Vec<String>, usize)> {
        let mut unit = Unit::new(UnitName::parse("a.service").unwrap());
        let pairs = allow.iter().map(|(device, access)| ((*device).to_owned(), (*access).to_owned())).collect();
        unit.set(cgroup::DEVICE_POLICY, Value::Word(policy.into()), Origin::default());
        unit.set(cgroup::DEVICE_ALLOW, Value::Pairs(pairs), Origin::default());
        let devices = of(&unit, &|| GROUPS.to_owned(), &known)?;
        let number = |number: Option<u32>| number.map_or_else(|| "*".to_owned(), |number| number.to_string());
        let rules = devices.rules.iter().map(|rule| {
            let class = if rule.class == Class::Block { 'b' } else { 'c' };
            let letters = ["r", "w", "m", "rw", "rm", "wm", "rwm"];
            let access = letters.into_iter().find(|it| Access::of(it) == rule.access).unwrap_or("-");
            format!("{class} {}:{} {access}", number(rule.major), number(rule.minor))
        });
        Some((rules.collect(), devices.complaints.len()))
    }

    #[test]
    fn policies() {
        const CLOSED: [&str; 2] = ["c 1:3 rwm", "c 136:* rw"];
        assert_eq!(shown("auto", &[]), None);
        assert_eq!(shown("strict", &[]), Some((vec![], 0)));
        let both = |more: &[&str]| CLOSED.iter().chain(more).map(|rule| (*rule).to_owned()).collect::<Vec<_>>();
        assert_eq!(shown("closed", &[]), Some((both(&[]), 0)));
        assert_eq!(shown("auto", &[("/dev/kmsg", "r")]), Some((both(&["c 1:11 r"]), 0)));
    }

    #[test]
    fn names_of_devices() {
        for (device, access, rules) in [
            ("/dev/loop0", "rw", &["b 7:0 rw"][..]),
            ("char-mem", "r", &["c 1:* r"]),
            ("char-*", "rwm", &["c *:* rwm"]),
            ("char-a*", "rw", &["c 116:* rw"]),
            ("char-5", "w", &["c 5:* w"]),
            ("char-tty*", "w", &["c 5:* w"]),
            ("block-blk?xt", "m", &["b 259:* m"]),
            ("/dev/char/10:229", "rw", &["c 10:229 rw"]),
            ("block-mem", "r", &[]),
            ("/dev/nosuch", "r", &[]),
        ] {
            let expected = rules.iter().map(|rule| (*rule).to_owned()).collect::<Vec<_>>();
            let complaints = usize::from(expected.is_empty());
            assert_eq!(shown("strict", &[(device, access)]), Some((expected, complaints)), "{device}");
        }
    }
}
