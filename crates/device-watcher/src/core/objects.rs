//! The table as objects of D-Bus: which appear, change and vanish with a change of units.

use std::collections::BTreeMap;

use bus_api::devices::DeviceUnit;
use unit_parser::escape::bus_label_escape;

/// The object that manages the others.
pub const ROOT: &str = "/org/quintet/Devices1";
/// The objects of units are below.
const UNITS: &str = "/org/quintet/Devices1/unit/";

/// A property of a unit's object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Property {
    /// Full unit name.
    Name,
    /// `plugged` or `tentative`; a dead unit has no object.
    State,
    /// Unit of the sysfs path that this one is another name of, or empty.
    Following,
    /// Real path below `/sys/devices`, or empty.
    SysfsPath,
    /// For people.
    Description,
    /// `SYSTEMD_WANTS=`.
    Wants,
    /// `SYSTEMD_USER_WANTS=`.
    UserWants,
}

/// A property's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PropertyValue<'a> {
    /// `s`
    Text(&'a str),
    /// `as`
    List(&'a [String]),
}

impl Property {
    /// All of them.
    pub const ALL: [Property; 7] = [
        Property::Name,
        Property::State,
        Property::Following,
        Property::SysfsPath,
        Property::Description,
        Property::Wants,
        Property::UserWants,
    ];

    /// Name on D-Bus.
    pub fn as_str(self) -> &'static str {
        match self {
            Property::Name => "Name",
            Property::State => "State",
            Property::Following => "Following",
            Property::SysfsPath => "SysfsPath",
            Property::Description => "Description",
            Property::Wants => "Wants",
            Property::UserWants => "UserWants",
        }
    }

    /// Its value for a unit.
    pub fn of(self, unit: &DeviceUnit) -> PropertyValue<'_> {
        match self {
            Property::Name => PropertyValue::Text(&unit.unit),
            Property::State => PropertyValue::Text(&unit.state),
            Property::Following => PropertyValue::Text(&unit.following),
            Property::SysfsPath => PropertyValue::Text(&unit.sysfs_path),
            Property::Description => PropertyValue::Text(&unit.description),
            Property::Wants => PropertyValue::List(&unit.wants),
            Property::UserWants => PropertyValue::List(&unit.user_wants),
        }
    }
}

/// What happens to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectChange {
    /// It appears.
    Added(DeviceUnit),
    /// udev told of it; these properties have other values now (often none).
    Touched(DeviceUnit, Vec<Property>),
    /// It vanishes.
    Removed(DeviceUnit),
}

/// All objects below [`ROOT`], by path.
#[derive(Debug, Clone, Default)]
pub struct Objects {
    units: BTreeMap<String, DeviceUnit>,
}

/// The object of a unit.
pub fn path_of(unit: &str) -> String {
    format!("{UNITS}{}", bus_label_escape(unit))
}

impl Objects {
    /// Applies what the table said of some units, in order.
    pub fn update(&mut self, units: &[DeviceUnit]) -> Vec<ObjectChange> {
        units.iter().filter_map(|unit| self.update_one(unit)).collect()
    }

    fn update_one(&mut self, unit: &DeviceUnit) -> Option<ObjectChange> {
        let path = path_of(&unit.unit);
        if unit.state == "dead" {
            return self.units.remove(&path).map(|_| ObjectChange::Removed(unit.clone()));
        }
        let Some(before) = self.units.insert(path, unit.clone()) else {
            return Some(ObjectChange::Added(unit.clone()));
        };
        let changed = Property::ALL.into_iter().filter(|property| property.of(&before) != property.of(unit)).collect();
        Some(ObjectChange::Touched(unit.clone(), changed))
    }

    /// The unit behind a path.
    pub fn find(&self, path: &str) -> Option<&DeviceUnit> {
        self.units.get(path)
    }

    /// All objects.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &DeviceUnit)> {
        self.units.iter().map(|(path, unit)| (path.as_str(), unit))
    }

    /// Names of what is just below a path, for introspection; `None` when there is no object and nothing below.
    pub fn children(&self, path: &str) -> Option<Vec<&str>> {
        if path == "/" {
            return Some(vec!["org"]);
        }
        if let Some(rest) = ROOT.strip_prefix(path).and_then(|rest| rest.strip_prefix('/')) {
            return Some(rest.split('/').next().into_iter().collect());
        }
        if path == ROOT {
            return Some(vec!["unit"]);
        }
        if UNITS.strip_suffix('/') == Some(path) {
            return Some(self.units.keys().filter_map(|path| path.strip_prefix(UNITS)).collect());
        }
        self.units.contains_key(path).then(Vec::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(name: &str, state: &str, description: &str) -> DeviceUnit {
        DeviceUnit {
            unit: name.to_owned(),
            state: state.to_owned(),
            following: String::new(),
            sysfs_path: "/sys/devices/x".to_owned(),
            description: description.to_owned(),
            wants: Vec::new(),
            user_wants: Vec::new(),
            action: "add".to_owned(),
        }
    }

    #[test]
    fn objects_come_change_and_go() {
        let mut objects = Objects::default();
        let [new, same, other, dead] = [("plugged", "a"), ("plugged", "a"), ("tentative", "b"), ("dead", "b")]
            .map(|(s, d)| unit("x.device", s, d));
        assert_eq!(objects.update(std::slice::from_ref(&dead)), []);
        assert_eq!(objects.update(std::slice::from_ref(&new)), [ObjectChange::Added(new)]);
        assert_eq!(objects.update(std::slice::from_ref(&same)), [ObjectChange::Touched(same, vec![])]);
        let changed = ObjectChange::Touched(other.clone(), vec![Property::State, Property::Description]);
        assert_eq!(objects.update(&[other]), [changed]);
        assert_eq!(objects.iter().count(), 1);
        assert_eq!(objects.update(std::slice::from_ref(&dead)), [ObjectChange::Removed(dead)]);
        assert_eq!(objects.iter().count(), 0);
    }

    #[test]
    fn the_tree() {
        let mut objects = Objects::default();
        objects.update(&[unit("sys-a\\x2db.device", "plugged", "")]);
        let path = path_of("sys-a\\x2db.device");
        assert_eq!(path, "/org/quintet/Devices1/unit/sys_2da_5cx2db_2edevice");
        for (path, children) in [
            ("/", Some(vec!["org"])),
            ("/org", Some(vec!["quintet"])),
            ("/org/quintet", Some(vec!["Devices1"])),
            (ROOT, Some(vec!["unit"])),
            ("/org/quintet/Devices1/unit", Some(vec!["sys_2da_5cx2db_2edevice"])),
            (path.as_str(), Some(vec![])),
            ("/org/quintet/Devices1/unit/other", None),
            ("/o", None),
            ("/org/quintet/Devices12", None),
        ] {
            assert_eq!(objects.children(path), children, "{path}");
        }
    }
}
