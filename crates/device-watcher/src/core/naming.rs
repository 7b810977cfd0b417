//! Which units a device is (systemd.device(5)): one for its sysfs path, one each for its node, links and aliases.

use unit_parser::{UnitName, UnitType, escape};

use super::event::DeviceEvent;
use super::words::{Backslash, split};

/// What a name is made from; it decides who gets it when several devices claim it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// The sysfs path: belongs to this device and no other. Carries the wants.
    Main,
    /// The device node.
    Node,
    /// A link below `/dev`.
    Link,
    /// `SYSTEMD_ALIAS=`.
    Alias,
}

/// One of a device's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The unit.
    pub name: UnitName,
    /// What the name is made from.
    pub kind: NameKind,
    /// The path behind the name, as udev gave it.
    pub path: String,
    /// Description of the unit.
    pub description: String,
    /// The unit that this one follows, if it is another name of it.
    pub following: Option<UnitName>,
}

/// All that a ready device says about units.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// Names, the main one first.
    pub names: Vec<Claim>,
    /// `SYSTEMD_WANTS=`.
    pub wants: Vec<UnitName>,
    /// `SYSTEMD_USER_WANTS=`.
    pub user_wants: Vec<UnitName>,
    /// What could not be used, for the log.
    pub complaints: Vec<String>,
}

/// Reads a ready device's names and wants. Without a valid main name there are none at all.
pub fn claims(event: &DeviceEvent) -> Claims {
    let mut out = Claims::default();
    let mut paths = vec![(NameKind::Main, event.syspath.clone())];
    paths.extend(event.devname.iter().map(|node| (NameKind::Node, node.clone())));
    paths.extend(event.devlinks().map(|link| (NameKind::Link, link.to_owned())));
    for alias in split(event.property("SYSTEMD_ALIAS").unwrap_or(""), Backslash::Escapes) {
        if alias.starts_with('/') {
            paths.push((NameKind::Alias, alias));
        } else {
            out.complaints.push(format!("SYSTEMD_ALIAS=: \"{alias}\" is not an absolute path, ignored"));
        }
    }
    for (kind, path) in paths {
        match UnitName::from_path(&path, UnitType::Device) {
            Ok(name) if out.names.iter().any(|claim| claim.name == name) => {}
            Ok(name) => {
                let following = following(&name, &out.names);
                let description = description(event, &path);
                out.names.push(Claim { name, kind, path, description, following });
            }
            Err(error) => {
                out.complaints.push(format!("no unit for {path}: {error}"));
                if kind == NameKind::Main {
                    return out;
                }
            }
        }
    }
    out.wants = wants(event, "SYSTEMD_WANTS", &mut out.complaints);
    out.user_wants = wants(event, "SYSTEMD_USER_WANTS", &mut out.complaints);
    out
}

/// A unit outside of `sys-` follows the last one before it that is inside. Those inside stand for themselves, which is
/// why `systemctl list-units` shows a network device twice but a disk's links not at all.
fn following(name: &UnitName, earlier: &[Claim]) -> Option<UnitName> {
    if name.as_str().starts_with("sys-") {
        return None;
    }
    earlier.iter().rev().map(|claim| &claim.name).find(|other| other.as_str().starts_with("sys-")).cloned()
}

/// The model, with a label when the device has one; else the path behind the name.
fn description(event: &DeviceEvent, path: &str) -> String {
    let Some(model) = event.property("ID_MODEL_FROM_DATABASE").or_else(|| event.property("ID_MODEL")) else {
        return path.to_owned();
    };
    let label =
        ["ID_FS_LABEL", "ID_PART_ENTRY_NAME", "ID_PART_ENTRY_NUMBER"].into_iter().find_map(|p| event.property(p));
    match label {
        Some(label) => format!("{model} {label}"),
        None => model.to_owned(),
    }
}

/// Units of a `SYSTEMD_WANTS=`-like list, in order and once each. A template is instantiated with the sysfs path; a
/// name without suffix is a service, a path a mount or device.
fn wants(event: &DeviceEvent, property: &str, complaints: &mut Vec<String>) -> Vec<UnitName> {
    let mut out = Vec::new();
    for word in split(event.property(property).unwrap_or(""), Backslash::Kept) {
        let template = UnitName::parse(&word).ok().filter(UnitName::is_template);
        let name = match template {
            Some(template) => escape::path_escape(&event.syspath)
                .map_err(|error| error.to_string())
                .and_then(|instance| template.with_instance(&instance).map_err(|error| error.to_string())),
            None => UnitName::mangle(&word).map_err(|error| error.to_string()),
        };
        match name {
            Ok(name) if name.is_template() => complaints.push(format!("{property}=: {name} is a template, ignored")),
            Ok(name) if out.contains(&name) => {}
            Ok(name) => out.push(name),
            Err(error) => complaints.push(format!("{property}=: {error}, ignored")),
        }
    }
    out
}
