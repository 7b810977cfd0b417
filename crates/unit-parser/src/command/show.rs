//! `unit-parser show` and `unit-parser cat`.

use clap::Args;
use unit_parser::{LoadState, RowId, Source, Unit, format, table};

use super::{Machine, Outcome};

/// Shows what is set in a unit.
#[derive(Debug, Args)]
pub struct Show {
    /// Names of units, or paths with a slash.
    #[arg(required = true)]
    units: Vec<String>,
    /// Show defaults too.
    #[arg(long)]
    all: bool,
    /// Show dependencies instead, each with the place or the rule that it comes from.
    #[arg(long)]
    dependencies: bool,
    /// Print the whole unit as JSON.
    #[arg(long, conflicts_with = "dependencies")]
    json: bool,
}

impl Show {
    pub(super) fn run(&self, machine: &Machine) -> Outcome {
        let mut outcome = Outcome::Good;
        for argument in &self.units {
            let Some(unit) = machine.load(argument) else {
                outcome = Outcome::Unusable;
                continue;
            };
            if self.json {
                match serde_json::to_string_pretty(&unit) {
                    Ok(text) => println!("{text}"),
                    Err(error) => eprintln!("unit-parser: {error}"),
                }
            } else if self.dependencies {
                dependencies(machine, &unit);
            } else {
                settings(machine, &unit, self.all);
            }
            outcome = outcome.max(match unit.load_state {
                LoadState::NotFound => Outcome::Unusable,
                LoadState::BadSetting | LoadState::Error => Outcome::Bad,
                LoadState::Stub | LoadState::Loaded | LoadState::Merged | LoadState::Masked => Outcome::Good,
            });
        }
        outcome
    }
}

fn settings(machine: &Machine, unit: &Unit, all: bool) {
    println!("Id={}", unit.name);
    let names: Vec<&str> = unit.aliases.iter().map(AsRef::as_ref).collect();
    println!("Names={}", [&[unit.name.as_str()], names.as_slice()].concat().join(" "));
    println!("LoadState={}", unit.load_state.as_str());
    if let Some((error, text)) = &unit.load_error {
        println!("LoadError={error} \"{text}\"");
    }
    if let Some(fragment) = &unit.fragment {
        println!("FragmentPath={}", machine.shown(fragment).display());
    }
    if !unit.dropins.is_empty() {
        let paths: Vec<String> = unit.dropins.iter().map(|p| machine.shown(p).display().to_string()).collect();
        println!("DropInPaths={}", paths.join(" "));
    }
    // Under the names of `systemctl show`, where there is such a property: `TimeoutStartUSec`, not `TimeoutStartSec`.
    let show = |id: RowId, value| {
        let row = id.row();
        let name = row.property().map_or(row.name, |property| property.name);
        println!("{name}={}", format::value(id, value));
    };
    if all {
        let sections = ["Unit", unit.name.unit_type().interface(), "Install"];
        for (id, _) in sections.into_iter().flat_map(table::section_rows) {
            show(id, unit.value(id));
        }
    } else {
        for setting in unit.settings() {
            show(setting.row, &setting.value);
        }
    }
}

fn dependencies(machine: &Machine, unit: &Unit) {
    for edge in unit.dependencies() {
        let shown = |path| machine.shown(path).display().to_string();
        let source = match (edge.source, edge.source.place(unit)) {
            (_, Some((file, Some(line)))) => format!("{}:{line}", shown(file)),
            (_, Some((link, None))) => shown(link),
            (Source::Implicit(rule), None) => format!("implicit: {}", rule.as_str()),
            (Source::Default(rule), None) => format!("default: {}", rule.as_str()),
            (Source::File(_) | Source::Link(_), None) => String::new(),
        };
        println!("{}={}  ({source})", edge.kind.as_str(), edge.other);
    }
}

/// Prints the files of units, as `systemctl cat` does.
pub(super) fn cat(machine: &Machine, units: &[String]) -> Outcome {
    let mut outcome = Outcome::Good;
    for (number, argument) in units.iter().enumerate() {
        let Some(unit) = machine.load(argument) else {
            outcome = Outcome::Unusable;
            continue;
        };
        if number > 0 {
            println!();
        }
        if unit.fragment.is_none() {
            eprintln!("unit-parser: no files found for {}", unit.name);
            outcome = outcome.max(Outcome::Unusable);
        }
        for (place, path) in unit.fragment.iter().chain(&unit.dropins).enumerate() {
            if place > 0 {
                println!();
            }
            println!("# {}", machine.shown(path).display());
            match machine.loader.read(path) {
                Ok(bytes) => print!("{}", String::from_utf8_lossy(&bytes)),
                Err(error) => {
                    eprintln!("unit-parser: {}: {error}", path.display());
                    outcome = outcome.max(Outcome::Bad);
                }
            }
        }
    }
    outcome
}
