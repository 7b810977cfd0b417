//! Flags about what is shown, how, and how jobs are queued.

use clap::Args;

/// Flags about output and waiting.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// Print JSON (lists, show, why, plan, simulate)
    #[arg(long, global = true)]
    pub json: bool,
    /// Print no header and no summary
    #[arg(long, global = true)]
    pub no_legend: bool,
    /// Show inactive and not-found units too; empty properties; all dependencies
    #[arg(long, short, global = true)]
    pub all: bool,
    /// Only units of these types, separated by commas
    #[arg(long = "type", short = 't', global = true, value_delimiter = ',', value_name = "TYPE")]
    pub types: Vec<String>,
    /// Only units in these load, active or sub states (unit files: install states), separated by commas
    #[arg(long, global = true, value_delimiter = ',', value_name = "STATE")]
    pub state: Vec<String>,
    /// The same as --state=failed
    #[arg(long, global = true)]
    pub failed: bool,
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
    /// Until the next boot only (enable, disable, mask, unmask, ...)
    #[arg(long, global = true)]
    pub runtime: bool,
    /// Replace conflicting links (enable, mask, link)
    #[arg(long, short, global = true)]
    pub force: bool,
    /// Start or stop the units as well (enable, disable, mask)
    #[arg(long, global = true)]
    pub now: bool,
    /// Which processes to signal: main, control or all (kill)
    #[arg(long, global = true, alias = "kill-who", default_value = "all", value_name = "WHO")]
    pub kill_whom: String,
    /// Which signal to send (kill)
    #[arg(long, short, global = true, default_value = "SIGTERM", value_name = "SIGNAL")]
    pub signal: String,
    /// What pulls the unit in, instead of what it pulls in (list-dependencies)
    #[arg(long, global = true)]
    pub reverse: bool,
    /// What the unit is ordered after (list-dependencies)
    #[arg(long, global = true, conflicts_with_all = ["reverse", "before"])]
    pub after: bool,
    /// What the unit is ordered before (list-dependencies)
    #[arg(long, global = true, conflicts_with = "reverse")]
    pub before: bool,
    /// Print names only, without the tree (list-dependencies)
    #[arg(long, global = true)]
    pub plain: bool,
}

impl OutputArgs {
    /// The states of `--state=` and `--failed`.
    pub fn states(&self) -> Vec<String> {
        let mut states = self.state.clone();
        if self.failed {
            states.push("failed".to_owned());
        }
        states
    }
}
