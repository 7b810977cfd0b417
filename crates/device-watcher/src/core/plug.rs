//! `run --on-plug`: which of a few units start and stop as devices come and go.
//!
//! A unit starts when a device becomes plugged that asks for it (`SYSTEMD_WANTS=`, of a user's run `SYSTEMD_USER_WANTS=`),
//! or that the unit's `[Install]` section names in `WantedBy=` or `RequiredBy=`. It stops when a device of its
//! `BindsTo=` dies. As with systemd, a change event of a plugged device starts nothing.

use std::collections::{BTreeMap, BTreeSet};

use bus_api::devices::DeviceUnit;
use unit_parser::UnitName;

/// One of the units that were named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The unit; a template stands for its instances.
    pub name: UnitName,
    /// Device units that its `[Install]` section names.
    pub installed_in: Vec<String>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Start a unit, for that device.
    Start(UnitName, String),
    /// Stop it, since that device is gone.
    Stop(UnitName, String),
}

/// The units, and the devices that are there.
#[derive(Debug, Default)]
pub struct Plugs {
    candidates: Vec<Candidate>,
    user: bool,
    plugged: BTreeSet<String>,
    /// Started units, and the devices that they are bound to.
    bound: BTreeMap<UnitName, Vec<String>>,
}

impl Plugs {
    /// Nothing is plugged yet.
    pub fn new(candidates: Vec<Candidate>, user: bool) -> Plugs {
        Plugs { candidates, user, ..Plugs::default() }
    }

    /// A unit was started; these devices end it.
    pub fn started(&mut self, unit: UnitName, binds_to: Vec<String>) {
        self.bound.insert(unit, binds_to);
    }

    /// Takes units that changed.
    pub fn update(&mut self, units: &[DeviceUnit]) -> Vec<Order> {
        units.iter().flat_map(|unit| self.update_one(unit)).collect()
    }

    fn update_one(&mut self, device: &DeviceUnit) -> Vec<Order> {
        if device.state != "plugged" {
            self.plugged.remove(&device.unit);
            let bound = self.bound.iter().filter(|(_, devices)| devices.contains(&device.unit));
            let ended: Vec<UnitName> = bound.map(|(unit, _)| unit.clone()).collect();
            self.bound.retain(|unit, _| !ended.contains(unit));
            return ended.into_iter().map(|unit| Order::Stop(unit, device.unit.clone())).collect();
        }
        if !self.plugged.insert(device.unit.clone()) {
            return Vec::new();
        }
        let wants = if self.user { &device.user_wants } else { &device.wants };
        let wanted = wants.iter().filter_map(|name| UnitName::parse(name).ok());
        let wanted = wanted.filter(|name| self.candidates.iter().any(|candidate| candidate.stands_for(name)));
        let installed = self.candidates.iter().filter(|candidate| candidate.installed_in.contains(&device.unit));
        let installed = installed.map(|candidate| candidate.name.clone()).filter(|name| !name.is_template());
        let mut out: Vec<Order> = Vec::new();
        for name in wanted.chain(installed) {
            let order = Order::Start(name, device.unit.clone());
            if !out.contains(&order) {
                out.push(order);
            }
        }
        out
    }
}

impl Candidate {
    fn stands_for(&self, wanted: &UnitName) -> bool {
        self.name == *wanted || wanted.template().is_some_and(|template| template == self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str, state: &str, wants: &[&str]) -> DeviceUnit {
        DeviceUnit {
            unit: name.to_owned(),
            state: state.to_owned(),
            following: String::new(),
            sysfs_path: String::new(),
            description: String::new(),
            wants: wants.iter().map(ToString::to_string).collect(),
            user_wants: vec!["user.service".to_owned()],
            action: "add".to_owned(),
        }
    }

    fn name(text: &str) -> UnitName {
        UnitName::parse(text).unwrap()
    }

    fn candidates() -> Vec<Candidate> {
        let candidate = |unit, devices: &[&str]| Candidate {
            name: name(unit),
            installed_in: devices.iter().map(ToString::to_string).collect(),
        };
        vec![candidate("a.service", &["x.device"]), candidate("b@.service", &[]), candidate("user.service", &[])]
    }

    #[test]
    fn plugged_and_unplugged() {
        let mut plugs = Plugs::new(candidates(), false);
        let plug = device("x.device", "plugged", &["b@x.service", "other.service", "a.service"]);
        let start = |unit| Order::Start(name(unit), "x.device".to_owned());
        assert_eq!(plugs.update(std::slice::from_ref(&plug)), [start("b@x.service"), start("a.service")]);
        plugs.started(name("a.service"), vec!["x.device".to_owned()]);
        plugs.started(name("b@x.service"), vec![]);
        assert_eq!(plugs.update(std::slice::from_ref(&plug)), [], "a change starts nothing");
        let gone = [device("x.device", "dead", &[])];
        assert_eq!(plugs.update(&gone), [Order::Stop(name("a.service"), "x.device".to_owned())]);
        assert_eq!(plugs.update(&gone), []);
        assert_eq!(plugs.update(&[plug]).len(), 2, "plugged again");
    }

    #[test]
    fn a_users_wants() {
        let mut plugs = Plugs::new(candidates(), true);
        let orders = plugs.update(&[device("y.device", "plugged", &["a.service"])]);
        assert_eq!(orders, [Order::Start(name("user.service"), "y.device".to_owned())]);
    }
}
