//! [Swap] (systemd.swap(5)).

use super::macros::ONCE;
use crate::table::Kind::*;
use crate::table::Status::*;

table! {
    Swap, section "Swap", interface "";
    WHAT "What" Path, "", ["What" "s"], ONCE, Unknown, 0, "The device or file, which the unit's name must match";
    PRIORITY "Priority" Int(-1, 32767), "-1", ["Priority" "i"], ONCE, Unknown, 0, "Which swap is used first";
    OPTIONS "Options" Text, "", ["Options" "s"], ONCE, Unknown, 0, "Options, separated by commas";
    TIMEOUT_SEC "TimeoutSec" UsecZeroInfinite, "1min 30s", ["TimeoutUSec" "t"], ONCE, Unknown, 0, "How long swapon may take";
}
