//! What the machine reads from a unit: the settings that decide about states, none of those that only the spawn needs.

use serde::{Deserialize, Serialize};
use unit_parser::ExitStatusSet;

use super::command::CommandKind;
use super::restart::Restart;
use super::time::INFINITY;
use unit_parser::{RowId, Unit, rows};

/// `Type=`: when the service counts as started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceType {
    /// At once.
    #[default]
    Simple,
    /// When the program has been executed.
    Exec,
    /// When the first process has exited and left a daemon.
    Forking,
    /// When the commands are done.
    Oneshot,
    /// When the bus name is taken.
    Dbus,
    /// At `READY=1`.
    Notify,
    /// At `READY=1`; reloads by a signal.
    NotifyReload,
    /// As simple, after the other jobs.
    Idle,
}

impl ServiceType {
    /// From the directive's word.
    pub fn parse(word: &str) -> Option<ServiceType> {
        Some(match word {
            "simple" => ServiceType::Simple,
            "exec" => ServiceType::Exec,
            "forking" => ServiceType::Forking,
            "oneshot" => ServiceType::Oneshot,
            "dbus" => ServiceType::Dbus,
            "notify" => ServiceType::Notify,
            "notify-reload" => ServiceType::NotifyReload,
            "idle" => ServiceType::Idle,
            _ => return None,
        })
    }

    /// Readiness comes as a notification.
    pub fn notifies(self) -> bool {
        matches!(self, ServiceType::Notify | ServiceType::NotifyReload)
    }
}

/// `NotifyAccess=`: whose notifications count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotifyAccess {
    /// Nobody's.
    #[default]
    None,
    /// The main process's.
    Main,
    /// The main and the control process's.
    Exec,
    /// Every process's of the unit.
    All,
}

impl NotifyAccess {
    /// From the directive's word.
    pub fn parse(word: &str) -> Option<NotifyAccess> {
        Some(match word {
            "none" => NotifyAccess::None,
            "main" => NotifyAccess::Main,
            "exec" => NotifyAccess::Exec,
            "all" => NotifyAccess::All,
            _ => return None,
        })
    }

    /// The word on D-Bus.
    pub fn as_str(self) -> &'static str {
        match self {
            NotifyAccess::None => "none",
            NotifyAccess::Main => "main",
            NotifyAccess::Exec => "exec",
            NotifyAccess::All => "all",
        }
    }
}

/// `KillMode=` (systemd.kill(5)): who gets the signals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KillMode {
    /// Every process.
    #[default]
    ControlGroup,
    /// The main process first, every process in the end.
    Mixed,
    /// The main and control process only.
    Process,
    /// Nobody.
    None,
}

impl KillMode {
    /// From the directive's word.
    pub fn parse(word: &str) -> Option<KillMode> {
        Some(match word {
            "control-group" => KillMode::ControlGroup,
            "mixed" => KillMode::Mixed,
            "process" => KillMode::Process,
            "none" => KillMode::None,
            _ => return None,
        })
    }
}

/// `TimeoutStartFailureMode=`, `TimeoutStopFailureMode=`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeoutMode {
    /// `KillSignal=`, then `FinalKillSignal=`.
    #[default]
    Terminate,
    /// `WatchdogSignal=`, then `FinalKillSignal=`.
    Abort,
    /// `FinalKillSignal=` at once.
    Kill,
}

impl TimeoutMode {
    /// From the directive's word.
    pub fn parse(word: &str) -> Option<TimeoutMode> {
        Some(match word {
            "terminate" => TimeoutMode::Terminate,
            "abort" => TimeoutMode::Abort,
            "kill" => TimeoutMode::Kill,
            _ => return None,
        })
    }
}

/// `OOMPolicy=`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OomPolicy {
    /// A log line only.
    Continue,
    /// The service is stopped.
    #[default]
    Stop,
    /// Every process is killed.
    Kill,
}

impl OomPolicy {
    /// From the directive's word.
    pub fn parse(word: &str) -> Option<OomPolicy> {
        Some(match word {
            "continue" => OomPolicy::Continue,
            "stop" => OomPolicy::Stop,
            "kill" => OomPolicy::Kill,
            _ => return None,
        })
    }
}

/// Signals and who gets them (systemd.kill(5)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kill {
    /// `KillMode=`
    pub mode: KillMode,
    /// `KillSignal=`
    pub signal: i32,
    /// `RestartKillSignal=`, if set.
    pub restart_signal: Option<i32>,
    /// `FinalKillSignal=`
    pub final_signal: i32,
    /// `WatchdogSignal=`
    pub watchdog_signal: i32,
    /// `ReloadSignal=` of `Type=notify-reload`.
    pub reload_signal: i32,
    /// `SendSIGHUP=`
    pub send_sighup: bool,
    /// `SendSIGKILL=`
    pub send_sigkill: bool,
}

