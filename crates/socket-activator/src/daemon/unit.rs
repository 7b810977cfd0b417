//! A socket unit with everything that belongs to it in this process.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use tokio::task::AbortHandle;
use unit_parser::Unit;
use zbus::OwnedVariant;

use super::control::ControlProcess;
use super::namespaces::Namespaces;
use super::saved::{SavedPort, SavedUnit};
use crate::core::Machine;
use crate::core::runs::Runs;
use crate::core::timestamps::Timestamps;
use crate::settings::Settings;
use crate::sockets::Port;

/// Ends a task when it is dropped.
#[derive(Debug)]
pub struct TaskGuard(pub AbortHandle);

impl Drop for TaskGuard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One unit.
pub struct SocketUnit {
    /// Its name.
    pub name: Rc<str>,
    /// The definition as it came.
    pub unit: Unit,
    /// What we take from it.
    pub settings: Settings,
    /// Its state.
    pub machine: Machine,
    /// Its addresses, in order.
    pub ports: Vec<Port>,
    /// Watchers of the ports, while it listens.
    pub watchers: Vec<TaskGuard>,
    /// Where its sockets and commands live, if not in the manager's.
    pub namespaces: Namespaces,
    /// The control command that runs.
    pub control: Option<ControlProcess>,
    /// The timer of the state.
    pub timer: Option<TaskGuard>,
    /// Connections that no broker has taken yet, by SO_COOKIE.
    pub connections: HashMap<u64, OwnedFd>,
    /// State changes.
    pub timestamps: Timestamps,
    /// `InvocationID` of the last start.
    pub invocation_id: Vec<u8>,
    /// What became of the control commands.
    pub runs: Runs,
    /// The manager's environment, for control commands.
    pub environment: Vec<String>,
    /// What was last written to disk.
    pub saved: Option<SavedUnit>,
    /// The properties as they were last told to all; empty when somebody may know others.
    pub told: HashMap<String, OwnedVariant>,
}

impl SocketUnit {
    /// A unit that has not been started.
    pub fn new(name: Rc<str>, unit: Unit) -> Self {
        let settings = Settings::from_unit(&unit);
        let ports = settings.addresses.iter().cloned().zip(0..).map(|(a, slot)| Port::new(a, slot)).collect();
        SocketUnit {
            name,
            machine: Machine::new(settings.policy.clone()),
            unit,
            settings,
            ports,
            watchers: Vec::new(),
            namespaces: Namespaces::default(),
            control: None,
            timer: None,
            connections: HashMap::new(),
            timestamps: Timestamps::default(),
            invocation_id: Vec::new(),
            runs: Runs::default(),
            environment: Vec::new(),
            saved: None,
            told: HashMap::new(),
        }
    }

    /// Takes a new definition: addresses that stay keep their descriptors. Returns the ports that are gone.
    pub fn redefine(&mut self, unit: Unit) -> Vec<Port> {
        self.settings = Settings::from_unit(&unit);
        self.unit = unit;
        self.machine.policy = self.settings.policy.clone();
        let mut old = std::mem::take(&mut self.ports);
        let mut next = old.iter().map(|port| port.slot + 1).max().unwrap_or(0);
        for address in &self.settings.addresses {
            let same = |port: &Port| port.address.kind == address.kind && port.address.text == address.text;
            let port = match old.iter().position(same) {
                Some(at) => old.swap_remove(at),
                None => {
                    next += 1;
                    Port::new(address.clone(), next - 1)
                }
            };
            self.ports.push(port);
        }
        old
    }

    /// What goes to disk.
    pub fn to_saved(&self) -> SavedUnit {
        let ports = self.ports.iter().map(|port| SavedPort {
            kind: port.address.kind,
            text: port.address.text.clone(),
            slot: port.slot,
        });
        SavedUnit {
            machine: self.machine.clone(),
            ports: ports.collect(),
            timestamps: self.timestamps,
            runs: self.runs.clone(),
            invocation_id: self.invocation_id.clone(),
            environment: self.environment.clone(),
            owners: self.namespaces.owners(),
        }
    }

    /// Back from disk, without descriptors.
    pub fn from_saved(name: Rc<str>, unit: Unit, saved: SavedUnit) -> Self {
        let mut this = SocketUnit::new(name, unit);
        this.machine = saved.machine.clone();
        this.machine.policy = this.settings.policy.clone();
        this.timestamps = saved.timestamps;
        this.runs = saved.runs.clone();
        this.invocation_id = saved.invocation_id.clone();
        this.environment = saved.environment.clone();
        for port in &mut this.ports {
            let same = |s: &&SavedPort| s.kind == port.address.kind && s.text == port.address.text;
            if let Some(known) = saved.ports.iter().find(same) {
                port.slot = known.slot;
            }
        }
        this.saved = Some(saved);
        this
    }
}
