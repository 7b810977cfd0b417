//! What a machine may ask of the world while it decides: facts of this moment, never effects.

use super::Pid;
use super::instance::Instance;

/// Whose process a PID is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// One of this unit's.
    Unit,
    /// Somebody else's.
    Other,
    /// The supervisor, the launcher, or PID 1.
    Manager,
    /// No such process, or a zombie.
    Nobody,
}

/// What the PID file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PidFile {
    /// The number in it.
    pub pid: Pid,
    /// The file belongs to root.
    pub root_owned: bool,
    /// It was reached over a link that an unprivileged user could have made.
    pub questionable: bool,
}

/// Facts about a unit's processes. A test answers from a table, the driver from the kernel.
pub trait View {
    /// Whether any process of the unit is alive; `None` when that cannot be known.
    fn populated(&self) -> Option<bool>;
    /// Whose this process is.
    fn owner(&self, pid: Pid) -> Owner;
    /// The unit's processes that are children of a manager, for guessing the main one.
    fn orphans(&self) -> Vec<Pid>;
    /// Whether any process of one instance is alive; `None` when that cannot be known.
    fn instance_populated(&self, instance: &Instance) -> Option<bool>;
    /// Whether this process is one of that instance.
    fn is_of_instance(&self, pid: Pid, instance: &Instance) -> bool;
    /// Whether a watchdog that isn't notified in time ends a service (`systemctl service-watchdogs`).
    fn watchdogs(&self) -> bool {
        true
    }
    /// What the PID file says, or why it can't be read.
    fn pid_file(&self) -> Result<PidFile, String>;
}
