//! What only PID 1 of a machine does (reboot(2)).

use nix::sys::reboot::{RebootMode, reboot, set_cad_enabled};
use std::convert::Infallible;
use std::io;

/// Ways to end a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Power off.
    PowerOff,
    /// Restart through the firmware.
    Reboot,
    /// Halt; power stays on.
    Halt,
    /// Start the kernel loaded by kexec_load(2).
    Kexec,
}

/// Writes all file systems' dirty data (sync(2)) and ends the machine. In a PID namespace other than the first, the kernel
/// ends the namespace instead. Returns only on failure.
pub fn end(how: End) -> io::Result<Infallible> {
    nix::unistd::sync();
    let mode = match how {
        End::PowerOff => RebootMode::RB_POWER_OFF,
        End::Reboot => RebootMode::RB_AUTOBOOT,
        End::Halt => RebootMode::RB_HALT_SYSTEM,
        End::Kexec => RebootMode::RB_KEXEC,
    };
    Ok(reboot(mode)?)
}

/// Ctrl-Alt-Del sends PID 1 SIGINT instead of rebooting at once. EPERM or EINVAL in containers.
pub fn catch_ctrl_alt_del() -> io::Result<()> {
    Ok(set_cad_enabled(false)?)
}
