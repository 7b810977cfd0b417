//! `SuccessExitStatus=`, `RestartPreventExitStatus=`, `RestartForceExitStatus=`.

use serde::{Deserialize, Serialize};

/// A set of exit codes and of signals, both ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitStatusSet {
    /// Exit codes.
    pub codes: Vec<u8>,
    /// Signal numbers.
    pub signals: Vec<i32>,
}

impl ExitStatusSet {
    /// Whether a process that exited with this code is meant.
    pub fn has_code(&self, code: i32) -> bool {
        self.codes.iter().any(|c| i32::from(*c) == code)
    }

    /// Whether a process that was killed by this signal is meant.
    pub fn has_signal(&self, signal: i32) -> bool {
        self.signals.contains(&signal)
    }

    /// Adds a code, keeping the order.
    pub fn add_code(&mut self, code: u8) {
        if let Err(at) = self.codes.binary_search(&code) {
            self.codes.insert(at, code);
        }
    }

    /// Adds a signal, keeping the order.
    pub fn add_signal(&mut self, signal: i32) {
        if let Err(at) = self.signals.binary_search(&signal) {
            self.signals.insert(at, signal);
        }
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty() && self.signals.is_empty()
    }
}
