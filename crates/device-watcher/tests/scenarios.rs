//! Runs every file in `scenarios/` against the device table.
//!
//! A line at the margin is an input; the indented lines below it are all that it must change, in order:
//!
//! ```text
//! EVENT SYSPATH [SUBSYSTEM] [node=/dev/X] [link:/dev/LINK=/dev/X] [PROPERTY=VALUE]     an event; `systemd` as a word tags the device
//! replay EVENT SYSPATH ...     the same, from a recording
//! enumerate                    udev's database is what the `device` lines after it say
//! device SYSPATH ...
//! mounts [NODE...]             the nodes that are mounted now
//! restart                      the daemon is killed and starts again with what it had written down
//! list                         all units
//!     STATE UNIT [ACTION] [following=UNIT] [wants=UNIT,UNIT] [user-wants=...] [description=TEXT] [at=SYSPATH]
//! ```
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use bus_api::devices::DeviceUnit;
use device_watcher::core::event::{Action, DeviceEvent, Origin};
use device_watcher::core::saved::{Keep, SavedDevice};
use device_watcher::core::table::{Change, Input, Referrer, Table};
use device_watcher::core::words::{Backslash, split};

#[derive(Default)]
struct Run {
    table: Table,
    saved: BTreeMap<String, SavedDevice>,
    enumeration: Option<Vec<DeviceEvent>>,
    out: String,
}

fn event(action: &str, words: &[String]) -> DeviceEvent {
    let mut event = DeviceEvent {
        action: Action::from(action.to_owned()),
        syspath: words[0].clone(),
        subsystem: String::new(),
        devname: None,
        properties: BTreeMap::new(),
        link_targets: BTreeMap::new(),
        seqnum: 0,
    };
    for word in &words[1..] {
        match word.split_once('=') {
            Some(("node", node)) => event.devname = Some(node.to_owned()),
            Some((key, value)) if key.starts_with("link:") => {
                event.link_targets.insert(key["link:".len()..].to_owned(), value.to_owned());
            }
            Some((key, value)) => {
                event.properties.insert(key.to_owned(), value.to_owned());
            }
            None if word == "systemd" => {
                event.properties.insert("CURRENT_TAGS".to_owned(), ":systemd:".to_owned());
            }
            None => event.subsystem = word.clone(),
        }
    }
    event
}

fn line(unit: &DeviceUnit) -> String {
    let mut line = format!("{} {} {}", unit.state, unit.unit, unit.action);
    if !unit.following.is_empty() {
        write!(line, " following={}", unit.following).unwrap();
    }
    if !unit.wants.is_empty() {
        write!(line, " wants={}", unit.wants.join(",")).unwrap();
    }
    if !unit.user_wants.is_empty() {
        write!(line, " user-wants={}", unit.user_wants.join(",")).unwrap();
    }
    line
}

impl Run {
    fn input(&mut self, input: Input) {
        for change in self.table.handle(input) {
            let Change { units, keep, complaints, action } = change;
            assert!(units.iter().all(|unit| unit.action == action), "one action a change: {units:?}");
            for unit in &units {
                writeln!(self.out, "    {}", line(unit)).unwrap();
            }
            for complaint in complaints {
                writeln!(self.out, "    ! {complaint}").unwrap();
            }
            for keep in keep {
                match keep {
                    Keep::Save(device) => drop(self.saved.insert(device.syspath.clone(), *device)),
                    Keep::Forget(syspath) => drop(self.saved.remove(&syspath)),
                }
            }
        }
    }

    fn flush(&mut self) {
        if let Some(devices) = self.enumeration.take() {
            self.input(Input::Enumeration(devices));
        }
    }

    fn step(&mut self, text: &str) {
        let words = split(text, Backslash::Kept);
        if words[0] != "device" {
            self.flush();
        }
        writeln!(self.out, "{text}").unwrap();
        match words[0].as_str() {
            "device" => self.enumeration.as_mut().expect("after enumerate").push(event("enumerate", &words[1..])),
            "enumerate" => self.enumeration = Some(Vec::new()),
            "replay" => self.input(Input::Event(Origin::Replay, event(&words[1], &words[2..]))),
            "mounts" => self.input(Input::Referenced(
                Referrer::Mounts,
                words[1..].iter().map(|node| (node.clone(), format!("/sys/of{node}"))).collect(),
            )),
            "restart" => {
                // Through JSON, as the state directory has it.
                let json = serde_json::to_string(&self.saved.values().collect::<Vec<_>>()).unwrap();
                self.table = Table::restored(serde_json::from_str(&json).unwrap());
            }
            "list" => {
                for unit in self.table.units() {
                    let DeviceUnit { state, unit, description, sysfs_path, .. } = unit;
                    let text = format!("    {state} {unit} \"{description}\" {sysfs_path}");
                    writeln!(self.out, "{}", text.trim_end()).unwrap();
                }
            }
            action => self.input(Input::Event(Origin::Udev, event(action, &words[1..]))),
        }
    }
}

#[test]
fn scenarios() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 10, "scenarios are found");
    let mut failed = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let wanted: String = text
            .lines()
            .filter(|l| !l.starts_with('#') && !l.trim().is_empty())
            .map(|l| format!("{}\n", l.trim_end()))
            .collect();
        let mut run = Run::default();
        for input in wanted.lines().filter(|line| !line.starts_with(' ')) {
            run.step(input);
        }
        run.flush();
        if run.out != wanted {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            println!("== {name}: wanted\n{wanted}== {name}: got\n{}", run.out);
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}
