//! Who owns which unit name, and what changes with an event.
//!
//! Each device ([`Device`]) claims names; each name has a [`Slot`] that says which device owns it now and whether a
//! mount or swap refers to it. A unit's state follows from its slot alone: owned by a device -> `plugged`, only
//! referred to -> `tentative`, neither -> `dead`, and the slot goes. Every input gives at most one [`Change`] per
//! device, with all units that it affects, so that a client sees a device and its other names change together.
//!
//! Duplicates come from starting to listen before enumerating: an `add` that says what the enumeration already said is
//! dropped, once per enumerated device.

use std::collections::{BTreeMap, BTreeSet};

use bus_api::devices::DeviceUnit;
use unit_parser::{UnitName, UnitType};

use super::event::{Action, DeviceEvent, Origin};
use super::naming::{Claims, NameKind, claims};
use super::saved::{Keep, SavedDevice};

/// What the table is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// One event of one device.
    Event(Origin, DeviceEvent),
    /// udev's whole database: after the start, an overflow of the socket, or when udev appears. What udev once told of
    /// and isn't in here is gone.
    Enumeration(Vec<DeviceEvent>),
    /// All device nodes that a kernel table names now (mounted, or swapped to), with their sysfs paths where there are any.
    Referenced(Referrer, Nodes),
}

/// Device nodes, and what each is in sysfs (empty: nothing, or the node is missing).
pub type Nodes = BTreeMap<String, String>;

/// A kernel table that names device nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Referrer {
    /// `/proc/self/mountinfo`.
    Mounts,
    /// `/proc/swaps`.
    Swaps,
}

/// What changed for clients, and what to write down. `units` may be empty when only the state directory changes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Change {
    /// udev's action, or `enumerate`.
    pub action: String,
    /// All units affected, as they are now; those that die come first.
    pub units: Vec<DeviceUnit>,
    /// What to do to the state directory.
    pub keep: Vec<Keep>,
    /// What to log: names that could not be had, words that make no sense.
    pub complaints: Vec<String>,
}

/// Whether the device has been in an event since it was enumerated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// In the last enumeration; an equal `add` may still be under way.
    Enumerated,
    /// In an event.
    Event,
    /// In the state directory only: from before a restart, not yet confirmed by an enumeration.
    Saved,
}

#[derive(Debug, Clone)]
struct Device {
    origin: Origin,
    seen: Seen,
    devname: Option<String>,
    claims: Claims,
    event: DeviceEvent,
}

#[derive(Debug, Clone, Default)]
struct Slot {
    owner: Option<String>,
    referrers: BTreeSet<Referrer>,
    /// Of the node that they name.
    sysfs_path: String,
    announced: Option<DeviceUnit>,
}

/// The device table.
#[derive(Debug, Clone, Default)]
pub struct Table {
    devices: BTreeMap<String, Device>,
    slots: BTreeMap<UnitName, Slot>,
    references: BTreeMap<Referrer, Nodes>,
    vanished: BTreeMap<UnitName, DeviceUnit>,
}

impl Table {
    /// A table with what an earlier run of the daemon knew. Devices from udev stay until the first enumeration doesn't
    /// confirm them; those from a recording stay.
    pub fn restored(saved: Vec<SavedDevice>) -> Table {
        let mut table = Table::default();
        for device in saved {
            let SavedDevice { syspath, origin, units, event } = device;
            for unit in units {
                let Ok(name) = UnitName::parse(&unit.unit) else { continue };
                let slot = table.slots.entry(name).or_default();
                slot.owner = Some(syspath.clone());
                slot.announced = Some(unit);
            }
            let Some(event) = event else { continue };
            let record =
                Device { origin, seen: Seen::Saved, devname: event.devname.clone(), claims: claims(&event), event };
            table.devices.insert(syspath, record);
        }
        let known: BTreeSet<String> = table.devices.keys().cloned().collect();
        table.slots.retain(|_, slot| slot.owner.as_ref().is_some_and(|owner| known.contains(owner)));
        table
    }

    /// All units that are not dead, and after them, as `dead`, those that vanished while the daemon was away.
    pub fn units(&self) -> Vec<DeviceUnit> {
        let live = self.slots.values().filter_map(|slot| slot.announced.clone());
        live.chain(self.vanished.values().cloned()).collect()
    }

