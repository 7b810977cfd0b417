//! The command line.

mod check;
mod clock;
mod escaping;
mod show;
mod snippet;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use unit_parser::{LoadPath, Loader, Mode, Unit, UnitName, machine};

const EXAMPLES: &str = "\
Examples:
  unit-parser check my.service                 complaints about one file, with line and column
  unit-parser check ./*.service --json         the same for programs, one JSON object a line
  unit-parser show ssh.service                 what is set, after drop-ins, aliases and specifiers
  unit-parser show ssh.service --dependencies  what it depends on, and which file and line or rule says so
  unit-parser cat ssh.service                  its files, in the order in which they are read
  unit-parser escape --path /dev/sda           dev-sda

Exit status: 0 all is well; 1 something is wrong with a unit; 2 wrong usage, or a unit isn't found.";

/// Reads systemd's unit files: checks, shows and escapes.
#[derive(Debug, Parser)]
#[command(name = "unit-parser", version, after_help = EXAMPLES)]
pub struct Command {
    /// Look at the units of a user manager instead of the system's.
    #[arg(long, global = true)]
    user: bool,
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
        let loader = || Loader::new(LoadPath::from_env(mode), mode, machine::host(mode));
        let outcome = match self.verb {
            Verb::Check(check) => check.run(&loader()),
            Verb::Show(show) => show.run(&loader()),
            Verb::Cat { units } => show::cat(&loader(), &units),
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

/// A unit by name, or by path if there is a slash in it; complains itself.
fn load(loader: &Loader, argument: &str) -> Option<Unit> {
    let loaded = if argument.contains('/') {
        loader.load_file(std::path::Path::new(argument))
    } else {
        UnitName::mangle(argument).map(|name| loader.load(&name))
    };
    match loaded {
        Ok(unit) => Some(unit),
        Err(error) => {
            eprintln!("unit-parser: {argument}: {error}");
            None
        }
    }
}
