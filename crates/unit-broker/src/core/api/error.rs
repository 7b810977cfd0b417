//! Why a request is refused. Texts and D-Bus names are systemd's, for clients show them.

use thiserror::Error;

/// A refused request. `Display` is the message, [`EngineError::dbus_name`] its D-Bus error name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the message says it")]
pub enum EngineError {
    #[error("Unit {0} not found.")]
    NoSuchUnit(String),
    #[error("Unit {0} not loaded.")]
    NotLoaded(String),
    #[error("Unit {0} is masked.")]
    Masked(String),
    #[error("Unit {0} has a bad unit file setting.")]
    BadSetting(String),
    /// The D-Bus error name of what went wrong, and the message.
    #[error("{1}")]
    LoadFailed(String, String),
    #[error("Job type {0} is not applicable for unit {1}.")]
    NotApplicable(String, String),
    #[error(
        "Operation refused, unit {0} may be requested by dependency only (it is configured to refuse manual start/stop)."
    )]
    OnlyByDependency(String),
    #[error("Operation refused, unit may not be isolated.")]
    NoIsolation,
    #[error("{0}")]
    InvalidArgs(String),
    #[error(
        "Transaction for {unit}/{job_type} is destructive ({other} has '{queued}' job queued, but '{wanted}' is included in transaction)."
    )]
    Destructive { unit: String, job_type: String, other: String, queued: String, wanted: String },
    #[error(
        "Transaction contains conflicting jobs '{first}' and '{second}' for {unit}. Probably contradicting requirement dependencies configured."
    )]
    Conflicting { unit: String, first: String, second: String },
    /// The cycle, one edge a line, each with its file and line.
    #[error("Transaction order is cyclic. See system logs for details.")]
    Cyclic(Vec<String>),
    #[error("Job {0} does not exist.")]
    NoSuchJob(u32),
    #[error("Unit {0} is not in a state that allows this: {1}.")]
    WrongState(String, String),
}

impl EngineError {
    /// The D-Bus error name.
    pub fn dbus_name(&self) -> &str {
        match self {
            EngineError::NoSuchUnit(_) | EngineError::NotLoaded(_) => "org.freedesktop.systemd1.NoSuchUnit",
            EngineError::Masked(_) => "org.freedesktop.systemd1.UnitMasked",
            EngineError::BadSetting(_) => "org.freedesktop.systemd1.BadUnitSetting",
            EngineError::LoadFailed(name, _) => name,
            EngineError::NotApplicable(..) => "org.freedesktop.systemd1.JobTypeNotApplicable",
            EngineError::OnlyByDependency(_) => "org.freedesktop.systemd1.OnlyByDependency",
            EngineError::NoIsolation => "org.freedesktop.systemd1.NoIsolation",
            EngineError::InvalidArgs(_) => "org.freedesktop.DBus.Error.InvalidArgs",
            EngineError::Destructive { .. } => "org.freedesktop.systemd1.TransactionIsDestructive",
            EngineError::Conflicting { .. } => "org.freedesktop.systemd1.TransactionJobsConflicting",
            EngineError::Cyclic(_) => "org.freedesktop.systemd1.TransactionOrderIsCyclic",
            EngineError::NoSuchJob(_) => "org.freedesktop.systemd1.NoSuchJob",
            EngineError::WrongState(..) => "org.freedesktop.DBus.Error.Failed",
        }
    }
}
