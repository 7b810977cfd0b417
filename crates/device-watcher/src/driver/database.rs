//! udev's database, and devices of libudev turned into owned values before they cross any channel.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::Path;

use unit_parser::{UnitName, UnitType};

use crate::core::event::{Action, DeviceEvent};
use crate::core::kernel::kernel_only;
use crate::core::table::{Input, Table};

/// Who tells of devices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// udev, once it has finished with a device.
    #[default]
    Udev,
    /// The kernel itself, for machines without udev ([`kernel_only`]).
    Kernel,
}

/// What to enumerate or listen for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only devices with this tag (now or ever: the reader looks at `CURRENT_TAGS`).
    pub tag: Option<String>,
    /// Only devices of this subsystem.
    pub subsystem: Option<String>,
    /// Who tells.
    pub source: Source,
}

impl Filter {
    /// Devices that can have units.
    pub fn systemd() -> Filter {
        Filter { tag: Some("systemd".to_owned()), ..Filter::default() }
    }

    /// Devices that can have units, as this source tells of them.
    pub fn of(source: Source) -> Filter {
        match source {
            Source::Udev => Filter::systemd(),
            // The kernel knows no tags.
            Source::Kernel => Filter { source, ..Filter::default() },
        }
    }
}

/// All devices that udev has finished with.
///
/// # Errors
/// When `/sys` or udev's database can't be read.
pub fn enumerate(filter: &Filter) -> io::Result<Vec<DeviceEvent>> {
    let mut enumerator = udev::Enumerator::new()?;
    if filter.source == Source::Udev {
        enumerator.match_is_initialized()?;
    }
    if let Some(tag) = &filter.tag {
        enumerator.match_tag(tag)?;
    }
    if let Some(subsystem) = &filter.subsystem {
        enumerator.match_subsystem(subsystem)?;
    }
    Ok(enumerator.scan_devices()?.map(|device| filter.source.read(&device)).collect())
}

/// The device of a path below `/sys` or `/dev`, of a network interface's or node's name, or of a unit's.
///
/// # Errors
/// When there is no such device.
pub fn find(argument: &str) -> io::Result<DeviceEvent> {
    if let Some(unit) = UnitName::parse(argument).ok().filter(|unit| unit.unit_type() == UnitType::Device) {
        return of_unit(&unit);
    }
    let path = Path::new(argument);
    let path = if path.is_absolute() {
        path.canonicalize()?
    } else {
        let candidates = [format!("/sys/class/net/{argument}"), format!("/dev/{argument}")];
        candidates
            .iter()
            .find_map(|path| Path::new(path).canonicalize().ok())
            .ok_or_else(|| missing("no device of that name in /sys/class/net or /dev"))?
    };
    let path = match super::mounts::sysfs_path(&path) {
        Some(of_node) if path.starts_with("/dev") => of_node.into(),
        None if path.starts_with("/dev") => return Err(missing("this is no device node")),
        Some(_) | None => path,
    };
    Ok(to_event(&udev::Device::from_syspath(&path)?))
}

/// The device that has this unit: several may claim it, a link's is the one that it leads to.
fn of_unit(unit: &UnitName) -> io::Result<DeviceEvent> {
    let mut table = Table::default();
    let devices = enumerate(&Filter::systemd())?;
    table.handle(Input::Enumeration(devices.clone()));
    let of_unit = table.units().into_iter().find(|known| known.unit == unit.as_str());
    let device = of_unit.and_then(|known| devices.into_iter().find(|device| device.syspath == known.sysfs_path));
    device.ok_or_else(|| missing("no device that udev tags \"systemd\" has this unit"))
}

fn missing(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, why)
}

impl Source {
    /// An owned copy of a device with what this source is to be trusted for.
    pub fn read(self, device: &udev::Device) -> DeviceEvent {
        match self {
            Source::Udev => to_event(device),
            Source::Kernel => kernel_only(to_event(device)),
        }
    }
}

/// An owned copy of a device, with the links resolved as they are now.
pub fn to_event(device: &udev::Device) -> DeviceEvent {
    let text = |value: &OsStr| value.to_string_lossy().into_owned();
    let properties: BTreeMap<String, String> =
        device.properties().map(|entry| (text(entry.name()), text(entry.value()))).collect();
    let action = properties.get("ACTION").cloned().map_or(Action::Enumerate, Action::from);
    let seqnum = properties.get("SEQNUM").and_then(|number| number.parse().ok()).unwrap_or(0);
    let mut event = DeviceEvent {
        action,
        syspath: text(device.syspath().as_os_str()),
        subsystem: device.subsystem().map(text).unwrap_or_default(),
        devname: device.devnode().map(|node| text(node.as_os_str())),
        properties,
        link_targets: BTreeMap::new(),
        seqnum,
    };
    event.link_targets = resolve(event.devlinks());
    event
}

/// Where links lead now; those that lead nowhere are left out.
pub fn resolve<'a>(links: impl Iterator<Item = &'a str>) -> BTreeMap<String, String> {
    let target = |link: &str| Some(Path::new(link).canonicalize().ok()?.to_string_lossy().into_owned());
    links.filter_map(|link| Some((link.to_owned(), target(link)?))).collect()
}
