//! Watching the kernel's table of mounted file systems.

use std::fs::File;
use std::os::fd::OwnedFd;

use daemon_runtime::readiness;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use unit_parser::MOUNT_TABLE;

use super::Broker;
use crate::core::Event;
use crate::model::MountTable;

/// Tells when the table changes.
pub struct MountWatch(Option<AsyncFd<OwnedFd>>);

impl MountWatch {
    /// Without /proc nothing is ever told.
    pub fn open() -> Self {
        match File::open(MOUNT_TABLE).and_then(|file| readiness::watch(file, Interest::PRIORITY)) {
            Ok(file) => Self(Some(file)),
            Err(error) => {
                tracing::warn!(%error, "{MOUNT_TABLE} can't be watched: mounts that come and go aren't noticed");
                Self(None)
            }
        }
    }

    /// Waits until the table has changed.
    pub async fn changed(&mut self) {
        let Some(file) = &self.0 else { return std::future::pending().await };
        match file.ready(Interest::PRIORITY).await {
            Ok(mut guard) => guard.clear_ready(),
            Err(error) => {
                tracing::warn!(%error, "{MOUNT_TABLE} can't be watched any more");
                self.0 = None;
            }
        }
    }
}

impl Broker {
    /// Compares the units with the table.
    pub(super) fn look_at_mounts(&mut self) {
        let table = MountTable::read();
        let names = table.names();
        self.model.machine.mounts = table;
        self.apply(Event::Mounts(names));
    }
}
