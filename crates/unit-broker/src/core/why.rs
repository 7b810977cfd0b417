//! The causal chain of each unit's last changes.

use serde::{Deserialize, Serialize};
use unit_parser::UnitName;

/// One link of a causal chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyEntry {
    /// Counts up over all units.
    pub sequence: u64,
    /// CLOCK_REALTIME, µs.
    pub realtime_usec: u64,
    /// The unit that changed.
    pub unit: UnitName,
    /// What happened: `inactive (dead) -> activating (start)`, `job 12 start queued`, ...
    pub change: String,
    /// What caused it.
    pub cause: String,
    /// Where the edge is written (`/etc/systemd/system/foo.service:7`), or empty.
    pub source: String,
    /// The entry that led to this one; `None` for a root cause.
    pub parent: Option<u64>,
}
