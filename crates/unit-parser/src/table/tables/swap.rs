//! [Swap] (systemd.swap(5)).

use super::macros::ONCE;
use crate::table::Kind::*;
use crate::table::Status::*;

const NOT_YET: &str = "swap units can't be started yet";

table! {
    Swap, section "Swap", interface "";
    WHAT "What" Path, "", ["What" "s"], ONCE, NoEffect(NOT_YET), 0, "The device or file, which the unit's name must match";
    PRIORITY "Priority" Int(-1, 32767), "-1", ["Priority" "i"], ONCE, NoEffect(NOT_YET), 0, "Which swap is used first";
    OPTIONS "Options" Text, "", ["Options" "s"], ONCE, NoEffect(NOT_YET), 0, "Options, separated by commas";
    TIMEOUT_SEC "TimeoutSec" UsecZeroInfinite, "1min 30s", ["TimeoutUSec" "t"], ONCE, NoEffect(NOT_YET), 0, "How long swapon may take";
}
