//! What kind of machine this is: hardware, a virtual machine or a container, in systemd-detect-virt(1)'s words.

use std::fs;

/// Kind of virtualization, the outermost that this process sees first: containers count before the machine they run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Virtualization {
    /// Real hardware, or nothing that can be told.
    None,
    /// A virtual machine: `kvm`, `qemu`, `vmware`, ...
    Machine(&'static str),
    /// A container: `docker`, `podman`, `lxc`, `container-other`, ...
    Container(&'static str),
}

impl Virtualization {
    /// The word of systemd-detect-virt(1); empty for none, as the manager's property has it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::None => "",
            Self::Machine(word) | Self::Container(word) => word,
        }
    }

    /// What this process runs in.
    #[must_use]
    pub fn detect() -> Self {
        if let Some(word) = container() {
            return Self::Container(word);
        }
        machine().map_or(Self::None, Self::Machine)
    }
}

fn container() -> Option<&'static str> {
    // A user session inherits the variable from nobody: only PID 1's counts, or our own when we can't read it.
    let named = fs::read("/proc/1/environ")
        .ok()
        .and_then(|block| {
            let mut variables = block.split(|byte| *byte == 0);
            variables.find_map(|variable| variable.strip_prefix(b"container=").map(<[u8]>::to_vec))
        })
        .map(|name| String::from_utf8_lossy(&name).into_owned())
        .or_else(|| std::env::var("container").ok())
        .or_else(|| fs::read_to_string("/run/systemd/container").ok());
    if let Some(name) = named {
        return container_word(name.trim());
    }
    let exists = |path: &str| fs::metadata(path).is_ok();
    if exists("/run/.containerenv") {
        Some("podman")
    } else if exists("/.dockerenv") {
        Some("docker")
    } else if exists("/proc/vz") && !exists("/proc/bc") {
        Some("openvz")
    } else if fs::read_to_string("/proc/sys/kernel/osrelease")
        .is_ok_and(|text| text.contains("Microsoft") || text.contains("WSL"))
    {
        Some("wsl")
    } else {
        None
    }
}

fn container_word(name: &str) -> Option<&'static str> {
    const KNOWN: [&str; 10] =
        ["systemd-nspawn", "lxc-libvirt", "lxc", "openvz", "docker", "podman", "rkt", "wsl", "proot", "pouch"];
    match name {
        "" => None,
        "oci" => Some(if fs::metadata("/run/.containerenv").is_ok() { "podman" } else { "docker" }),
        _ => Some(KNOWN.into_iter().find(|known| *known == name).unwrap_or("container-other")),
    }
}

fn machine() -> Option<&'static str> {
    const VENDORS: [(&str, &str); 15] = [
        ("KVM", "kvm"),
        ("OpenStack", "kvm"),
        ("KubeVirt", "kvm"),
        ("Amazon EC2", "amazon"),
        ("QEMU", "qemu"),
        ("VMware", "vmware"),
        ("VMW", "vmware"),
        ("innotek GmbH", "oracle"),
        ("VirtualBox", "oracle"),
        ("Xen", "xen"),
        ("Bochs", "bochs"),
        ("Parallels", "parallels"),
        ("BHYVE", "bhyve"),
        ("Hyper-V", "microsoft"),
        ("Apple Virtualization", "apple"),
    ];
    for field in ["product_name", "sys_vendor", "board_vendor", "bios_vendor", "product_version"] {
        let Ok(text) = fs::read_to_string(format!("/sys/class/dmi/id/{field}")) else { continue };
        if let Some((_, word)) = VENDORS.iter().find(|(vendor, _)| text.starts_with(vendor)) {
            // QEMU with hardware help is KVM, which the processor's own list doesn't tell; the module's clock does.
            let kvm = *word == "qemu"
                && fs::read_to_string("/sys/devices/system/clocksource/clocksource0/available_clocksource")
                    .is_ok_and(|clocks| clocks.contains("kvm-clock"));
            return Some(if kvm { "kvm" } else { word });
        }
    }
    if let Ok(kind) = fs::read_to_string("/sys/hypervisor/type")
        && kind.trim() == "xen"
    {
        return Some("xen");
    }
    let clocks =
        fs::read_to_string("/sys/devices/system/clocksource/clocksource0/available_clocksource").unwrap_or_default();
    if clocks.contains("kvm-clock") {
        return Some("kvm");
    }
    if clocks.contains("hyperv") {
        return Some("microsoft");
    }
    let hypervisor = fs::read_to_string("/proc/cpuinfo")
        .is_ok_and(|info| info.lines().any(|line| line.starts_with("flags") && line.contains(" hypervisor")));
    hypervisor.then_some("vm-other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_containers() {
        assert_eq!(container_word("lxc"), Some("lxc"));
        assert_eq!(container_word("box"), Some("container-other"));
        assert_eq!(container_word(""), None);
    }
}
