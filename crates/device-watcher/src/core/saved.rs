//! What of the table outlives the daemon, so that after a restart the devices that vanished meanwhile can be named.

use bus_api::devices::DeviceUnit;
use serde::{Deserialize, Serialize};

use super::event::{DeviceEvent, Origin};

/// One device as it is written to the state directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedDevice {
    /// Path below `/sys/devices`.
    pub syspath: String,
    /// Where it came from.
    pub origin: Origin,
    /// Its units as last announced.
    pub units: Vec<DeviceUnit>,
    /// Its last event: a replayed device has no database to be read from again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<DeviceEvent>,
}

/// What to do to the state directory after an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Keep {
    /// Write this device.
    Save(Box<SavedDevice>),
    /// Delete what was written of the device with this sysfs path.
    Forget(String),
}