impl Default for Kill {
    fn default() -> Kill {
        Kill {
            mode: KillMode::ControlGroup,
            signal: 15,
            restart_signal: None,
            final_signal: 9,
            watchdog_signal: 6,
            reload_signal: 1,
            send_sighup: false,
            send_sigkill: true,
        }
    }
}

/// Time-outs in microseconds, [`INFINITY`] for none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeouts {
    /// `TimeoutStartSec=`
    pub start: u64,
    /// `TimeoutStopSec=`
    pub stop: u64,
    /// `TimeoutAbortSec=`, the stop time-out where unset.
    pub abort: u64,
    /// `TimeoutStartFailureMode=`
    pub start_mode: TimeoutMode,
    /// `TimeoutStopFailureMode=`
    pub stop_mode: TimeoutMode,
    /// `RuntimeMaxSec=`
    pub runtime_max: u64,
    /// `RuntimeRandomizedExtraSec=`
    pub runtime_extra: u64,
    /// `WatchdogSec=`, 0 for none.
    pub watchdog: u64,
    /// `TimeoutCleanSec=`
    #[serde(default = "no_limit")]
    pub clean: u64,
}

fn no_limit() -> u64 {
    INFINITY
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            start: 90_000_000,
            stop: 90_000_000,
            abort: 90_000_000,
            start_mode: TimeoutMode::Terminate,
            stop_mode: TimeoutMode::Terminate,
            runtime_max: INFINITY,
            runtime_extra: 0,
            watchdog: 0,
            clean: INFINITY,
        }
    }
}

/// `Restart=` and what belongs to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartPolicy {
    /// `Restart=`
    pub restart: Restart,
    /// `RestartMode=direct`: nobody sees the service down in between.
    #[serde(default)]
    pub direct: bool,
    /// `RestartSec=`, µs.
    pub delay: u64,
    /// `RestartSteps=`
    pub steps: u32,
    /// `RestartMaxDelaySec=`, µs.
    pub max_delay: u64,
    /// `X-RestartResetSec=`, µs: after so long a time up, the count of restarts begins anew. 0: never.
    #[serde(default)]
    pub reset: u64,
    /// `SuccessExitStatus=`
    pub success: ExitStatusSet,
    /// `RestartPreventExitStatus=`
    pub prevent: ExitStatusSet,
    /// `RestartForceExitStatus=`
    pub force: ExitStatusSet,
}

/// One command line as the machine sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandLine {
    /// Prefix `-`.
    pub ignore_failure: bool,
}

/// A service's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// `Type=`
    pub service_type: ServiceType,
    /// `X-RestartOverlap=`, and it is of a type that can.
    pub overlap: bool,
    /// `ExitType=cgroup`
    pub exit_type_cgroup: bool,
    /// `RemainAfterExit=`
    pub remain_after_exit: bool,
    /// `GuessMainPID=`
    pub guess_main_pid: bool,
    /// `PIDFile=`, absolute.
    pub pid_file: Option<String>,
    /// `BusName=`
    pub bus_name: Option<String>,
    /// `NotifyAccess=`, with what the type implies.
    pub notify_access: NotifyAccess,
    /// `OOMPolicy=`
    pub oom_policy: OomPolicy,
    /// Signals.
    pub kill: Kill,
    /// Time-outs.
    pub timeouts: Timeouts,
    /// Restarts.
    pub restart: RestartPolicy,
    /// Command lines by kind, in the order of [`CommandKind::ALL`].
    pub commands: [Vec<CommandLine>; 7],
    /// `StartLimitIntervalSec=`, µs: for whoever counts starts.
    pub start_limit_interval: u64,
    /// `StartLimitBurst=`
    pub start_limit_burst: u32,
}

impl Default for Definition {
    fn default() -> Definition {
        Definition {
            service_type: ServiceType::Simple,
            overlap: false,
            exit_type_cgroup: false,
            remain_after_exit: false,
            guess_main_pid: true,
            pid_file: None,
            bus_name: None,
            notify_access: NotifyAccess::None,
            oom_policy: OomPolicy::Stop,
            kill: Kill::default(),
            timeouts: Timeouts::default(),
            restart: RestartPolicy { delay: 100_000, max_delay: INFINITY, ..RestartPolicy::default() },
            commands: Default::default(),
            start_limit_interval: 10_000_000,
            start_limit_burst: 5,
        }
    }
}

impl Definition {
    /// The commands of one kind.
    pub fn commands(&self, kind: CommandKind) -> &[CommandLine] {
        self.commands.get(kind as usize).map_or(&[], Vec::as_slice)
    }

    /// One command.
    pub fn command(&self, kind: CommandKind, index: usize) -> Option<CommandLine> {
        self.commands(kind).get(index).copied()
    }
}

