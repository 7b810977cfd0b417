//! How processes are ended: in [Service], [Socket], [Mount], [Swap] and [Scope] (systemd.kill(5)).

use super::macros::ONCE;
use crate::table::Kind::*;
use crate::table::Status::*;

const MODES: &[&str] = &["control-group", "process", "mixed", "none"];

table! {
    Kill, section "kill", interface "";
    KILL_MODE "KillMode" Word(MODES), "control-group", ["KillMode" "s"], ONCE, Works, 0, "Which processes a stop kills";
    KILL_SIGNAL "KillSignal" Signal, "SIGTERM", ["KillSignal" "i"], ONCE, Works, 0, "The first signal of a stop";
    RESTART_KILL_SIGNAL "RestartKillSignal" Signal, "SIGTERM", ["RestartKillSignal" "i"], ONCE, Works, 0, "The first signal of a restart, if not that of a stop";
    FINAL_KILL_SIGNAL "FinalKillSignal" Signal, "SIGKILL", ["FinalKillSignal" "i"], ONCE, Works, 0, "The signal after the time-out";
    SEND_SIGKILL "SendSIGKILL" Bool, "yes", ["SendSIGKILL" "b"], ONCE, Works, 0, "Whether there is a final signal";
    SEND_SIGHUP "SendSIGHUP" Bool, "no", ["SendSIGHUP" "b"], ONCE, Works, 0, "Send SIGHUP after the first signal";
    WATCHDOG_SIGNAL "WatchdogSignal" Signal, "SIGABRT", ["WatchdogSignal" "i"], ONCE, Works, 0, "The signal when a watchdog expires";
}
