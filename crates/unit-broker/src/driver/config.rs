//! The broker's configuration file, `unit-broker.toml`.

use daemon_runtime::config::LogConfig;
use serde::Deserialize;

/// `/etc/quintet/unit-broker.toml`, or `$XDG_CONFIG_HOME/quintet/unit-broker.toml`. Every key is optional.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How much is logged, and where to.
    pub log: LogConfig,
    /// The manager's own settings, as in systemd-system.conf(5).
    pub manager: ManagerConfig,
}

/// The `[manager]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ManagerConfig {
    /// `DefaultStartLimitIntervalSec=`, in seconds.
    pub default_start_limit_interval_sec: u64,
    /// `DefaultStartLimitBurst=`.
    pub default_start_limit_burst: u32,
    /// `DefaultDeviceTimeoutSec=`, in seconds.
    pub default_device_timeout_sec: u64,
}

impl Default for ManagerConfig {
    fn default() -> Self {
        Self { default_start_limit_interval_sec: 10, default_start_limit_burst: 5, default_device_timeout_sec: 90 }
    }
}
