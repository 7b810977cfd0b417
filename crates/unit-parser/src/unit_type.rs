//! The kinds of unit (systemd(1), "Units").

use serde::{Deserialize, Serialize};

/// The type of a unit, which is the suffix of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnitType {
    /// A process or group of processes (systemd.service(5)).
    Service,
    /// A listening address that activates a service (systemd.socket(5)).
    Socket,
    /// A group of units, a synchronisation point (systemd.target(5)).
    Target,
    /// A device of the kernel that udev tagged (systemd.device(5)).
    Device,
    /// A mount point (systemd.mount(5)).
    Mount,
    /// A mount point mounted on access (systemd.automount(5)).
    Automount,
    /// A swap device or file (systemd.swap(5)).
    Swap,
    /// A clock that activates a unit (systemd.timer(5)).
    Timer,
    /// A watched path that activates a unit (systemd.path(5)).
    Path,
    /// A node of the control group tree (systemd.slice(5)).
    Slice,
    /// Processes started by somebody else (systemd.scope(5)).
    Scope,
}

impl UnitType {
    /// All types, in the order in which systemd lists them.
    pub const ALL: [UnitType; 11] = [
        UnitType::Service,
        UnitType::Mount,
        UnitType::Swap,
        UnitType::Socket,
        UnitType::Target,
        UnitType::Device,
        UnitType::Automount,
        UnitType::Timer,
        UnitType::Path,
        UnitType::Slice,
        UnitType::Scope,
    ];

    /// The suffix of unit names, without the dot: `service`.
    pub const fn as_str(self) -> &'static str {
        match self {
            UnitType::Service => "service",
            UnitType::Socket => "socket",
            UnitType::Target => "target",
            UnitType::Device => "device",
            UnitType::Mount => "mount",
            UnitType::Automount => "automount",
            UnitType::Swap => "swap",
            UnitType::Timer => "timer",
            UnitType::Path => "path",
            UnitType::Slice => "slice",
            UnitType::Scope => "scope",
        }
    }

    /// The last word of the D-Bus interface `org.freedesktop.systemd1.*`, which is also the name of
    /// the type's own section in a unit file: `Service`.
    pub const fn interface(self) -> &'static str {
        match self {
            UnitType::Service => "Service",
            UnitType::Socket => "Socket",
            UnitType::Target => "Target",
            UnitType::Device => "Device",
            UnitType::Mount => "Mount",
            UnitType::Automount => "Automount",
            UnitType::Swap => "Swap",
            UnitType::Timer => "Timer",
            UnitType::Path => "Path",
            UnitType::Slice => "Slice",
            UnitType::Scope => "Scope",
        }
    }

    /// The type that a suffix stands for; `None` for anything else.
    pub fn from_suffix(suffix: &str) -> Option<UnitType> {
        UnitType::ALL.into_iter().find(|t| t.as_str() == suffix)
    }

    /// Whether units of this type run processes of their own (and take exec and kill settings).
    pub const fn has_exec(self) -> bool {
        matches!(self, UnitType::Service | UnitType::Socket | UnitType::Mount | UnitType::Swap)
    }

    /// Whether units of this type have a control group (and take resource-control settings).
    pub const fn has_cgroup(self) -> bool {
        self.has_exec() || matches!(self, UnitType::Slice | UnitType::Scope)
    }
}

impl std::fmt::Display for UnitType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
