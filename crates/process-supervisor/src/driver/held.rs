//! Descriptors that must survive the supervisor: a copy is with the runner under a name of ours.

use std::os::fd::{AsFd, OwnedFd};

use daemon_runtime::notify::Runner;
use serde::{Deserialize, Serialize};

/// What is written down of a held descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRecord {
    /// Name at the runner.
    pub id: String,
    /// Name for the service (`$LISTEN_FDNAMES`).
    pub name: String,
    /// Dropped by itself when the other end hangs up (`FDPOLL=`).
    pub poll: bool,
}

/// A descriptor with its record.
#[derive(Debug)]
pub struct Held {
    /// The record.
    pub record: HeldRecord,
    /// The descriptor.
    pub fd: OwnedFd,
}

impl Held {
    /// Takes a descriptor, and gives the runner a copy.
    pub fn new(runner: &Runner, record: HeldRecord, fd: OwnedFd) -> Held {
        runner.store(&record.id, &[fd.as_fd()], false);
        Held { record, fd }
    }

    /// Lets it go, at the runner too.
    pub fn release(self, runner: &Runner) {
        runner.remove(&self.record.id);
    }
}