impl Definition {
    /// From a loaded unit.
    pub fn from_unit(unit: &Unit) -> Definition {
        use rows::{kill, service, unit as section};
        let word = |row: RowId| unit.word(row);
        let signal = |row: RowId| i32::try_from(unit.int(row)).unwrap_or(0);
        let text = |row: RowId| Some(unit.str(row)).filter(|text| !text.is_empty()).map(str::to_owned);
        let statuses = |row: RowId| unit.exit_status(row).cloned().unwrap_or_default();
        let limited = |usec: u64| if usec == 0 { INFINITY } else { usec };
        let bus_name = text(service::BUS_NAME);
        let service_type = match ServiceType::parse(word(service::TYPE)) {
            // BusName= alone makes it Type=dbus.
            Some(ServiceType::Simple) | None if unit.setting(service::TYPE).is_none() && bus_name.is_some() => {
                ServiceType::Dbus
            }
            // Without a command there is nothing to do but the other commands, once.
            Some(ServiceType::Simple) | None
                if unit.setting(service::TYPE).is_none() && unit.exec(service::EXEC_START).is_empty() =>
            {
                ServiceType::Oneshot
            }
            Some(service_type) => service_type,
            None => ServiceType::Simple,
        };
        let watchdog = match unit.usec(service::WATCHDOG_SEC) {
            INFINITY => 0,
            usec => usec,
        };
        let notify_access = match NotifyAccess::parse(word(service::NOTIFY_ACCESS)) {
            Some(NotifyAccess::None) | None if service_type.notifies() || watchdog > 0 => NotifyAccess::Main,
            Some(access) => access,
            None => NotifyAccess::None,
        };
        let stop = limited(unit.usec(service::TIMEOUT_STOP_SEC));
        let start = if service_type == ServiceType::Oneshot && unit.setting(service::TIMEOUT_START_SEC).is_none() {
            INFINITY
        } else {
            limited(unit.usec(service::TIMEOUT_START_SEC))
        };
        let commands = CommandKind::ALL.map(|kind| {
            unit.exec(kind.row()).iter().map(|line| CommandLine { ignore_failure: line.ignore_failure }).collect()
        });
        let remain_after_exit = unit.bool(service::REMAIN_AFTER_EXIT)
            || (service_type == ServiceType::Oneshot
                && unit.exec(service::EXEC_START).is_empty()
                && unit.setting(service::REMAIN_AFTER_EXIT).is_none());
        Definition {
            service_type,
            overlap: unit.bool(service::X_RESTART_OVERLAP),
            exit_type_cgroup: word(service::EXIT_TYPE) == "cgroup",
            remain_after_exit,
            guess_main_pid: unit.bool(service::GUESS_MAIN_PID),
            pid_file: text(service::PID_FILE),
            bus_name,
            notify_access,
            oom_policy: OomPolicy::parse(word(service::OOM_POLICY)).unwrap_or_default(),
            kill: Kill {
                mode: KillMode::parse(word(kill::KILL_MODE)).unwrap_or_default(),
                signal: signal(kill::KILL_SIGNAL),
                restart_signal: unit.setting(kill::RESTART_KILL_SIGNAL).map(|_| signal(kill::RESTART_KILL_SIGNAL)),
                final_signal: signal(kill::FINAL_KILL_SIGNAL),
                watchdog_signal: signal(kill::WATCHDOG_SIGNAL),
                reload_signal: signal(service::RELOAD_SIGNAL),
                send_sighup: unit.bool(kill::SEND_SIGHUP),
                send_sigkill: unit.bool(kill::SEND_SIGKILL),
            },
            timeouts: Timeouts {
                start,
                stop,
                abort: match unit.setting(service::TIMEOUT_ABORT_SEC) {
                    Some(_) => limited(unit.usec(service::TIMEOUT_ABORT_SEC)),
                    None => stop,
                },
                start_mode: TimeoutMode::parse(word(service::TIMEOUT_START_FAILURE_MODE)).unwrap_or_default(),
                stop_mode: TimeoutMode::parse(word(service::TIMEOUT_STOP_FAILURE_MODE)).unwrap_or_default(),
                runtime_max: limited(unit.usec(service::RUNTIME_MAX_SEC)),
                runtime_extra: unit.usec(service::RUNTIME_RANDOMIZED_EXTRA_SEC),
                watchdog,
                clean: limited(unit.usec(rows::exec::TIMEOUT_CLEAN_SEC)),
            },
            restart: RestartPolicy {
                restart: Restart::parse(word(service::RESTART)).unwrap_or_default(),
                direct: word(service::RESTART_MODE) == "direct",
                delay: unit.usec(service::RESTART_SEC),
                steps: u32::try_from(unit.uint(service::RESTART_STEPS)).unwrap_or(0),
                max_delay: unit.usec(service::RESTART_MAX_DELAY_SEC),
                reset: unit.usec(service::X_RESTART_RESET_SEC),
                success: statuses(service::SUCCESS_EXIT_STATUS),
                prevent: statuses(service::RESTART_PREVENT_EXIT_STATUS),
                force: statuses(service::RESTART_FORCE_EXIT_STATUS),
            },
            commands,
            start_limit_interval: unit.usec(section::START_LIMIT_INTERVAL_SEC),
            start_limit_burst: u32::try_from(unit.uint(section::START_LIMIT_BURST)).unwrap_or(0),
        }
    }
}
