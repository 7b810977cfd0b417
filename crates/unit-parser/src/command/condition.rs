//! `unit-parser condition`, in the form of systemd-analyze(1).

use clap::Args;
use unit_parser::conditions::{Surroundings, test};
use unit_parser::{Condition as One, Tested, Unit, UnitName};

use super::{Machine, Outcome};

/// Says whether conditions hold on this machine.
#[derive(Debug, Args)]
pub struct Condition {
    /// Units, or assignments: `ConditionPathExists=/etc/passwd`, `AssertVirtualization=no`.
    #[arg(required = true)]
    conditions: Vec<String>,
}

impl Condition {
    pub(super) fn run(&self, machine: &Machine) -> Outcome {
        let (given, units): (Vec<&String>, Vec<&String>) = self.conditions.iter().partition(|text| text.contains('='));
        let mut outcome = Outcome::Good;
        if !given.is_empty() {
            outcome = match assignments(machine, &given) {
                Some(unit) => evaluate(&unit),
                None => Outcome::Unusable,
            };
        }
        for argument in units {
            let result = machine.load(argument).map_or(Outcome::Unusable, |unit| evaluate(&unit));
            outcome = outcome.max(result);
        }
        outcome
    }
}

/// A unit with nothing but these conditions; complains about what can't be read.
fn assignments(machine: &Machine, lines: &[&String]) -> Option<Unit> {
    let mut text = "[Unit]\n".to_owned();
    for line in lines {
        let key = line.split('=').next().unwrap_or("").trim();
        if line.contains('\n') || !(key.starts_with("Condition") || key.starts_with("Assert")) {
            eprintln!("unit-parser: {line:?} is no condition");
            return None;
        }
        text.push_str(line.trim());
        text.push('\n');
    }
    let name = UnitName::parse("test.target").ok()?;
    let unit = machine.loader.load_text(&name, &text, None);
    for diagnostic in &unit.diagnostics {
        eprintln!("unit-parser: {}", diagnostic.message);
    }
    unit.diagnostics.is_empty().then_some(unit)
}

fn evaluate(unit: &Unit) -> Outcome {
    let surroundings = Surroundings {
        environment: std::env::vars().map(|(name, value)| format!("{name}={value}")).collect(),
        cgroup: None,
    };
    let asserts = all(unit, "Asserts", &unit.asserts().collect::<Vec<_>>(), &surroundings);
    let conditions = all(unit, "Conditions", &unit.conditions().collect::<Vec<_>>(), &surroundings);
    if asserts && conditions { Outcome::Good } else { Outcome::Bad }
}

/// All plain ones, and one of those with `|` if there are any (systemd.unit(5)).
fn all(unit: &Unit, what: &str, list: &[&One], surroundings: &Surroundings) -> bool {
    let mut plain = true;
    let mut triggered = None;
    for condition in list {
        let tested = test(condition, surroundings);
        let holds = tested == Tested::Met;
        let word = match tested {
            Tested::Met => "succeeded",
            Tested::Unmet => "failed",
            Tested::Error => "can't be found out",
        };
        let (trigger, negate) = (if condition.trigger { "|" } else { "" }, if condition.negate { "!" } else { "" });
        println!("{}: {}={trigger}{negate}{} {word}.", unit.name, condition.name(), condition.parameter);
        if condition.trigger {
            triggered = Some(triggered.unwrap_or(false) || holds);
        } else {
            plain &= holds;
        }
    }
    let holds = plain && triggered.unwrap_or(true);
    println!("{what} {}.", if holds { "succeeded" } else { "failed" });
    holds
}
