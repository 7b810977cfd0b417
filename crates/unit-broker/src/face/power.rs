//! Ending the manager or the machine at once (org.freedesktop.systemd1(5), "PowerOff()" and its like).

use super::call::{Answered, Call};
use super::errors;
use crate::driver::Broker;

/// Answers `Exit`, `Reboot`, `PowerOff`, `Halt`, `KExec`, `SwitchRoot`, `SoftReboot`.
///
/// # Errors
/// What the caller is told.
pub fn handle(broker: &mut Broker, call: &Call, member: &str) -> Answered {
    let request = match member {
        "Exit" => "exit",
        "Reboot" => "reboot",
        "PowerOff" => "poweroff",
        "Halt" => "halt",
        "KExec" => "kexec",
        _ => return Err(errors::not_supported(member)),
    };
    broker.end_now(request, &call.cause().to_string());
    call.reply(&())
}
