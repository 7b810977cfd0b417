//! The connections of an `Accept=yes` socket that services hold, and its counters.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Who holds connections, by name of the service instance, with the host that each came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connections {
    held: BTreeMap<String, Option<String>>,
    /// `NAccepted`: connections that services were asked for since the unit was loaded. Numbers the next instance.
    pub accepted: u32,
    /// `NRefused`: connections that were dropped.
    pub refused: u32,
}

impl Connections {
    /// `NConnections`.
    pub fn count(&self) -> usize {
        self.held.len()
    }

    /// How many come from that host.
    pub fn from(&self, source: &str) -> usize {
        self.held.values().filter(|held| held.as_deref() == Some(source)).count()
    }

    /// A service was asked to take one.
    pub fn add(&mut self, service: String, source: Option<String>) {
        self.held.insert(service, source);
        self.accepted = self.accepted.wrapping_add(1);
    }

    /// Only these services still hold one; whether that is news.
    pub fn keep(&mut self, services: &BTreeSet<String>) -> bool {
        let before = self.held.len();
        self.held.retain(|service, _| services.contains(service));
        self.held.len() != before
    }

    /// The service has ended; whether it held one.
    pub fn remove(&mut self, service: &str) -> bool {
        self.held.remove(service).is_some()
    }
}
