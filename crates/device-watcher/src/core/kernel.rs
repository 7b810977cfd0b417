//! Devices without udev: what of a device counts when the kernel's own events are read, and nothing else is to be trusted.

use super::event::DeviceEvent;

/// What the kernel itself says of a device; all else in an event would come from udev's database.
const KERNEL_PROPERTIES: [&str; 14] = [
    "ACTION",
    "DEVPATH",
    "DEVPATH_OLD",
    "SUBSYSTEM",
    "SEQNUM",
    "DEVNAME",
    "DEVTYPE",
    "MAJOR",
    "MINOR",
    "DISKSEQ",
    "INTERFACE",
    "IFINDEX",
    "DRIVER",
    "MODALIAS",
];

/// An event with the kernel's data only. Network interfaces (but the loopback), block devices and real terminals have
/// units, named by sysfs path and node, interfaces also by `/sys/subsystem/net/devices/NAME`.
pub fn kernel_only(mut event: DeviceEvent) -> DeviceEvent {
    event.properties.retain(|name, _| KERNEL_PROPERTIES.contains(&name.as_str()));
    event.link_targets.clear();
    let name = event.syspath.rsplit('/').next().unwrap_or_default().to_owned();
    let has_units = match event.subsystem.as_str() {
        "net" => name != "lo",
        "block" => true,
        // Not those of virtual consoles (tty1) and pseudo terminals: there are dozens, and nothing waits for them.
        "tty" => name.strip_prefix("tty").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic())),
        _ => false,
    };
    if has_units {
        event.properties.insert("CURRENT_TAGS".to_owned(), ":systemd:".to_owned());
        if event.subsystem == "net" {
            event.properties.insert("SYSTEMD_ALIAS".to_owned(), format!("/sys/subsystem/net/devices/{name}"));
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::naming::claims;

    fn event(line: &str) -> DeviceEvent {
        kernel_only(serde_json::from_str(line).unwrap())
    }

    #[test]
    fn names_by_kernel_data() {
        let net = event(
            r#"{"action":"add","syspath":"/sys/devices/virtual/net/v0","subsystem":"net","properties":
               {"INTERFACE":"v0","SYSTEMD_WANTS":"evil.service","ID_MODEL":"x","SYSTEMD_READY":"0"}}"#,
        );
        let claims = claims(&net);
        let names: Vec<&str> = claims.names.iter().map(|claim| claim.name.as_str()).collect();
        assert_eq!(names, ["sys-devices-virtual-net-v0.device", "sys-subsystem-net-devices-v0.device"]);
        assert!(net.is_ready() && claims.wants.is_empty());
    }

    #[test]
    fn which_devices_have_units() {
        for (subsystem, name, ready) in [
            ("net", "lo", false),
            ("net", "eth0", true),
            ("block", "sda", true),
            ("tty", "ttyS0", true),
            ("tty", "tty1", false),
            ("tty", "console", false),
            ("usb", "1-1", false),
        ] {
            let line = format!(r#"{{"action":"add","syspath":"/sys/devices/x/{name}","subsystem":"{subsystem}"}}"#);
            assert_eq!(event(&line).is_ready(), ready, "{subsystem} {name}");
        }
    }
}
