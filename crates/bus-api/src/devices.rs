//! `org.quintet.Devices1`: the device table as unit states.

use serde::{Deserialize, Serialize};
use zbus::Type;

/// One `.device` unit. A device has one for its sysfs path, and one each for its device node, its links and its aliases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct DeviceUnit {
    /// Full unit name (`sys-subsystem-net-devices-eth0.device`).
    pub unit: String,
    /// `plugged`, `tentative` or `dead`.
    pub state: String,
    /// Unit named after the sysfs path, if this one is another name of it (`Following=`); else empty.
    pub following: String,
    /// Real sysfs path (`/sys/devices/...`).
    pub sysfs_path: String,
    /// Description: ID_MODEL_FROM_DATABASE, ID_MODEL, or the path.
    pub description: String,
    /// `SYSTEMD_WANTS` as full unit names, templates instantiated (only on the unit of the sysfs path).
    pub wants: Vec<String>,
    /// `SYSTEMD_USER_WANTS`, likewise.
    pub user_wants: Vec<String>,
    /// udev's action of the event (`add`, `change`, `remove`, `move`, ...), or `enumerate`.
    pub action: String,
}
