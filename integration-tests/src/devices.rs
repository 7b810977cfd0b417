//! Network devices that come and go.

use std::process::{Command, Stdio};

/// A veth pair that is unplugged when dropped. Its name differs from run to run.
pub struct NetworkDevice {
    name: String,
}

impl NetworkDevice {
    /// A name that nobody else uses, at most 15 bytes with the peer's suffix.
    pub fn name_for(tag: &str) -> String {
        format!("q{:x}{}", std::process::id() & 0xf_ffff, tag.chars().take(7).collect::<String>())
    }

    /// Plugs one in; `None` when that isn't allowed here.
    pub fn try_plug(tag: &str) -> Option<NetworkDevice> {
        let name = Self::name_for(tag);
        let arguments = ["link", "add", &name, "type", "veth", "peer", "name", &format!("{name}p")];
        let added = Command::new("ip").args(arguments).stderr(Stdio::null()).status();
        added.is_ok_and(|status| status.success()).then_some(NetworkDevice { name })
    }

    /// Plugs one in.
    pub fn plug(tag: &str) -> NetworkDevice {
        Self::try_plug(tag).expect("a veth device can be made")
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The unit of a device of this tag, plugged or not.
    pub fn unit(tag: &str) -> String {
        format!("sys-subsystem-net-devices-{}.device", Self::name_for(tag))
    }
}

impl Drop for NetworkDevice {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["link", "del", &self.name]).stderr(Stdio::null()).status();
    }
}
