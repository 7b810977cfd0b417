//! What services have used: the kernel counts by control group, and forgets with it.

use serde::{Deserialize, Serialize};
use sys::cgroup::{Cgroup, usage};

use super::Supervisor;

/// What cannot be told.
const NOT_COUNTED: u64 = u64::MAX;

/// Of one run. Counters are CPU time in nanoseconds, bytes read and written, reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The kernel's number of the control group, 0 if there was none.
    pub group: u64,
    /// The counters when the run began: its group may be that of an earlier run.
    pub base: [u64; 5],
    /// What was used, once the group is gone.
    pub last: [u64; 5],
}

impl Default for Usage {
    fn default() -> Usage {
        Usage { group: 0, base: [0; 5], last: [NOT_COUNTED; 5] }
    }
}

impl Supervisor {
    /// A run begins: it has used nothing.
    pub(super) fn count_anew(&mut self, unit: &str) {
        let Some(service) = self.services.get_mut(unit) else { return };
        let base = service.cgroup.as_ref().map_or([0; 5], |group| counters(group).map(|counter| counter.unwrap_or(0)));
        service.usage = Usage { base, ..Usage::default() };
    }

    /// The control group is about to go.
    pub(super) fn count_last(&mut self, unit: &str) {
        let Some(service) = self.services.get_mut(unit) else { return };
        let Some(group) = service.cgroup.as_ref() else { return };
        let counted = counters(group);
        if counted.iter().all(Option::is_none) {
            return;
        }
        service.usage.group = usage::id(group.path()).unwrap_or(0);
        for ((last, base), counter) in service.usage.last.iter_mut().zip(service.usage.base).zip(counted) {
            *last = counter.map_or(NOT_COUNTED, |counter| counter.saturating_sub(base));
        }
    }
}

fn counters(group: &Cgroup) -> [Option<u64>; 5] {
    let [read, written, reads, writes] = usage::io(group.path()).map_or([None; 4], |io| io.map(Some));
    [usage::cpu(group.path()), read, written, reads, writes]
}
