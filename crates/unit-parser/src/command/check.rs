//! `unit-parser check`.

use clap::Args;
use serde::Serialize;
use unit_parser::{Class, Diagnostic, LoadState, Severity, UnitName, references};

use super::{Machine, Outcome, snippet};

/// Complains about unit files.
#[derive(Debug, Args)]
pub struct Check {
    /// Names of units, or paths with a slash.
    #[arg(required = true)]
    units: Vec<String>,
    /// Print complaints as JSON, one object a line.
    #[arg(long)]
    json: bool,
    /// Also tell of settings that have no effect here, need privileges, or refer to what isn't there
    /// but may be, and count all of it as wrong.
    #[arg(long)]
    strict: bool,
}

/// A complaint with the class that it belongs to.
#[derive(Serialize)]
struct Line<'a> {
    unit: &'a UnitName,
    class: Class,
    #[serde(flatten)]
    diagnostic: &'a Diagnostic,
}

impl Check {
    pub(super) fn run(&self, machine: &Machine) -> Outcome {
        let least = if self.strict { Severity::Note } else { Severity::Warning };
        let mut outcome = Outcome::Good;
        for argument in &self.units {
            let Some(unit) = machine.load_whole(argument) else {
                outcome = Outcome::Unusable;
                continue;
            };
            let mut diagnostics = unit.diagnostics.clone();
            diagnostics.extend(references::check(&unit, machine));
            diagnostics.retain(|diagnostic| diagnostic.severity >= least);
            diagnostics.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
            for mut diagnostic in diagnostics {
                outcome = outcome.max(Outcome::Bad);
                let source = machine.loader.read(&diagnostic.file).unwrap_or_default();
                diagnostic.file = machine.shown(&diagnostic.file);
                self.print(&unit.name, &diagnostic, &source);
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

    fn print(&self, unit: &UnitName, diagnostic: &Diagnostic, source: &[u8]) {
        if !self.json {
            return println!("{}", snippet::render(diagnostic, source));
        }
        match serde_json::to_string(&Line { unit, class: diagnostic.class(), diagnostic }) {
            Ok(line) => println!("{line}"),
            Err(error) => eprintln!("unit-parser: {error}"),
        }
    }
}
