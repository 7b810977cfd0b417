//! The settings of a socket unit that its state machine decides by.

/// See systemd.socket(5) for each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// The unit's own name, `foo@bar.socket`.
    pub unit: String,
    /// `Accept=`.
    pub accept: bool,
    /// The service that traffic starts (`Accept=no`).
    pub service: String,
    /// Instances for connections are named `<prefix>@<instance>.service` (`Accept=yes`).
    pub prefix: String,
    /// `FlushPending=`.
    pub flush_pending: bool,
    /// `MaxConnections=`.
    pub max_connections: u64,
    /// `MaxConnectionsPerSource=`, 0 for no limit.
    pub max_connections_per_source: u64,
    /// `TriggerLimitIntervalSec=` in µs.
    pub trigger_limit_interval: u64,
    /// `TriggerLimitBurst=`.
    pub trigger_limit_burst: u64,
    /// `X-TriggerLimitPauseSec=` in µs: at the trigger limit the unit pauses for so long and more each time; 0: it fails.
    pub trigger_pause: u64,
    /// `X-TriggerLimitPauseMaxSec=` in µs: no pause is longer.
    pub trigger_pause_max: u64,
    /// `TimeoutSec=` in µs, `u64::MAX` for none.
    pub timeout: u64,
    /// File nodes get an owner (`SocketUser=`, `SocketGroup=`).
    pub chown: bool,
    /// `SendSIGKILL=`.
    pub send_sigkill: bool,
    /// `KillSignal=`.
    pub kill_signal: i32,
    /// `RestartKillSignal=`, or that of a stop.
    pub restart_kill_signal: i32,
    /// `FinalKillSignal=`.
    pub final_kill_signal: i32,
    /// For each `ExecStartPre=` whether its failure is ignored (`-`).
    pub start_pre: Vec<bool>,
    /// `ExecStartPost=`.
    pub start_post: Vec<bool>,
    /// `ExecStopPre=`.
    pub stop_pre: Vec<bool>,
    /// `ExecStopPost=`.
    pub stop_post: Vec<bool>,
}
