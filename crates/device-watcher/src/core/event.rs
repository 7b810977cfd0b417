//! What happened to a device: one value per udev event, enumerated device or recorded line.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// udev's `ACTION`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Action {
    /// The device appeared.
    Add,
    /// The device or its properties changed.
    Change,
    /// The device is gone.
    Remove,
    /// The device has another path now (a renamed network interface); `DEVPATH_OLD` is the former.
    Move,
    /// Anything else (`bind`, `unbind`, `online`, `offline`): handled like a change.
    Other(String),
    /// No event: the device was found in udev's database.
    Enumerate,
}

impl Action {
    /// udev's word.
    pub fn as_str(&self) -> &str {
        match self {
            Action::Add => "add",
            Action::Change => "change",
            Action::Remove => "remove",
            Action::Move => "move",
            Action::Other(word) => word,
            Action::Enumerate => "enumerate",
        }
    }
}

impl From<String> for Action {
    fn from(word: String) -> Self {
        match word.as_str() {
            "add" => Action::Add,
            "change" => Action::Change,
            "remove" => Action::Remove,
            "move" => Action::Move,
            "enumerate" => Action::Enumerate,
            _ => Action::Other(word),
        }
    }
}

impl From<Action> for String {
    fn from(action: Action) -> Self {
        action.as_str().to_owned()
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where an event comes from. A device that was replayed isn't in udev's database, so its absence there means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// udev's netlink socket or database.
    Udev,
    /// A recorded event stream (`device-watcher replay`).
    Replay,
}

/// One event of one device. As JSON it is a line of a recording; everything but `action` and `syspath` may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceEvent {
    /// What happened.
    pub action: Action,
    /// Path below `/sys/devices`.
    pub syspath: String,
    /// Kernel subsystem (`net`, `block`).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subsystem: String,
    /// Device node (`/dev/sda`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devname: Option<String>,
    /// udev's properties (`ID_MODEL`, `SYSTEMD_WANTS`, `CURRENT_TAGS`, ...).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    /// For the links in `DEVLINKS`: the device node to which each points now. Several devices may claim one link, and
    /// only the file system knows which of them udev let have it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub link_targets: BTreeMap<String, String>,
    /// The kernel's sequence number; 0 when unknown.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub seqnum: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl DeviceEvent {
    /// A property that is there and not empty.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether a tag is set now. `TAGS` also keeps those that once were (udev(7), "TAG").
    pub fn has_current_tag(&self, tag: &str) -> bool {
        self.property("CURRENT_TAGS").is_some_and(|tags| tags.split(':').any(|t| t == tag))
    }

    /// Links of the device node, without those by device number, which nobody refers to.
    pub fn devlinks(&self) -> impl Iterator<Item = &str> {
        self.property("DEVLINKS")
            .unwrap_or("")
            .split_ascii_whitespace()
            .filter(|link| !link.starts_with("/dev/block/") && !link.starts_with("/dev/char/"))
    }

    /// Path that a moved device had before.
    pub fn former_syspath(&self) -> Option<String> {
        self.property("DEVPATH_OLD").map(|devpath| format!("/sys{devpath}"))
    }

    /// Whether the device counts as plugged (systemd.device(5), `SYSTEMD_READY=`): tagged `systemd` now, not in the
    /// middle of being renamed by udev, and not declared unready. A value that is no boolean counts as ready.
    pub fn is_ready(&self) -> bool {
        let gone = matches!(self.action, Action::Remove);
        let renaming = self.property("ID_RENAMING").is_some_and(|value| boolean(value) == Some(true));
        let unready = self.property("SYSTEMD_READY").is_some_and(|value| boolean(value) == Some(false));
        !gone && self.has_current_tag("systemd") && !renaming && !unready
    }

    /// Whether udev failed on this event, so that its properties are not to be trusted.
    pub fn udev_failed(&self) -> bool {
        self.property("UDEV_WORKER_FAILED").is_some_and(|value| boolean(value) == Some(true))
    }
}

/// systemd's booleans (systemd.syntax(7)).
fn boolean(word: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|w| w.eq_ignore_ascii_case(word));
    if is(&["1", "yes", "y", "true", "t", "on"]) {
        Some(true)
    } else if is(&["0", "no", "n", "false", "f", "off"]) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(properties: &[(&str, &str)]) -> DeviceEvent {
        DeviceEvent {
            action: Action::Add,
            syspath: "/sys/devices/x".to_owned(),
            subsystem: String::new(),
            devname: None,
            properties: properties.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            link_targets: BTreeMap::new(),
            seqnum: 0,
        }
    }

    #[test]
    fn readiness() {
        let tagged = ("CURRENT_TAGS", ":seat:systemd:");
        for (properties, ready) in [
            (&[][..], false),
            (&[("TAGS", ":systemd:")], false),
            (&[("CURRENT_TAGS", ":systemd-x:")], false),
            (&[tagged], true),
            (&[tagged, ("SYSTEMD_READY", "0")], false),
            (&[tagged, ("SYSTEMD_READY", "No")], false),
            (&[tagged, ("SYSTEMD_READY", "1")], true),
            (&[tagged, ("SYSTEMD_READY", "")], true),
            (&[tagged, ("SYSTEMD_READY", "banana")], true),
            (&[tagged, ("ID_RENAMING", "1")], false),
        ] {
            assert_eq!(event(properties).is_ready(), ready, "{properties:?}");
        }
    }

    #[test]
    fn a_line_of_a_recording() {
        let line =
            r#"{"action":"add","syspath":"/sys/devices/virtual/net/a","properties":{"CURRENT_TAGS":":systemd:"}}"#;
        let event: DeviceEvent = serde_json::from_str(line).unwrap();
        assert!(event.is_ready());
        assert_eq!(serde_json::to_string(&event).unwrap(), line);
        assert!(serde_json::from_str::<DeviceEvent>(r#"{"action":"add","syspath":"/sys/x","sysname":"x"}"#).is_err());
    }
}
