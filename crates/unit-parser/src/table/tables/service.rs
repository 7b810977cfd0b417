//! [Service] (systemd.service(5)).

use super::macros::{MANY, ONCE};
use crate::table::Check;
use crate::table::Kind::*;
use crate::table::Status::*;

const TYPES: &[&str] = &["simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle"];
const RESTARTS: &[&str] = &["no", "always", "on-success", "on-failure", "on-abnormal", "on-abort", "on-watchdog"];
const TIMEOUT_MODE: &[&str] = &["terminate", "abort", "kill"];

table! {
    Service, section "Service", interface "";
    TYPE "Type" Word(TYPES), "simple", ["Type" "s"], ONCE, Works, 0, "When the service counts as started";
    EXIT_TYPE "ExitType" Word(&["main", "cgroup"]), "main", ["ExitType" "s"], ONCE, Works, 0, "Whether it ends with its main process or with its last one";
    RESTART "Restart" Word(RESTARTS), "no", ["Restart" "s"], ONCE, Works, 0, "After which ends it is started again";
    RESTART_MODE "RestartMode" Word(&["normal", "direct", "debug"]), "normal", [], ONCE, Works, 254, "Whether a restart passes through inactive or failed";
    PID_FILE "PIDFile" PidFile, "", ["PIDFile" "s"], ONCE, Works, 0, "The file that tells the main process of a forking service";
    NOTIFY_ACCESS "NotifyAccess" Word(&["none", "main", "exec", "all"]), "none", ["NotifyAccess" "s"], ONCE, Works, 0, "Whose notifications count";
    RESTART_SEC "RestartSec" Usec, "100ms", ["RestartUSec" "t"], ONCE, Works, 0, "The pause before a restart";
    RESTART_STEPS "RestartSteps" Uint(u32::MAX as u64), "0", [], ONCE, Works, 254, "In how many steps the pause grows to RestartMaxDelaySec=";
    RESTART_MAX_DELAY_SEC "RestartMaxDelaySec" Usec, "infinity", [], ONCE, Works, 254, "The longest pause before a restart";
    X_RESTART_RESET_SEC "X-RestartResetSec" Usec, "0", [], ONCE, Works, 0, "Quintet's own: after so long a time active the restarts are counted, and their pauses grow, from the beginning; 0 never";
    X_RESTART_OVERLAP "X-RestartOverlap" Bool, "no", [], ONCE, Works, 0, "Quintet's own: systemctl restart starts the new instance first, and the old one ends when that is up";
    TIMEOUT_START_SEC "TimeoutStartSec" UsecZeroInfinite, "1min 30s", ["TimeoutStartUSec" "t"], ONCE, Works, 0, "How long a start may take";
    TIMEOUT_STOP_SEC "TimeoutStopSec" UsecZeroInfinite, "1min 30s", ["TimeoutStopUSec" "t"], ONCE, Works, 0, "How long each step of a stop may take";
    TIMEOUT_ABORT_SEC "TimeoutAbortSec" UsecEmptyInfinite, "1min 30s", ["TimeoutAbortUSec" "t"], ONCE, Works, 0, "How long an abort after a watchdog failure may take";
    TIMEOUT_START_FAILURE_MODE "TimeoutStartFailureMode" Word(TIMEOUT_MODE), "terminate", ["TimeoutStartFailureMode" "s"], ONCE, Works, 0, "How a start that takes too long is ended";
    TIMEOUT_STOP_FAILURE_MODE "TimeoutStopFailureMode" Word(TIMEOUT_MODE), "terminate", ["TimeoutStopFailureMode" "s"], ONCE, Works, 0, "How a stop that takes too long is ended";
    RUNTIME_MAX_SEC "RuntimeMaxSec" Usec, "infinity", ["RuntimeMaxUSec" "t"], ONCE, Works, 0, "How long it may run before it is ended as failed";
    RUNTIME_RANDOMIZED_EXTRA_SEC "RuntimeRandomizedExtraSec" Usec, "0", ["RuntimeRandomizedExtraUSec" "t"], ONCE, Works, 0, "A random span on top of that";
    WATCHDOG_SEC "WatchdogSec" Usec, "infinity", ["WatchdogUSec" "t"], ONCE, Works, 0, "The longest pause between two signs of life";
    ROOT_DIRECTORY_START_ONLY "RootDirectoryStartOnly" Bool, "no", ["RootDirectoryStartOnly" "b"], ONCE, Works, 0, "Change the root only for ExecStart=";
    REMAIN_AFTER_EXIT "RemainAfterExit" Bool, "no", ["RemainAfterExit" "b"], ONCE, Works, 0, "It stays active when its processes are gone";
    GUESS_MAIN_PID "GuessMainPID" Bool, "yes", ["GuessMainPID" "b"], ONCE, Works, 0, "Guess the main process of a forking service without PIDFile=";
    RESTART_PREVENT_EXIT_STATUS "RestartPreventExitStatus" ExitStatus, "", ["RestartPreventExitStatus" "(aiai)"], MANY, Works, 0, "Ends after which it is never restarted";
    RESTART_FORCE_EXIT_STATUS "RestartForceExitStatus" ExitStatus, "", ["RestartForceExitStatus" "(aiai)"], MANY, Works, 0, "Ends after which it is always restarted";
    SUCCESS_EXIT_STATUS "SuccessExitStatus" ExitStatus, "", ["SuccessExitStatus" "(aiai)"], MANY, Works, 0, "Further ends that count as success";
    BUS_NAME "BusName" Checked(Check::BusName), "", ["BusName" "s"], ONCE, Works, 0, "The D-Bus name that it takes when it is up";
    FILE_DESCRIPTOR_STORE_MAX "FileDescriptorStoreMax" Uint(u32::MAX as u64), "0", ["FileDescriptorStoreMax" "u"], ONCE, Works, 0, "How many file descriptors may be kept for it";
    FILE_DESCRIPTOR_STORE_PRESERVE "FileDescriptorStorePreserve" BoolOrWord(&["yes", "no", "restart"]), "restart", [], ONCE, Works, 254, "When kept file descriptors are let go";
    PERMISSIONS_START_ONLY "PermissionsStartOnly" Bool, "no", [], ONCE, Works, 0, "The older way to run all commands but ExecStart= as the manager itself";
    SOCKETS "Sockets" Units(crate::dependencies::DependencyKind::TriggeredBy), "", [], MANY, Works, 0, "Sockets whose descriptors it gets";
    OPEN_FILE "OpenFile" Words, "", [], MANY, Works, 253, "Files and sockets opened for it and passed as descriptors";
    USB_FUNCTION_DESCRIPTORS "USBFunctionDescriptors" Path, "", ["USBFunctionDescriptors" "s"], ONCE, Works, 0, "Descriptors of a USB FunctionFS gadget";
    USB_FUNCTION_STRINGS "USBFunctionStrings" Path, "", ["USBFunctionStrings" "s"], ONCE, Works, 0, "Strings of a USB FunctionFS gadget";
    OOM_POLICY "OOMPolicy" Word(&["continue", "stop", "kill"]), "stop", ["OOMPolicy" "s"], ONCE, Works, 0, "What happens when the kernel kills a process for lack of memory";
    RELOAD_SIGNAL "ReloadSignal" Signal, "SIGHUP", [], ONCE, Works, 253, "The signal that reloads a service of Type=notify-reload";
    REFRESH_ON_RELOAD "RefreshOnReload" Words, "", [], MANY, NoEffect("extensions and credentials are not refreshed"), 260, "What is refreshed before a reload";
    EXEC_CONDITION "ExecCondition" Exec, "", ["ExecCondition" "a(sasbttttuii)", "ExecConditionEx" "a(sasasttttuii)"], MANY, Works, 0, "Commands whose failure skips the start";
    EXEC_START_PRE "ExecStartPre" Exec, "", ["ExecStartPre" "a(sasbttttuii)", "ExecStartPreEx" "a(sasasttttuii)"], MANY, Works, 0, "Commands before ExecStart=";
    EXEC_START "ExecStart" Exec, "", ["ExecStart" "a(sasbttttuii)", "ExecStartEx" "a(sasasttttuii)"], MANY, Works, 0, "The service's own command";
    EXEC_START_POST "ExecStartPost" Exec, "", ["ExecStartPost" "a(sasbttttuii)", "ExecStartPostEx" "a(sasasttttuii)"], MANY, Works, 0, "Commands after it is up";
    EXEC_RELOAD "ExecReload" Exec, "", ["ExecReload" "a(sasbttttuii)", "ExecReloadEx" "a(sasasttttuii)"], MANY, Works, 0, "Commands that make it read its configuration again";
    EXEC_RELOAD_POST "ExecReloadPost" Exec, "", [], MANY, NoEffect("not run yet"), 259, "Commands after a reload";
    EXEC_STOP "ExecStop" Exec, "", ["ExecStop" "a(sasbttttuii)", "ExecStopEx" "a(sasasttttuii)"], MANY, Works, 0, "Commands that stop it";
    EXEC_STOP_POST "ExecStopPost" Exec, "", ["ExecStopPost" "a(sasbttttuii)", "ExecStopPostEx" "a(sasasttttuii)"], MANY, Works, 0, "Commands after it ended, however it did";
    NON_BLOCKING "NonBlocking" Bool, "no", ["NonBlocking" "b"], ONCE, Works, 0, "Set O_NONBLOCK on passed descriptors";
}
