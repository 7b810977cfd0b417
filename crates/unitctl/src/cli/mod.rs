//! The command line: systemctl(1)'s verbs and flags, as far as Quintet has them, and Quintet's own.

mod options;
mod verb;

use clap::Parser;
use daemon_runtime::args::CommonArgs;

pub use options::OutputArgs;
pub use verb::{Happening, Planned, PlannedVerb, Verb};

const EXAMPLES: &str = "Examples:
  unitctl start web.service            start it and wait for the result
  unitctl list-units --failed          what has failed
  unitctl why web.service              why it is in its state: the chain of causes
  unitctl plan stop db.service         what a verb would do, and why, without doing it
  unitctl simulate unplug /dev/sda     what would follow
  unitctl show -p MainPID --value web  one property
  unitctl restart 'web@*'              all loaded instances
  unitctl enable --now web.socket      make the links, start it
  unitctl list-units --json | jq .     for programs
  unitctl --user status                a user's manager

Exit status, as systemctl's: 0 done; 1 failed; 3 not active (is-active, status); 4 no such unit (status), refused;
5 no such unit (start, stop, ...); 6 the unit's file is bad.";

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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_may_follow_the_verb_as_in_systemctl() {
        let cli = Cli::parse_from(["unitctl", "stop", "--no-block", "a", "b.socket"]);
        assert!(cli.output.no_block);
        assert!(matches!(cli.verb, Some(Verb::Stop(units)) if units.units == ["a", "b.socket"]));
    }
}
