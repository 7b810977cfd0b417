//! `org.quintet.Broker1`: what Quintet's broker offers beyond `org.freedesktop.systemd1`.

use serde::{Deserialize, Serialize};
use zbus::Type;

/// One link of the causal chain of a unit's last changes, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct WhyEntry {
    /// CLOCK_REALTIME, µs.
    pub realtime_usec: u64,
    /// The unit that changed.
    pub unit: String,
    /// What happened: `inactive (dead) -> activating (start)`, `job 12 start queued`, ...
    pub change: String,
    /// What caused it: a client (pid, uid, command), an event of a worker, or an edge of the graph.
    pub cause: String,
    /// Where the edge is written (`/etc/systemd/system/foo.service:7`), or empty.
    pub source: String,
    /// Index of the entry in this list that caused this one; -1 for a root cause.
    pub parent: i32,
}
