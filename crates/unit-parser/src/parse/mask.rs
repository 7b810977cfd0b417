//! Sets of bits by name: capabilities, secure bits, namespaces, mount propagation; and sets of CPUs.

const CAPABILITIES: &[&str] = &[
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// The number of a capability by name (`CAP_KILL`, in any case) or number.
pub fn capability(text: &str) -> Option<u32> {
    if let Ok(number) = text.parse::<u32>() {
        return (number <= 62).then_some(number);
    }
    let lower = text.to_ascii_lowercase();
    let name = lower.strip_prefix("cap_")?;
    CAPABILITIES.iter().position(|known| *known == name).and_then(|at| u32::try_from(at).ok())
}

/// The name of a capability: `cap_kill`.
pub fn capability_name(number: u32) -> Option<String> {
    let name = CAPABILITIES.get(usize::try_from(number).ok()?)?;
    Some(format!("cap_{name}"))
}

const SECURE_BITS: &[(&str, u64)] = &[
    ("noroot", 1),
    ("noroot-locked", 2),
    ("no-setuid-fixup", 4),
    ("no-setuid-fixup-locked", 8),
    ("keep-caps", 16),
    ("keep-caps-locked", 32),
];

const NAMESPACES: &[(&str, u64)] = &[
    ("cgroup", 0x0200_0000),
    ("ipc", 0x0800_0000),
    ("net", 0x4000_0000),
    ("mnt", 0x0002_0000),
    ("pid", 0x2000_0000),
    ("user", 0x1000_0000),
    ("uts", 0x0400_0000),
];

/// All namespaces: nothing is restricted.
pub const ALL_NAMESPACES: u64 = 0x7e02_0000;

fn lookup(table: &[(&str, u64)], word: &str) -> Option<u64> {
    table.iter().find(|(name, _)| *name == word).map(|(_, bit)| *bit)
}

/// A secure bit.
pub fn secure_bit(word: &str) -> Option<u64> {
    lookup(SECURE_BITS, word)
}

/// The CLONE_NEW… flag of a namespace.
pub fn namespace(word: &str) -> Option<u64> {
    lookup(NAMESPACES, word)
}

/// The bit or bits of a kind of memory in core dumps, or a mask in hexadecimal.
pub fn coredump_filter(word: &str) -> Option<u64> {
    const KINDS: &[&str] = &[
        "private-anonymous",
        "shared-anonymous",
        "private-file-backed",
        "shared-file-backed",
        "elf-headers",
        "private-huge",
        "shared-huge",
        "private-dax",
        "shared-dax",
    ];
    match word {
        "default" => Some(0x33),
        "all" => Some(u64::from(u32::MAX)),
        _ => match KINDS.iter().position(|kind| *kind == word) {
            Some(bit) => Some(1 << bit),
            None => u64::from_str_radix(word.strip_prefix("0x").unwrap_or(word), 16).ok(),
        },
    }
}

/// The MS_… flag of a mount propagation.
pub fn propagation(word: &str) -> Option<u64> {
    lookup(&[("shared", 1 << 20), ("slave", 1 << 19), ("private", 1 << 18)], word)
}

/// The numbers of `0-3,5 7`, ascending; `None` if it is no such list.
pub fn cpu_set(text: &str) -> Option<Vec<u32>> {
    let mut set = std::collections::BTreeSet::new();
    for word in text.split([' ', '\t', ',']).filter(|w| !w.is_empty()) {
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        let first: u32 = first.parse().ok()?;
        let last: u32 = last.parse().ok()?;
        if last >= 8192 {
            return None;
        }
        set.extend(first..=last);
    }
    Some(set.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets() {
        assert_eq!(capability("CAP_NET_RAW"), Some(13));
        assert_eq!(capability("cap_bpf"), Some(39));
        assert_eq!(capability("NET_RAW"), None);
        assert_eq!(capability_name(0).as_deref(), Some("cap_chown"));
        assert_eq!(cpu_set("0-2,5 7"), Some(vec![0, 1, 2, 5, 7]));
        assert_eq!(cpu_set("3-1"), Some(vec![]));
        assert_eq!(cpu_set("x"), None);
        assert_eq!(NAMESPACES.iter().fold(0, |all, (_, bit)| all | bit), ALL_NAMESPACES);
    }
}
