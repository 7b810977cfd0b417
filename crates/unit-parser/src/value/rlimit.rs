//! `LimitNOFILE=` and its like.

use serde::{Deserialize, Serialize};

/// A soft and a hard limit in the resource's own unit; `u64::MAX` is "infinity".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rlimit {
    /// What the process is held to.
    pub soft: u64,
    /// How far it may raise that.
    pub hard: u64,
}
