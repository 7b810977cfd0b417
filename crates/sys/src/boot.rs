//! What only PID 1 of a machine does (reboot(2)).

use nix::sys::reboot::{RebootMode, reboot, set_cad_enabled};
use std::convert::Infallible;
use std::ffi::CString;
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
/// ends the namespace instead, by SIGHUP for a reboot and by SIGINT for the others. Returns only on failure. `argument` is
/// the firmware's or driver's word for what to boot next, or empty.
pub fn end(how: End, argument: &str) -> io::Result<Infallible> {
    nix::unistd::sync();
    if how == End::Reboot && !argument.is_empty() {
        reboot_with(argument)?;
    }
    let mode = match how {
        End::PowerOff => RebootMode::RB_POWER_OFF,
        End::Reboot => RebootMode::RB_AUTOBOOT,
        End::Halt => RebootMode::RB_HALT_SYSTEM,
        End::Kexec => RebootMode::RB_KEXEC,
    };
    Ok(reboot(mode)?)
}

/// LINUX_REBOOT_CMD_RESTART2, which the C library has no function for.
fn reboot_with(argument: &str) -> io::Result<()> {
    let argument = CString::new(argument)?;
    // SAFETY: the argument is a C string that outlives the call; reboot(2) reads it and nothing else of ours.
    let result = unsafe {
        libc::syscall(
            libc::SYS_reboot,
            libc::LINUX_REBOOT_MAGIC1,
            libc::LINUX_REBOOT_MAGIC2,
            libc::LINUX_REBOOT_CMD_RESTART2,
            argument.as_ptr(),
        )
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Ctrl-Alt-Del sends PID 1 SIGINT instead of rebooting at once. EPERM or EINVAL in containers.
pub fn catch_ctrl_alt_del() -> io::Result<()> {
    Ok(set_cad_enabled(false)?)
}
