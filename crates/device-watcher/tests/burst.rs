//! Ten thousand events of a hundred devices, with restarts, overflows and repeated enumerations in between: what clients
//! were told, what `List()` says and what is written down agree with the devices that are there in the end.

use std::collections::{BTreeMap, BTreeSet};

use bus_api::devices::DeviceUnit;
use device_watcher::core::event::{Action, DeviceEvent, Origin};
use device_watcher::core::saved::{Keep, SavedDevice};
use device_watcher::core::table::{Change, Input, Table};

const EVENTS: usize = 10_000;
const DEVICES: u64 = 100;

/// Xorshift: the same numbers for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[derive(Default)]
struct World {
    table: Table,
    saved: BTreeMap<String, SavedDevice>,
    /// What is plugged in in truth.
    real: BTreeSet<u64>,
    /// The units as a client knows them that heard every signal and lists after each restart.
    client: BTreeMap<String, DeviceUnit>,
    /// By main unit: starts and stops as the client would order them, for a service bound to it.
    starts: BTreeMap<String, (u64, u64)>,
}

fn event(action: Action, device: u64) -> DeviceEvent {
    let alias = format!("/sys/subsystem/net/devices/d{device}");
    let mut properties = BTreeMap::from([("CURRENT_TAGS".to_owned(), ":systemd:".to_owned())]);
    properties.insert("SYSTEMD_ALIAS".to_owned(), alias);
    if device.is_multiple_of(10) {
        properties.insert("SYSTEMD_WANTS".to_owned(), format!("s{device}.service"));
    }
    DeviceEvent {
        action,
        syspath: format!("/sys/devices/virtual/net/d{device}"),
        subsystem: "net".to_owned(),
        devname: None,
        properties,
        link_targets: BTreeMap::new(),
        seqnum: 0,
    }
}

impl World {
    fn input(&mut self, input: Input) {
        for Change { units, keep, .. } in self.table.handle(input) {
            for keep in keep {
                match keep {
                    Keep::Save(device) => drop(self.saved.insert(device.syspath.clone(), *device)),
                    Keep::Forget(syspath) => drop(self.saved.remove(&syspath)),
                }
            }
            for unit in units {
                self.hear(unit);
            }
        }
    }

    fn hear(&mut self, unit: DeviceUnit) {
        let known = self.client.get(&unit.unit).is_some_and(|known| known.state == "plugged");
        let counts = self.starts.entry(unit.unit.clone()).or_default();
        if unit.state == "plugged" {
            counts.0 += u64::from(!known);
            self.client.insert(unit.unit.clone(), unit);
        } else {
            counts.1 += u64::from(known);
            self.client.remove(&unit.unit);
        }
    }

    fn enumerate(&mut self) {
        let devices = self.real.iter().map(|device| event(Action::Enumerate, *device)).collect();
        self.input(Input::Enumeration(devices));
    }

    /// Killed, while `missed` events happen; then it starts again, and the client lists.
    fn restart(&mut self, random: &mut Random, missed: u64) {
        for _ in 0..missed {
            let device = random.below(DEVICES);
            if !self.real.remove(&device) {
                self.real.insert(device);
            }
        }
        let json = serde_json::to_string(&self.saved.values().collect::<Vec<_>>()).unwrap();
        self.table = Table::restored(serde_json::from_str(&json).unwrap());
        self.enumerate();
        let listed = self.table.units();
        let names: BTreeSet<String> = listed.iter().map(|unit| unit.unit.clone()).collect();
        assert!(self.client.keys().all(|known| names.contains(known)), "what vanished is listed as dead");
        for unit in listed {
            self.hear(unit);
        }
    }
}

fn run(seed: u64) {
    let mut random = Random(seed);
    let mut world = World::default();
    world.enumerate();
    for _ in 0..EVENTS {
        let device = random.below(DEVICES);
        let plugged = world.real.contains(&device);
        let action = match random.below(8) {
            0 if plugged => Action::Change,
            // Repeated by udev, or heard besides the enumeration.
            1 if plugged => Action::Add,
            _ if plugged => Action::Remove,
            _ => Action::Add,
        };
        match action {
            Action::Remove => world.real.remove(&device),
            Action::Add | Action::Change | Action::Move | Action::Other(_) | Action::Enumerate => {
                world.real.insert(device)
            }
        };
        match random.below(400) {
            0 => world.restart(&mut random, 5),
            // An overflow: the event is lost, the database is read again.
            1 => world.enumerate(),
            // The database is read before the event is.
            2 => {
                world.enumerate();
                world.input(Input::Event(Origin::Udev, event(action, device)));
            }
            _ => world.input(Input::Event(Origin::Udev, event(action, device))),
        }
    }
    world.enumerate();
    let wanted: BTreeSet<String> = world
        .real
        .iter()
        .flat_map(|d| {
            [format!("sys-devices-virtual-net-d{d}.device"), format!("sys-subsystem-net-devices-d{d}.device")]
        })
        .collect();
    let plugged = |units: Vec<&DeviceUnit>| -> BTreeSet<String> {
        units.into_iter().filter(|unit| unit.state == "plugged").map(|unit| unit.unit.clone()).collect()
    };
    assert_eq!(plugged(world.table.units().iter().collect()), wanted, "seed {seed}: the table");
    assert_eq!(plugged(world.client.values().collect()), wanted, "seed {seed}: the client");
    assert_eq!(world.saved.len(), world.real.len(), "seed {seed}: what is written down");
    let mut total = 0;
    for (unit, (starts, stops)) in &world.starts {
        let there = u64::from(wanted.contains(unit));
        assert_eq!(*starts, *stops + there, "seed {seed}: {unit}: every start has its stop");
        total += starts;
    }
    assert!(total > 2000, "seed {seed}: {total} starts");
    for unit in world.client.values() {
        let number = unit.unit.strip_prefix("sys-devices-virtual-net-d").and_then(|rest| rest.strip_suffix(".device"));
        let wants =
            number.and_then(|number| number.parse::<u64>().ok()).is_some_and(|number| number.is_multiple_of(10));
        assert_eq!(!unit.wants.is_empty(), wants, "seed {seed}: {}", unit.unit);
    }
}

#[test]
fn ten_thousand_events() {
    for seed in 1..=5 {
        run(seed);
    }
}
