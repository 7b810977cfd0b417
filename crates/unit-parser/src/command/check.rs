//! `unit-parser check`.

use clap::Args;
use unit_parser::{LoadState, Loader, Severity};

use super::{Outcome, load, snippet};

/// Complains about unit files.
#[derive(Debug, Args)]
pub struct Check {
    /// Names of units, or paths with a slash.
    #[arg(required = true)]
    units: Vec<String>,
    /// Print complaints as JSON, one object a line.
    #[arg(long)]
    json: bool,
    /// Also tell of settings that have no effect here, and count them as wrong.
    #[arg(long)]
    strict: bool,
}

impl Check {
    pub(super) fn run(&self, loader: &Loader) -> Outcome {
        let least = if self.strict { Severity::Note } else { Severity::Warning };
        let mut outcome = Outcome::Good;
        for argument in &self.units {
            let Some(unit) = load(loader, argument) else {
                outcome = Outcome::Unusable;
                continue;
            };
            for diagnostic in unit.diagnostics.iter().filter(|d| d.severity >= least) {
                outcome = outcome.max(Outcome::Bad);
                if self.json {
                    match serde_json::to_string(diagnostic) {
                        Ok(line) => println!("{line}"),
                        Err(error) => eprintln!("unit-parser: {error}"),
                    }
                } else {
                    println!("{}", snippet::render(diagnostic));
                }
            }
            match unit.load_state {
                LoadState::NotFound => {
                    eprintln!("unit-parser: {} not found", unit.name);
                    outcome = Outcome::Unusable;
                }
                LoadState::BadSetting | LoadState::Error => outcome = outcome.max(Outcome::Bad),
                LoadState::Stub | LoadState::Loaded | LoadState::Merged | LoadState::Masked => {}
            }
        }
        outcome
    }
}
