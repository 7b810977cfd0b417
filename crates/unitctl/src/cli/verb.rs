//! The verbs.

use clap::{Args, Subcommand, ValueEnum};

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

const PLAN_EXAMPLES: &str = "Examples:
  unitctl plan start web.service                  what would be started and stopped, and which line says so
  unitctl plan stop db.service                    what goes down with it
  unitctl plan isolate rescue.target              what would be left
  unitctl plan start web --job-mode=fail --json   for programs

Exit status: 0, or what the request itself would end with if it is refused.";

const SIMULATE_EXAMPLES: &str = "Examples:
  unitctl simulate plug dev-sda.device            what the device would start
  unitctl simulate unplug /dev/sda                what would be stopped
  unitctl simulate connect web.socket             what traffic would start
  unitctl simulate exit db.service 1              restarts, OnFailure=, what is bound to it
  unitctl simulate exit db.service SIGKILL
  unitctl simulate time 90                        restarts and time-outs within 90 seconds

Services are assumed to start and stop at once and without failure; what the workers are doing already stays as it is.";

/// A request that isn't made.
#[derive(Debug, Args)]
pub struct Planned {
    /// What would be done
    #[arg(value_enum)]
    pub verb: PlannedVerb,
    /// Unit names or shell patterns; `.service` when they have no suffix
    #[arg(required = true, value_name = "UNIT")]
    pub units: Vec<String>,
}

/// A verb that queues jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlannedVerb {
    /// start
    Start,
    /// stop
    Stop,
    /// restart
    Restart,
    /// try-restart
    TryRestart,
    /// reload
    Reload,
    /// reload-or-restart
    ReloadOrRestart,
    /// try-reload-or-restart
    TryReloadOrRestart,
    /// isolate
    Isolate,
}

/// Something that could happen.
#[derive(Debug, Subcommand)]
pub enum Happening {
    /// A device is plugged
    Plug {
        /// A device unit, or its path in /dev or /sys
        device: String,
    },
    /// A device is unplugged
    Unplug {
        /// A device unit, or its path in /dev or /sys
        device: String,
    },
    /// There is traffic on a socket
    Connect {
        /// A socket unit
        socket: String,
    },
    /// The main process of a service ends
    Exit {
        /// A service
        service: String,
        /// An exit status, or the name of a signal
        status: String,
    },
    /// Time passes
    Time {
        /// How many seconds
        seconds: f64,
    },
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
    /// Read the files of some loaded units again, and of no others
    ReloadDefinition(Units),
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
    /// Print the causes of a unit's last state changes, and what its job waits for
    Why(Units),
    /// Print the jobs that a request would make, without making them
    #[command(after_help = PLAN_EXAMPLES)]
    Plan(Planned),
    /// Print what would follow if something happened, without its happening
    #[command(after_help = SIMULATE_EXAMPLES)]
    Simulate {
        /// What is to happen
        #[command(subcommand)]
        happening: Happening,
    },
}