    /// The sysfs paths of all devices that have units.
    pub fn syspaths(&self) -> impl Iterator<Item = &str> {
        self.devices.keys().map(String::as_str)
    }

    /// The links below `/dev` that a device claims: before an event of it, the caller looks where they lead now, for what
    /// the device gives up another may inherit.
    pub fn links_of(&self, syspath: &str) -> Vec<String> {
        let claims = self.devices.get(syspath).map(|device| device.claims.names.as_slice()).unwrap_or_default();
        claims.iter().filter(|claim| claim.kind == NameKind::Link).map(|claim| claim.path.clone()).collect()
    }

    /// Applies one input.
    pub fn handle(&mut self, input: Input) -> Vec<Change> {
        let changes = match input {
            Input::Event(origin, event) => vec![self.event(origin, event)],
            Input::Enumeration(devices) => self.enumeration(devices),
            Input::Referenced(referrer, nodes) => vec![self.referenced(referrer, nodes)],
        };
        let nothing = |c: &Change| c.units.is_empty() && c.keep.is_empty() && c.complaints.is_empty();
        changes.into_iter().filter(|change| !nothing(change)).collect()
    }

    fn event(&mut self, origin: Origin, event: DeviceEvent) -> Change {
        let mut change = Change { action: event.action.to_string(), ..Change::default() };
        if event.udev_failed() {
            change
                .complaints
                .push(format!("udev failed on {} ({}), the event is ignored", event.syspath, event.action));
            return change;
        }
        if let (Action::Move, Some(former)) = (&event.action, event.former_syspath())
            && former != event.syspath
        {
            self.drop_device(&former, true, &event, &mut change);
        }
        if event.is_ready() {
            self.set_device(origin, event, Seen::Event, &mut change);
        } else {
            let syspath = event.syspath.clone();
            let gone = event.action == Action::Remove;
            self.drop_device(&syspath, gone, &event, &mut change);
        }
        // Stable, so the main unit stays first among the living.
        change.units.sort_by_key(|unit| unit.state != "dead");
        change
    }

    fn enumeration(&mut self, devices: Vec<DeviceEvent>) -> Vec<Change> {
        let mut changes = Vec::new();
        let present: BTreeSet<&str> = devices.iter().filter(|d| d.is_ready()).map(|d| d.syspath.as_str()).collect();
        let absent: Vec<DeviceEvent> = self
            .devices
            .values()
            .filter(|d| d.origin == Origin::Udev && !present.contains(d.event.syspath.as_str()))
            .map(|d| match devices.iter().find(|there| there.syspath == d.event.syspath) {
                Some(unready) => unready.clone(),
                None => DeviceEvent { action: Action::Remove, ..d.event.clone() },
            })
            .collect();
        for event in absent {
            let was_saved = self.devices.get(&event.syspath).is_some_and(|d| d.seen == Seen::Saved);
            let change = self.event(Origin::Udev, event);
            if was_saved {
                // Nobody was connected yet who could be told; List() tells.
                for unit in change.units.iter().filter(|unit| unit.state == "dead") {
                    if let Ok(name) = UnitName::parse(&unit.unit) {
                        self.vanished.insert(name, unit.clone());
                    }
                }
            }
            changes.push(change);
        }
        for event in devices {
            if !event.is_ready() {
                continue;
            }
            let mut change = Change { action: Action::Enumerate.to_string(), ..Change::default() };
            self.set_device(Origin::Udev, event, Seen::Enumerated, &mut change);
            changes.push(change);
        }
        changes
    }

