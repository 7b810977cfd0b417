//! D-Bus names of the private contracts.

/// The only object path of the private interfaces.
pub const PATH: &str = "/org/quintet";
/// What every worker that owns units serves (process-supervisor, socket-activator).
pub const WORKER: &str = "org.quintet.Worker1";
/// What the process-supervisor serves besides [`WORKER`].
pub const SUPERVISOR: &str = "org.quintet.Supervisor1";
/// What the socket-activator serves besides [`WORKER`].
pub const SOCKETS: &str = "org.quintet.Sockets1";
/// What the device-watcher serves.
pub const DEVICES: &str = "org.quintet.Devices1";
/// What the unit-broker serves besides `org.freedesktop.systemd1`.
pub const BROKER: &str = "org.quintet.Broker1";
/// The sender of every message on a private socket: sd-bus matches signals on it, and zbus takes only unique names.
pub const PEER_NAME: &str = ":1.0";
