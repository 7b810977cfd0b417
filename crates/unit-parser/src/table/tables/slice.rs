//! [Slice]: only resource control, and what later versions add (systemd.slice(5)).

use super::macros::ONCE;
use crate::table::Kind::*;
use crate::table::Status::*;

const NO_LIMIT: &str = "units in a slice are not counted";

table! {
    Slice, section "Slice", interface "";
    CONCURRENCY_SOFT_MAX "ConcurrencySoftMax" Uint(u32::MAX as u64), "infinity", [], ONCE, NoEffect(NO_LIMIT), 258, "How many units in it may be active before further starts wait";
    CONCURRENCY_HARD_MAX "ConcurrencyHardMax" Uint(u32::MAX as u64), "infinity", [], ONCE, NoEffect(NO_LIMIT), 258, "How many units in it may be active before further starts fail";
}
