//! The last steps: ending what is left, and the machine.

use sys::boot;

use super::place::Place;
use crate::core::{End, EndRequest};

/// Whether anyone but us is left.
pub enum Outcome {
    /// We have no descendants.
    Alone,
    /// We have.
    NotAlone,
}

/// Looks for descendants: we are PID 1 or a subreaper, so every process that our daemons ever made is one.
pub fn alone() -> Outcome {
    let me = i32::try_from(std::process::id()).unwrap_or_default();
    match sys::process::children(me) {
        Ok(children) if children.is_empty() => Outcome::Alone,
        Ok(_) | Err(_) => Outcome::NotAlone,
    }
}

/// Signals all descendants: SIGTERM, or SIGKILL. True when there are none.
pub fn sweep(kill: bool) -> bool {
    let me = i32::try_from(std::process::id()).unwrap_or_default();
    let descendants = sys::process::descendants(me);
    let signal = sys::signals::number(if kill { "KILL" } else { "TERM" }).unwrap_or_default();
    for pid in &descendants {
        let _ = sys::signals::kill(*pid, signal);
        if !kill {
            let _ = sys::signals::kill(*pid, sys::signals::number("CONT").unwrap_or_default());
        }
    }
    descendants.is_empty()
}

/// Where the broker and systemctl leave the argument of reboot(2).
const REBOOT_PARAMETER: &str = "/run/systemd/reboot-param";

/// Ends the machine if we run one, or our PID namespace: that is how a container's PID 1 tells whoever started it whether
/// it wants to be started again (reboot(2), "Behavior inside PID namespaces"). The exit status where that is not ours to do.
pub fn finish(request: EndRequest, place: &Place) -> u8 {
    place.clean_up();
    let end = match request.end {
        // There is nobody to exit to.
        End::Exit if place.is_machine => Some(boot::End::PowerOff),
        End::Exit => None,
        End::PowerOff => Some(boot::End::PowerOff),
        End::Reboot => Some(boot::End::Reboot),
        End::Halt => Some(boot::End::Halt),
        End::Kexec => Some(boot::End::Kexec),
    };
    if let Some(end) = end.filter(|_| std::process::id() == 1) {
        let argument = std::fs::read_to_string(REBOOT_PARAMETER).unwrap_or_default();
        let Err(error) = boot::end(end, argument.trim());
        if place.is_machine {
            tracing::error!("cannot end the machine: {error}");
        } else {
            tracing::info!("cannot end the container: {error}; exiting");
        }
    }
    tracing::info!(status = request.status, "done: {:?}", request.end);
    request.status
}
