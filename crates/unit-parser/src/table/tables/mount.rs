//! [Mount] (systemd.mount(5)).

use super::macros::ONCE;
use crate::table::Kind::*;
use crate::table::Status::*;

const NOT_YET: &str = "mount units only follow what is mounted: nothing is mounted or unmounted yet";

table! {
    Mount, section "Mount", interface "";
    WHAT "What" Text, "", ["What" "s"], ONCE, NoEffect(NOT_YET), 0, "What is mounted";
    WHERE "Where" Path, "", ["Where" "s"], ONCE, NoEffect(NOT_YET), 0, "The mount point, which the unit's name must match";
    TYPE "Type" Text, "", ["Type" "s"], ONCE, NoEffect(NOT_YET), 0, "The file system's type";
    OPTIONS "Options" Text, "", ["Options" "s"], ONCE, NoEffect(NOT_YET), 0, "Mount options, separated by commas";
    SLOPPY_OPTIONS "SloppyOptions" Bool, "no", ["SloppyOptions" "b"], ONCE, NoEffect(NOT_YET), 0, "Tolerate unknown options";
    LAZY_UNMOUNT "LazyUnmount" Bool, "no", ["LazyUnmount" "b"], ONCE, NoEffect(NOT_YET), 0, "Detach now, clean up when no longer busy";
    FORCE_UNMOUNT "ForceUnmount" Bool, "no", ["ForceUnmount" "b"], ONCE, NoEffect(NOT_YET), 0, "Unmount by force";
    READ_WRITE_ONLY "ReadWriteOnly" Bool, "no", ["ReadWriteOnly" "b"], ONCE, NoEffect(NOT_YET), 0, "Fail instead of mounting read-only";
    DIRECTORY_MODE "DirectoryMode" Mode, "0755", ["DirectoryMode" "u"], ONCE, NoEffect(NOT_YET), 0, "Access mode of directories made for it";
    TIMEOUT_SEC "TimeoutSec" UsecZeroInfinite, "1min 30s", ["TimeoutUSec" "t"], ONCE, NoEffect(NOT_YET), 0, "How long mounting and unmounting may take";
}
