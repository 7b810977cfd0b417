//! What lies on disk of a unit, beside its definition.

use serde::{Deserialize, Serialize};
use unit_parser::ListenKind;

use super::namespaces::Owners;
use crate::core::Machine;
use crate::core::runs::Runs;
use crate::core::timestamps::Timestamps;

/// Written after every event that changed something, before anybody hears of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedUnit {
    /// The state machine.
    pub machine: Machine,
    /// Which stored descriptor belongs to which address.
    pub ports: Vec<SavedPort>,
    /// State changes.
    pub timestamps: Timestamps,
    /// `InvocationID`
    pub invocation_id: Vec<u8>,
    /// What became of the control commands.
    #[serde(default)]
    pub runs: Runs,
    /// The manager's environment.
    pub environment: Vec<String>,
    /// Who made its namespaces.
    #[serde(default)]
    pub owners: Owners,
}

/// An address and the number of its descriptor in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPort {
    /// Its directive.
    pub kind: ListenKind,
    /// Its address.
    pub text: String,
    /// The number.
    pub slot: u32,
}
