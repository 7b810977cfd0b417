//! [Scope] (systemd.scope(5)).

use super::macros::ONCE;
use crate::table::Kind::*;
use crate::table::Status::*;

const NOT_YET: &str = "scope units can't be made yet";

table! {
    Scope, section "Scope", interface "";
    RUNTIME_MAX_SEC "RuntimeMaxSec" Usec, "infinity", ["RuntimeMaxUSec" "t"], ONCE, NoEffect(NOT_YET), 0, "How long it may run";
    RUNTIME_RANDOMIZED_EXTRA_SEC "RuntimeRandomizedExtraSec" Usec, "0", ["RuntimeRandomizedExtraUSec" "t"], ONCE, NoEffect(NOT_YET), 0, "A random span on top of that";
    TIMEOUT_STOP_SEC "TimeoutStopSec" UsecZeroInfinite, "1min 30s", ["TimeoutStopUSec" "t"], ONCE, NoEffect(NOT_YET), 0, "How long a stop may take";
    OOM_POLICY "OOMPolicy" Word(&["continue", "stop", "kill"]), "continue", [], ONCE, NoEffect("kills by the kernel for lack of memory are not told apart"), 253, "What happens when the kernel kills a process for lack of memory";
}
