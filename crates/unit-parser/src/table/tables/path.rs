//! [Path] (systemd.path(5)).

use super::macros::{MANY, ONCE};
use crate::table::Kind::*;
use crate::table::Status::*;

const NOT_YET: &str = "path units can't be started yet";

table! {
    Path, section "Path", interface "";
    PATH_EXISTS "PathExists" WatchedPath, "", ["Paths" "a(ss)"], MANY, NoEffect(NOT_YET), 0, "Start the unit when the path exists";
    PATH_EXISTS_GLOB "PathExistsGlob" WatchedPath, "", [], MANY, NoEffect(NOT_YET), 0, "Start the unit when the pattern matches";
    PATH_CHANGED "PathChanged" WatchedPath, "", [], MANY, NoEffect(NOT_YET), 0, "Start the unit when the file was written and closed";
    PATH_MODIFIED "PathModified" WatchedPath, "", [], MANY, NoEffect(NOT_YET), 0, "Start the unit when the file is written to";
    DIRECTORY_NOT_EMPTY "DirectoryNotEmpty" WatchedPath, "", [], MANY, NoEffect(NOT_YET), 0, "Start the unit when the directory has something in it";
    UNIT "Unit" TriggeredUnit, "", ["Unit" "s"], ONCE, NoEffect(NOT_YET), 0, "What it starts, if not the service of the same name";
    MAKE_DIRECTORY "MakeDirectory" Bool, "no", ["MakeDirectory" "b"], ONCE, NoEffect(NOT_YET), 0, "Make the watched directories";
    DIRECTORY_MODE "DirectoryMode" Mode, "0755", ["DirectoryMode" "u"], ONCE, NoEffect(NOT_YET), 0, "Access mode of directories made so";
    TRIGGER_LIMIT_INTERVAL_SEC "TriggerLimitIntervalSec" Usec, "infinity", ["TriggerLimitIntervalUSec" "t"], ONCE, NoEffect(NOT_YET), 0, "The span in which activations are counted";
    TRIGGER_LIMIT_BURST "TriggerLimitBurst" Uint(u32::MAX as u64), "4294967295", ["TriggerLimitBurst" "u"], ONCE, NoEffect(NOT_YET), 0, "How many activations the span may have";
}
