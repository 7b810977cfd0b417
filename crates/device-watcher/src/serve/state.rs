//! The table on disk: a key for each device, so that an event costs one small write.

use std::path::Path;

use daemon_runtime::state::StateDir;

use crate::core::event::Origin;
use crate::core::saved::{Keep, SavedDevice};

/// The state directory.
pub struct DeviceState(StateDir);

impl DeviceState {
    /// Opens it. Without one the daemon works, but after a restart can't tell what vanished meanwhile.
    pub fn open(path: &Path) -> Option<DeviceState> {
        let opened = StateDir::open(path.to_owned());
        opened
            .inspect_err(|error| tracing::warn!("{}: no state is kept: {error}", path.display()))
            .ok()
            .map(DeviceState)
    }

    /// What an earlier run wrote. Replayed devices are forgotten when this run allows none.
    pub fn load(&self, allow_replay: bool) -> Vec<SavedDevice> {
        let mut devices: Vec<SavedDevice> = self.0.load_all().into_iter().map(|(_, device)| device).collect();
        devices.retain(|device| {
            let stays = allow_replay || device.origin == Origin::Udev;
            if !stays {
                self.0.remove(&device.syspath);
            }
            stays
        });
        devices
    }

    /// Writes and deletes what a change says.
    pub fn keep(&self, keep: Vec<Keep>) {
        for keep in keep {
            match keep {
                Keep::Save(device) => {
                    self.0.save(&device.syspath, &*device);
                }
                Keep::Forget(syspath) => self.0.remove(&syspath),
            }
        }
    }
}
