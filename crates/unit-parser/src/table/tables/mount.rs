//! [Mount] (systemd.mount(5)).

use super::macros::ONCE;
use crate::table::Kind::*;
use crate::table::Status::*;

table! {
    Mount, section "Mount", interface "";
    WHAT "What" Text, "", ["What" "s"], ONCE, Unknown, 0, "What is mounted";
    WHERE "Where" Path, "", ["Where" "s"], ONCE, Unknown, 0, "The mount point, which the unit's name must match";
    TYPE "Type" Text, "", ["Type" "s"], ONCE, Unknown, 0, "The file system's type";
    OPTIONS "Options" Text, "", ["Options" "s"], ONCE, Unknown, 0, "Mount options, separated by commas";
    SLOPPY_OPTIONS "SloppyOptions" Bool, "no", ["SloppyOptions" "b"], ONCE, Unknown, 0, "Tolerate unknown options";
    LAZY_UNMOUNT "LazyUnmount" Bool, "no", ["LazyUnmount" "b"], ONCE, Unknown, 0, "Detach now, clean up when no longer busy";
    FORCE_UNMOUNT "ForceUnmount" Bool, "no", ["ForceUnmount" "b"], ONCE, Unknown, 0, "Unmount by force";
    READ_WRITE_ONLY "ReadWriteOnly" Bool, "no", ["ReadWriteOnly" "b"], ONCE, Unknown, 0, "Fail instead of mounting read-only";
    DIRECTORY_MODE "DirectoryMode" Mode, "0755", ["DirectoryMode" "u"], ONCE, Unknown, 0, "Access mode of directories made for it";
    TIMEOUT_SEC "TimeoutSec" UsecZeroInfinite, "1min 30s", ["TimeoutUSec" "t"], ONCE, Unknown, 0, "How long mounting and unmounting may take";
}
