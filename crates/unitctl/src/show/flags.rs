//! Numbers that are sets of bits.

/// `clone(2)` flags of the namespaces that `RestrictNamespaces=` knows.
const NAMESPACES: &[(u64, &str)] = &[
    (0x0200_0000, "cgroup"),
    (0x0800_0000, "ipc"),
    (0x4000_0000, "net"),
    (0x0002_0000, "mnt"),
    (0x2000_0000, "pid"),
    (0x1000_0000, "user"),
    (0x0400_0000, "uts"),
];

/// `mount(2)` propagation flags (`MountFlags=`).
const PROPAGATION: &[(u64, &str)] = &[(1 << 20, "shared"), (1 << 19, "slave"), (1 << 18, "private")];

/// A property that is a set, in words; `None` for all others.
pub fn text(name: &str, bits: u64) -> Option<String> {
    match name {
        "CapabilityBoundingSet" | "AmbientCapabilities" => {
            let set = (0..u64::BITS).filter(|bit| bits >> bit & 1 == 1);
            Some(set.filter_map(unit_parser::parse::mask::capability_name).collect::<Vec<_>>().join(" "))
        }
        "RestrictNamespaces" => {
            let set: Vec<&str> =
                NAMESPACES.iter().filter(|(flag, _)| bits & flag != 0).map(|(_, name)| *name).collect();
            Some(match set.len() {
                0 => "yes".to_owned(),
                all if all == NAMESPACES.len() => "no".to_owned(),
                _ => set.join(" "),
            })
        }
        "MountFlags" => {
            let found = PROPAGATION.iter().find(|(flag, _)| bits & flag != 0);
            Some(found.map(|(_, name)| (*name).to_owned()).unwrap_or_default())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets() {
        assert_eq!(text("AmbientCapabilities", 1 << 10 | 1).as_deref(), Some("cap_chown cap_net_bind_service"));
        assert_eq!(text("CapabilityBoundingSet", u64::MAX).map(|set| set.split(' ').count()), Some(41));
        assert_eq!(text("RestrictNamespaces", 0x7e02_0000).as_deref(), Some("no"));
        assert_eq!(text("RestrictNamespaces", 0).as_deref(), Some("yes"));
        assert_eq!(text("MountFlags", 0).as_deref(), Some(""));
        assert_eq!(text("LimitNOFILE", 7), None);
    }
}
