//! [Timer] (systemd.timer(5)).

use super::macros::{MANY, ONCE};
use crate::table::Kind::*;
use crate::table::Status::*;

const NOT_YET: &str = "timer units can't be started yet";

table! {
    Timer, section "Timer", interface "";
    ON_CALENDAR "OnCalendar" Timer, "", ["TimersCalendar" "a(sst)", "TimersMonotonic" "a(stt)"], MANY, NoEffect(NOT_YET), 0, "A calendar event that elapses it";
    ON_ACTIVE_SEC "OnActiveSec" Timer, "", [], MANY, NoEffect(NOT_YET), 0, "A span from its own activation";
    ON_BOOT_SEC "OnBootSec" Timer, "", [], MANY, NoEffect(NOT_YET), 0, "A span from the boot";
    ON_STARTUP_SEC "OnStartupSec" Timer, "", [], MANY, NoEffect(NOT_YET), 0, "A span from the manager's start";
    ON_UNIT_ACTIVE_SEC "OnUnitActiveSec" Timer, "", [], MANY, NoEffect(NOT_YET), 0, "A span from the unit's last activation";
    ON_UNIT_INACTIVE_SEC "OnUnitInactiveSec" Timer, "", [], MANY, NoEffect(NOT_YET), 0, "A span from the unit's last deactivation";
    ON_CLOCK_CHANGE "OnClockChange" Bool, "no", ["OnClockChange" "b"], ONCE, NoEffect(NOT_YET), 0, "Elapse when the clock is set";
    ON_TIMEZONE_CHANGE "OnTimezoneChange" Bool, "no", ["OnTimezoneChange" "b"], ONCE, NoEffect(NOT_YET), 0, "Elapse when the time zone is set";
    UNIT "Unit" TriggeredUnit, "", ["Unit" "s"], ONCE, NoEffect(NOT_YET), 0, "What it starts, if not the service of the same name";
    PERSISTENT "Persistent" Bool, "no", ["Persistent" "b"], ONCE, NoEffect(NOT_YET), 0, "Make up for an event missed while off";
    WAKE_SYSTEM "WakeSystem" Bool, "no", ["WakeSystem" "b"], ONCE, NoEffect(NOT_YET), 0, "Wake the machine from suspend";
    REMAIN_AFTER_ELAPSE "RemainAfterElapse" Bool, "yes", ["RemainAfterElapse" "b"], ONCE, NoEffect(NOT_YET), 0, "Keep it loaded when it won't elapse again";
    ACCURACY_SEC "AccuracySec" Usec, "1min", ["AccuracyUSec" "t"], ONCE, NoEffect(NOT_YET), 0, "How late it may elapse";
    RANDOMIZED_DELAY_SEC "RandomizedDelaySec" Usec, "0", ["RandomizedDelayUSec" "t"], ONCE, NoEffect(NOT_YET), 0, "A random delay up to this span";
    RANDOMIZED_OFFSET_SEC "RandomizedOffsetSec" Usec, "0", [], ONCE, NoEffect(NOT_YET), 258, "A random but stable delay up to this span";
    FIXED_RANDOM_DELAY "FixedRandomDelay" Bool, "no", ["FixedRandomDelay" "b"], ONCE, NoEffect(NOT_YET), 0, "The same random delay every time";
    DEFER_REACTIVATION "DeferReactivation" Bool, "no", [], ONCE, NoEffect(NOT_YET), 257, "Skip an event while the unit is still active";
}
