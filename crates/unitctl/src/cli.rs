//! The command line: systemctl(1)'s verbs and flags, as far as Quintet has them, and Quintet's own.

use clap::{Args, Parser, Subcommand};
use daemon_runtime::args::CommonArgs;

const EXAMPLES: &str = "Examples:
  unitctl start web.service          start it and wait for the result
  unitctl list-units --state=failed  what has failed
  unitctl why web.service            why it is in its state: the chain of causes
  unitctl show -p MainPID web        one property
  unitctl --user status              a user's manager

Exit status: as systemctl's: 0 done; 1 failed; 3 not active (is-active, status); 4 no such unit (status); 5 not loaded.";

/// Control units of Quintet.
#[derive(Debug, Parser)]
#[command(name = "unitctl", version, about, after_help = EXAMPLES)]
pub struct Cli {
    /// Flags that all programs of Quintet share.
    #[command(flatten)]
    pub common: CommonArgs,
    /// How results are printed.
    #[command(flatten)]
    pub output: OutputArgs,
    /// What to do; `list-units` when left out.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// Flags about output and waiting.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// Print JSON instead of a table (lists, show, why)
    #[arg(long, global = true)]
    pub json: bool,
    /// Print no header and no summary
    #[arg(long, global = true)]
    pub no_legend: bool,
    /// Show inactive and not-found units too
    #[arg(long, short, global = true)]
    pub all: bool,
    /// Only units of these types, separated by commas
    #[arg(long = "type", short = 't', global = true, value_delimiter = ',', value_name = "TYPE")]
    pub types: Vec<String>,
    /// Only units in these load, active or sub states, separated by commas
    #[arg(long, global = true, value_delimiter = ',', value_name = "STATE")]
    pub state: Vec<String>,
    /// Say nothing
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Queue the job and return at once
    #[arg(long, global = true)]
    pub no_block: bool,
    /// How a new job deals with queued ones: replace, fail, isolate, ignore-dependencies, ...
    #[arg(long, global = true, default_value = "replace", value_name = "MODE")]
    pub job_mode: String,
    /// Only these properties (show), separated by commas
    #[arg(long = "property", short = 'p', global = true, value_delimiter = ',', value_name = "NAME")]
    pub properties: Vec<String>,
    /// Values only, without `NAME=` (show)
    #[arg(long, global = true)]
    pub value: bool,
    /// Until the next boot only (enable, disable, mask, unmask)
    #[arg(long, global = true)]
    pub runtime: bool,
    /// Replace conflicting links (enable, mask)
    #[arg(long, short, global = true)]
    pub force: bool,
    /// Start or stop the units as well (enable, disable, mask)
    #[arg(long, global = true)]
    pub now: bool,
    /// Which processes to signal: main, control or all (kill)
    #[arg(long, global = true, default_value = "all", value_name = "WHO")]
    pub kill_whom: String,
    /// Which signal to send (kill)
    #[arg(long, short, global = true, default_value = "SIGTERM", value_name = "SIGNAL")]
    pub signal: String,
    /// Dependencies of dependents instead (list-dependencies)
    #[arg(long, global = true)]
    pub reverse: bool,
}

/// Units or patterns.
#[derive(Debug, Args)]
pub struct Patterns {
    /// Unit names or shell patterns
    pub patterns: Vec<String>,
}

/// One unit at least.
#[derive(Debug, Args)]
pub struct Units {
    /// Unit names; `.service` when they have no suffix
    #[arg(required = true)]
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
    TryRestart(Units),
    /// Have units read their configuration again
    Reload(Units),
    /// Reload if possible, else restart
    ReloadOrRestart(Units),
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
    /// Make units impossible to start
    Mask(Units),
    /// Undo mask
    Unmask(Units),
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
    /// Print the causes of a unit's last state changes
    Why(Units),
}
