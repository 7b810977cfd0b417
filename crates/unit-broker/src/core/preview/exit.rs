//! What the supervisor would make of the end of a service's main process (systemd.service(5), Restart=).

use unit_parser::{Unit, rows};

use crate::core::api::event::ExitInfo;

/// `si_code` of a process that exited.
const EXITED: i32 = 1;
/// Signals that end a daemon cleanly.
const CLEAN_SIGNALS: [i32; 4] = [1, 2, 13, 15];

/// The word of `Result=`.
pub(super) fn result(unit: &Unit, exit: ExitInfo) -> &'static str {
    let set = unit.exit_status(rows::service::SUCCESS_EXIT_STATUS);
    if exit.code == EXITED {
        let clean = exit.status == 0 || set.is_some_and(|set| set.has_code(exit.status));
        return if clean { "success" } else { "exit-code" };
    }
    let daemon = unit.word(rows::service::TYPE) != "oneshot" && CLEAN_SIGNALS.contains(&exit.status);
    if daemon || set.is_some_and(|set| set.has_signal(exit.status)) { "success" } else { "signal" }
}

/// Whether it starts again by itself.
pub(super) fn restarts(unit: &Unit, exit: ExitInfo, result: &str) -> bool {
    let named = |row| {
        unit.exit_status(row).is_some_and(|set| {
            if exit.code == EXITED { set.has_code(exit.status) } else { set.has_signal(exit.status) }
        })
    };
    if named(rows::service::RESTART_PREVENT_EXIT_STATUS) {
        return false;
    }
    if named(rows::service::RESTART_FORCE_EXIT_STATUS) {
        return true;
    }
    match unit.word(rows::service::RESTART) {
        "always" => true,
        "on-success" => result == "success",
        "on-failure" => result != "success",
        "on-abnormal" | "on-abort" => result == "signal",
        // "no" and "on-watchdog"
        _ => false,
    }
}
