//! The command line.

mod check;
mod clock;
mod condition;
mod difference;
mod escaping;
mod explain;
mod machine;
mod man_page;
mod place;
mod show;
mod snippet;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use machine::Machine;
pub use man_page::parse;
use unit_parser::Mode;

const EXAMPLES: &str = "\
Examples:
  unit-parser check my.service                 complaints about one file, with line and column
  unit-parser check ./*.service --json         the same for programs, one JSON object a line
  unit-parser show ssh.service                 what is set, after drop-ins, aliases and specifiers
  unit-parser show ssh.service --dependencies  what it depends on, and and who says so
  unit-parser cat ssh.service                  its files, in the order in which they are read
  unit-parser where ssh.service                which of its files count, and which they hide
  unit-parser diff ssh.service                 what was changed of it here
  unit-parser explain RestartSec               one screen about a directive
  unit-parser condition ConditionACPower=true  does it hold here?
  unit-parser calendar 'Mon..Fri 9:00'         when that is next
  unit-parser escape --path /dev/sda           dev-sda

Exit status: 0 all is well; 1 something is wrong with a unit, a condition doesn't hold, a text
can't be read; 2 wrong usage, or a unit isn't found.

check tells apart (--json: class): mistake, refused, no-effect, needs-privilege, missing. The
unit is usable in spite of a warning; notes are shown with --strict only, and count as wrong then.";

/// Reads systemd's unit files: checks, shows and escapes.
#[derive(Debug, Parser)]
#[command(name = "unit-parser", version, after_help = EXAMPLES)]
pub struct Command {
    /// Look at the units of a user manager instead of the system's.
    #[arg(long, global = true)]
    user: bool,
    /// Look at the units below this directory, as in an image that isn't running.
    #[arg(long, global = true, value_name = "DIRECTORY")]
    root: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Complains about unit files.
    Check(check::Check),
    /// Shows what is set in a unit.
    Show(show::Show),
    /// Prints a unit's files.
    Cat {
        /// Names of units, or paths with a slash.
        #[arg(required = true)]
        units: Vec<String>,
    },
    /// Tells which files units come from, and which others they hide; without units, the search order.
    Where {
        /// Names of units.
        units: Vec<String>,
    },
    /// Tells what was changed of units as they were delivered.
    Diff {
        /// Names of units.
        #[arg(required = true)]
        units: Vec<String>,
    },
    /// Explains directives: `Restart`, `[Service]Restart=`.
    Explain {
        /// Names of directives.
        #[arg(required = true)]
        directives: Vec<String>,
    },
    /// Says whether conditions hold on this machine.
    Condition(condition::Condition),
    /// Turns texts into parts of unit names.
    Escape(escaping::Escape),
    /// Turns parts of unit names back.
    Unescape(escaping::Unescape),
    /// Shows the normal form of calendar events, and when they come next.
    Calendar(clock::Calendar),
    /// Shows the normal form of time spans.
    Timespan(clock::Timespan),
    /// Prints the table of directives as Markdown.
    #[command(hide = true)]
    Table,
}

/// How it went, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// All is well.
    Good,
    /// Something is wrong with a unit.
    Bad,
    /// The unit isn't there, or the arguments make no sense.
    Unusable,
}

impl Command {
    /// Does what was asked.
    pub fn run(self) -> ExitCode {
        let mode = if self.user { Mode::User } else { Mode::System };
        let machine = || Machine::new(mode, self.root.as_deref());
        let outcome = match self.verb {
            Verb::Check(check) => check.run(&machine()),
            Verb::Show(show) => show.run(&machine()),
            Verb::Cat { units } => show::cat(&machine(), &units),
            Verb::Where { units } => place::place(&machine(), &units),
            Verb::Diff { units } => place::diff(&machine(), &units),
            Verb::Explain { directives } => explain::explain(&directives),
            Verb::Condition(condition) => condition.run(&machine()),
            Verb::Escape(escape) => escape.run(),
            Verb::Unescape(unescape) => unescape.run(),
            Verb::Calendar(calendar) => calendar.run(),
            Verb::Timespan(timespan) => timespan.run(),
            Verb::Table => {
                print!("{}", unit_parser::table::document::markdown());
                Outcome::Good
            }
        };
        match outcome {
            Outcome::Good => ExitCode::SUCCESS,
            Outcome::Bad => ExitCode::from(1),
            Outcome::Unusable => ExitCode::from(2),
        }
    }
}
