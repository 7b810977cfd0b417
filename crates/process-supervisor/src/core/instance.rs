//! Instances: a service whose restart overlaps (`X-RestartOverlap=`) runs more than once for a while.

use serde::{Deserialize, Serialize};

use super::Pid;

/// What tells an instance's processes from those of the others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// The control group below the unit's that it has for itself (`run-N`); 0: it is in the unit's own, as what an ordinary
    /// start makes is.
    pub run: u64,
    /// `$INVOCATION_ID`.
    pub invocation: String,
    /// Its main process, as long as that runs.
    pub main: Option<Pid>,
}
