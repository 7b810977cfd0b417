//! The verbs.

use clap::{Args, Subcommand};

/// Units or patterns.
#[derive(Debug, Args)]
pub struct Patterns {
    /// Unit names or shell patterns
    #[arg(value_name = "PATTERN")]
    pub patterns: Vec<String>,
}

/// One unit at least.
#[derive(Debug, Args)]
pub struct Units {
    /// Unit names or shell patterns; `.service` when they have no suffix
    #[arg(required = true, value_name = "UNIT")]
    pub units: Vec<String>,
}

/// A unit that others are hung on.
#[derive(Debug, Args)]
pub struct Dependents {
    /// The unit, usually a target, that gets the dependency
    pub target: String,
    /// The units that it is to pull in
    #[arg(required = true, value_name = "UNIT")]
    pub units: Vec<String>,
}

/// A verb.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List loaded units
    ListUnits(Patterns),
    /// List unit files and whether they are enabled
    ListUnitFiles(Patterns),
    /// List socket units, where they listen and what they start
    ListSockets(Patterns),
    /// List queued and running jobs
    ListJobs(Patterns),
    /// Show what a unit pulls in, as a tree
    ListDependencies(Patterns),
    /// Show the state of units, or of the manager
    Status(Patterns),
    /// Show properties of units, or of the manager
    Show(Patterns),
    /// Show the files of units
    Cat(Units),
    /// Start units
    Start(Units),
    /// Stop units
    Stop(Units),
    /// Stop and start units
    Restart(Units),
    /// Restart units that are running
    #[command(alias = "condrestart")]
    TryRestart(Units),
    /// Have units read their configuration again
    Reload(Units),
    /// Reload if possible, else restart
    ReloadOrRestart(Units),
    /// The same for units that are running
    #[command(aliases = ["reload-or-try-restart", "force-reload"])]
    TryReloadOrRestart(Units),
    /// Start a unit and stop all that it does not need
    Isolate(Units),
    /// Send a signal to processes of units
    Kill(Units),
    /// Forget failures of units, or of all
    ResetFailed(Patterns),
    /// Enable unit files
    Enable(Units),
    /// Disable unit files
    Disable(Units),
    /// Disable and enable unit files
    Reenable(Units),
    /// Enable or disable unit files as the presets say
    Preset(Units),
    /// Make units impossible to start
    Mask(Units),
    /// Undo mask
    Unmask(Units),
    /// Link unit files from elsewhere into the load path
    Link(Units),
    /// Remove the administrator's changes to units
    Revert(Units),
    /// Have a unit want others
    AddWants(Dependents),
    /// Have a unit require others
    AddRequires(Dependents),
    /// Exit with 0 if a unit is active
    IsActive(Units),
    /// Exit with 0 if a unit has failed
    IsFailed(Units),
    /// Exit with 0 if a unit file is enabled
    IsEnabled(Units),
    /// Print the state of the whole system
    IsSystemRunning,
    /// Read all unit files again
    DaemonReload,
    /// Print the target that boot starts
    GetDefault,
    /// Set the target that boot starts
    SetDefault {
        /// A target unit
        target: String,
    },
    /// Cancel jobs by number, or all
    Cancel {
        /// Job numbers
        jobs: Vec<u32>,
    },
    /// Print the environment that the manager gives to services
    ShowEnvironment,
    /// Set variables in it
    SetEnvironment {
        /// `NAME=VALUE`
        #[arg(required = true)]
        assignments: Vec<String>,
    },
    /// Remove variables from it
    UnsetEnvironment {
        /// `NAME`, or `NAME=VALUE` to remove it only when it has this value
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Print the causes of a unit's last state changes
    Why(Units),
}
