//! [Automount] (systemd.automount(5)).

use super::macros::ONCE;
use crate::table::Kind::*;
use crate::table::Status::*;

const NOT_YET: &str = "automount units can't be started yet";

table! {
    Automount, section "Automount", interface "";
    WHERE "Where" Path, "", ["Where" "s"], ONCE, NoEffect(NOT_YET), 0, "The mount point, which the unit's name must match";
    EXTRA_OPTIONS "ExtraOptions" Text, "", ["ExtraOptions" "s"], ONCE, NoEffect(NOT_YET), 0, "Options of the autofs mount";
    DIRECTORY_MODE "DirectoryMode" Mode, "0755", ["DirectoryMode" "u"], ONCE, NoEffect(NOT_YET), 0, "Access mode of directories made for it";
    TIMEOUT_IDLE_SEC "TimeoutIdleSec" UsecZeroInfinite, "", ["TimeoutIdleUSec" "t"], ONCE, NoEffect(NOT_YET), 0, "Unmount after so long without use";
}