    fn set_device(&mut self, origin: Origin, event: DeviceEvent, seen: Seen, change: &mut Change) {
        let syspath = event.syspath.clone();
        let claims = claims(&event);
        let before = self.devices.get(&syspath);
        let same = before
            .is_some_and(|d| d.claims == claims && d.origin == origin && d.event.link_targets == event.link_targets);
        let duplicate = match (seen, before.map(|d| d.seen)) {
            (Seen::Enumerated, _) => same,
            (Seen::Event, Some(Seen::Enumerated)) => same && event.action == Action::Add,
            (Seen::Event, Some(Seen::Event | Seen::Saved) | None) | (Seen::Saved, _) => false,
        };
        if duplicate {
            if let Some(device) = self.devices.get_mut(&syspath) {
                device.seen = seen;
            }
            return;
        }
        change.complaints.extend(claims.complaints.iter().cloned());
        let action = event.action.clone();
        let former: Vec<UnitName> = self.owned_by(&syspath);
        let record =
            Device { origin, seen, devname: event.devname.clone(), claims: claims.clone(), event: event.clone() };
        self.devices.insert(syspath.clone(), record);
        for name in former.iter().filter(|name| !claims.names.iter().any(|claim| claim.name == **name)) {
            self.release(name, &event, &action, change);
        }
        for claim in &claims.names {
            self.claim(&syspath, claim.kind, &claim.name, &event, &action, change);
        }
        if claims.names.is_empty() {
            self.devices.remove(&syspath);
            change.keep.push(Keep::Forget(syspath));
        } else {
            self.keep(&syspath, change);
        }
    }

    /// Gives a name to a device, unless it belongs to another by right.
    fn claim(
        &mut self,
        syspath: &str,
        kind: NameKind,
        name: &UnitName,
        event: &DeviceEvent,
        action: &Action,
        change: &mut Change,
    ) {
        let slot = self.slots.entry(name.clone()).or_default();
        let rival = slot.owner.clone().filter(|owner| owner != syspath);
        if let Some(rival) = rival {
            let rival_kind = self.kind_of(&rival, name);
            let node = event.devname.as_deref();
            let (mine, why) = match (kind, rival_kind) {
                (NameKind::Main, _) => (true, "it is this device's sysfs path"),
                (_, Some(NameKind::Main)) => (false, "it is the other's sysfs path"),
                (NameKind::Link, _) => {
                    let target = self.link_target(name, event);
                    (target.is_none() || target.as_deref() == node, "the link points there")
                }
                (NameKind::Node | NameKind::Alias, _) => (true, "the last one has it"),
            };
            let (winner, loser) = if mine { (syspath, rival.as_str()) } else { (rival.as_str(), syspath) };
            change.complaints.push(format!("{name} is claimed by {loser} and {winner}: the latter has it ({why})"));
            if !mine {
                return;
            }
        }
        if let Some(slot) = self.slots.get_mut(name) {
            slot.owner = Some(syspath.to_owned());
        }
        self.announce(name, action, change);
    }

    /// Where a link points according to an event.
    fn link_target(&self, name: &UnitName, event: &DeviceEvent) -> Option<String> {
        let (_, target) = event.link_targets.iter().find(|(link, _)| is_name_of(name, link))?;
        Some(target.clone())
    }

    /// Takes a name from its owner. A link goes to the device that it points to now; any other name dies, though
    /// another device may claim it still: as in systemd, that one gets it back with its next event.
    fn release(&mut self, name: &UnitName, event: &DeviceEvent, action: &Action, change: &mut Change) {
        let target = self.link_target(name, event);
        let heir = target.and_then(|node| {
            let claims_it = |d: &&Device| {
                d.devname.as_deref() == Some(node.as_str())
                    && d.event.syspath != event.syspath
                    && d.claims.names.iter().any(|c| c.kind == NameKind::Link && c.name == *name)
            };
            self.devices.values().find(claims_it).map(|d| d.event.syspath.clone())
        });
        if let Some(slot) = self.slots.get_mut(name) {
            slot.owner = heir.clone();
        }
        self.announce(name, action, change);
        if let Some(heir) = heir {
            self.keep(&heir, change);
        }
    }

    fn drop_device(&mut self, syspath: &str, gone: bool, event: &DeviceEvent, change: &mut Change) {
        let owned = self.owned_by(syspath);
        if self.devices.remove(syspath).is_none() && owned.is_empty() {
            return;
        }
        for name in &owned {
            if gone && let Some(slot) = self.slots.get_mut(name) {
                // A device that is gone isn't mounted either, whatever the kernel's table still says (lazily).
                slot.referrers.clear();
            }
            self.release(name, event, &event.action, change);
        }
        change.keep.push(Keep::Forget(syspath.to_owned()));
    }

