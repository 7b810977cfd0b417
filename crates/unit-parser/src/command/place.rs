//! `unit-parser where` and `unit-parser diff`: which files a unit is made of, and which they hide.

use std::path::Path;

use unit_parser::load::Shadow;
use unit_parser::{LoadState, Unit};

use super::{Machine, Outcome, difference};

fn heading(machine: &Machine, unit: &Unit) -> Outcome {
    println!("{}", unit.name);
    if !unit.aliases.is_empty() {
        let names: Vec<&str> = unit.aliases.iter().map(AsRef::as_ref).collect();
        println!("  also called  {}", names.join(" "));
    }
    match &unit.fragment {
        Some(path) => println!("  unit file    {}", machine.shown(path).display()),
        None => println!("  unit file    none"),
    }
    if unit.load_state == LoadState::NotFound { Outcome::Unusable } else { Outcome::Good }
}

fn link(shadow: &Shadow) -> String {
    shadow.target.as_ref().map_or_else(String::new, |target| format!(" -> {}", target.display()))
}

/// Tells where units come from; without units, where they are looked for.
pub(super) fn place(machine: &Machine, units: &[String]) -> Outcome {
    if units.is_empty() {
        search_order(machine);
        return Outcome::Good;
    }
    let mut outcome = Outcome::Good;
    for (number, argument) in units.iter().enumerate() {
        let Some(unit) = machine.load(argument) else {
            outcome = Outcome::Unusable;
            continue;
        };
        if number > 0 {
            println!();
        }
        outcome = outcome.max(heading(machine, &unit));
        if let Some(source) = &unit.source {
            println!("  made from    {}", machine.shown(source).display());
        }
        for shadow in machine.loader.fragments(&unit) {
            if unit.fragment.as_deref() != Some(&*shadow.winner) {
                println!("  name         {}{}", machine.shown(&shadow.winner).display(), link(&shadow));
            }
            hidden(machine, &shadow);
        }
        for shadow in machine.loader.dropins(&unit) {
            let masked = if machine.loader.is_mask(&shadow.winner) { " (masks it)" } else { "" };
            println!("  drop-in      {}{}{masked}", machine.shown(&shadow.winner).display(), link(&shadow));
            hidden(machine, &shadow);
        }
        for link in &unit.links {
            println!("  {:<12} {} by {}", link.kind.as_str(), link.name, machine.shown(&link.path).display());
        }
    }
    outcome
}

fn hidden(machine: &Machine, shadow: &Shadow) {
    for path in &shadow.hidden {
        println!("    instead of {}", machine.shown(path).display());
    }
}

fn search_order(machine: &Machine) {
    for dir in machine.loader.directories() {
        let there = if machine.loader.has_directory(&dir) { "" } else { "  (not there)" };
        println!("{}{there}", machine.shown(&dir).display());
    }
}

fn text(machine: &Machine, path: &Path) -> String {
    machine.loader.read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// Tells what was changed of units as they were delivered, as systemd-delta(1) does.
pub(super) fn diff(machine: &Machine, units: &[String]) -> Outcome {
    let mut outcome = Outcome::Good;
    for argument in units {
        let Some(unit) = machine.load(argument) else {
            outcome = Outcome::Unusable;
            continue;
        };
        if unit.load_state == LoadState::NotFound {
            eprintln!("unit-parser: {} not found", unit.name);
            outcome = Outcome::Unusable;
        }
        let mut changed = false;
        let dropins = machine.loader.dropins(&unit);
        for shadow in machine.loader.fragments(&unit).iter().chain(&dropins) {
            for below in &shadow.hidden {
                changed = true;
                overridden(machine, shadow, below);
            }
        }
        if let Some(fragment) = &unit.fragment {
            for shadow in &dropins {
                changed = true;
                println!(
                    "[EXTENDED]   {} → {}",
                    machine.shown(fragment).display(),
                    machine.shown(&shadow.winner).display()
                );
                added(&text(machine, &shadow.winner));
            }
        }
        if !changed && unit.load_state != LoadState::NotFound {
            println!("[UNCHANGED]  {}", unit.name);
        }
    }
    outcome
}

fn added(text: &str) {
    println!();
    for line in text.lines() {
        println!("+{line}");
    }
    println!();
}

fn overridden(machine: &Machine, shadow: &Shadow, below: &Path) {
    let (above, old) = (machine.shown(&shadow.winner), machine.shown(below));
    let arrow = |word: &str| println!("{word:<12} {} → {}", old.display(), above.display());
    if machine.loader.is_mask(&shadow.winner) {
        return arrow("[MASKED]");
    }
    let (before, after) = (text(machine, below), text(machine, &shadow.winner));
    if before == after {
        return arrow(if shadow.target.is_some() { "[EQUIVALENT]" } else { "[REDUNDANT]" });
    }
    arrow(if shadow.target.is_some() { "[REDIRECTED]" } else { "[OVERRIDDEN]" });
    println!("\n--- {}\n+++ {}", old.display(), above.display());
    print!("{}", difference::unified(&before, &after));
    println!();
}