    fn referenced(&mut self, referrer: Referrer, nodes: Nodes) -> Change {
        let mut change = Change { action: Action::Change.to_string(), ..Change::default() };
        let before = self.references.insert(referrer, nodes.clone()).unwrap_or_default();
        let came = nodes.iter().filter(|(node, path)| before.get(*node) != Some(*path));
        let went = before.iter().filter(|(node, _)| !nodes.contains_key(*node));
        for (node, sysfs_path) in came.chain(went) {
            let Ok(name) = UnitName::from_path(node, UnitType::Device) else { continue };
            let slot = self.slots.entry(name.clone()).or_default();
            if nodes.contains_key(node) {
                slot.referrers.insert(referrer);
                slot.sysfs_path.clone_from(sysfs_path);
            } else {
                slot.referrers.remove(&referrer);
            }
            if slot.owner.is_none() {
                self.announce(&name, &Action::Change, &mut change);
            }
        }
        change
    }

    /// Works a unit out anew from its slot and puts it into the change.
    fn announce(&mut self, name: &UnitName, action: &Action, change: &mut Change) {
        let Some(slot) = self.slots.get_mut(name) else { return };
        let owner = slot.owner.as_ref().and_then(|owner| self.devices.get(owner));
        let claim = owner.and_then(|device| device.claims.names.iter().find(|claim| claim.name == *name));
        let action = action.to_string();
        let unit = match (owner, claim) {
            (Some(device), Some(claim)) => {
                let main = claim.kind == NameKind::Main;
                let list = |names: &[UnitName]| names.iter().filter(|_| main).map(ToString::to_string).collect();
                DeviceUnit {
                    unit: name.to_string(),
                    state: "plugged".to_owned(),
                    following: claim.following.as_ref().map(ToString::to_string).unwrap_or_default(),
                    sysfs_path: device.event.syspath.clone(),
                    description: claim.description.clone(),
                    wants: list(&device.claims.wants),
                    user_wants: list(&device.claims.user_wants),
                    action,
                }
            }
            (Some(_) | None, _) => {
                let tentative = !slot.referrers.is_empty();
                DeviceUnit {
                    unit: name.to_string(),
                    state: if tentative { "tentative" } else { "dead" }.to_owned(),
                    following: String::new(),
                    sysfs_path: if tentative { slot.sysfs_path.clone() } else { String::new() },
                    description: name.to_path().unwrap_or_else(|| name.to_string()),
                    wants: Vec::new(),
                    user_wants: Vec::new(),
                    action,
                }
            }
        };
        let dead = unit.state == "dead";
        if dead {
            if self.slots.remove(name).is_none_or(|slot| slot.announced.is_none()) {
                return;
            }
        } else {
            slot.announced = Some(unit.clone());
            self.vanished.remove(name);
        }
        change.units.push(unit);
    }

    fn owned_by(&self, syspath: &str) -> Vec<UnitName> {
        let mut names: Vec<UnitName> = Vec::new();
        // The device's own order first (main, node, links, aliases), then what only the state directory knew.
        if let Some(device) = self.devices.get(syspath) {
            names.extend(
                device.claims.names.iter().map(|claim| claim.name.clone()).filter(|name| self.owns(syspath, name)),
            );
        } else {
            names.extend(self.slots.keys().filter(|name| self.owns(syspath, name)).cloned());
        }
        names
    }

    fn owns(&self, syspath: &str, name: &UnitName) -> bool {
        self.slots.get(name).is_some_and(|slot| slot.owner.as_deref() == Some(syspath))
    }

    fn kind_of(&self, syspath: &str, name: &UnitName) -> Option<NameKind> {
        let device = self.devices.get(syspath)?;
        device.claims.names.iter().find(|claim| claim.name == *name).map(|claim| claim.kind)
    }

    fn keep(&self, syspath: &str, change: &mut Change) {
        let Some(device) = self.devices.get(syspath) else { return };
        let units = device
            .claims
            .names
            .iter()
            .filter(|claim| self.owns(syspath, &claim.name))
            .filter_map(|claim| self.slots.get(&claim.name)?.announced.clone())
            .collect();
        change.keep.push(Keep::Save(Box::new(SavedDevice {
            syspath: syspath.to_owned(),
            origin: device.origin,
            units,
            event: Some(device.event.clone()),
        })));
    }
}

/// Whether a unit name is that of a path.
fn is_name_of(name: &UnitName, path: &str) -> bool {
    UnitName::from_path(path, UnitType::Device).is_ok_and(|other| other == *name)
}
