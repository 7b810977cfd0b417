//! Lists: units, unit files, sockets, jobs.

use serde_json::json;
use unit_parser::install::{InstallPaths, Presets};
use unit_parser::{LoadPath, Mode, UnitName};

use crate::cli::OutputArgs;
use crate::manager::{JobRow, Manager, ManagerError, UnitRow};
use crate::output::{Cell, Colour, Table, colour_of};
use crate::properties::as_text;

/// Loaded units; those that are inactive and without a job only with `--all`, `--state=` or a pattern.
pub async fn units(manager: &Manager, options: &OutputArgs, patterns: &[String]) -> Result<u8, ManagerError> {
    let states = options.states();
    let mut rows: Vec<UnitRow> = manager.ask("ListUnitsByPatterns", &(&states, mangled(patterns))).await?;
    let shown = |row: &UnitRow| {
        let idle = row.active == "inactive" && row.job == 0;
        options.all || !states.is_empty() || (!(idle && patterns.is_empty()) && row.following.is_empty())
    };
    rows.retain(|row| is_type(options, &row.name) && shown(row));
    rows.sort_by(|a, b| suffix(&a.name).cmp(suffix(&b.name)).then_with(|| a.name.cmp(&b.name)));
    if options.json {
        print_json(rows.iter().map(|row| {
            json!({
                "unit": row.name, "load": row.load, "active": row.active, "sub": row.sub, "description": row.description,
            })
        }));
        return Ok(0);
    }
    let mut table = Table::new(&["", "UNIT", "LOAD", "ACTIVE", "SUB", "DESCRIPTION"]);
    for row in rows {
        let bad_load = matches!(row.load.as_str(), "error" | "not-found" | "bad-setting" | "masked");
        let mark = match (row.active.as_str(), bad_load) {
            ("failed", _) => Cell::painted("●", Colour::Red),
            (_, true) => Cell::painted("●", Colour::Yellow),
            (_, false) => " ".into(),
        };
        let load = if bad_load { Cell::painted(row.load, Colour::Red) } else { row.load.into() };
        let colour = if row.active == "active" { Colour::Plain } else { colour_of(&row.active) };
        let (active, sub) = (Cell::painted(row.active, colour), Cell::painted(row.sub, colour));
        table.row([mark, Cell::painted(row.name, colour), load, active, sub, row.description.into()]);
    }
    print!("{}", table.render(!options.no_legend));
    if !options.no_legend {
        let hint =
            if options.all || !states.is_empty() { "" } else { " Pass --all to see loaded but inactive units, too." };
        println!("\n{} loaded units listed.{hint}", table.len());
    }
    Ok(0)
}

/// Unit files on disk, and what the presets say of them.
pub async fn unit_files(manager: &Manager, options: &OutputArgs, patterns: &[String]) -> Result<u8, ManagerError> {
    // The preset files are on this machine, as the unit files are: no need to load every unit to ask the broker.
    let presets = Presets::read(&install_paths(manager.mode()));
    let files: Vec<(String, String)> =
        manager.ask("ListUnitFilesByPatterns", &(options.states(), mangled(patterns))).await?;
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut rows: Vec<(String, String)> = files.iter().map(|(path, state)| (name(path), state.clone())).collect();
    rows.retain(|(name, _)| is_type(options, name));
    rows.sort_by(|a, b| suffix(&a.0).cmp(suffix(&b.0)).then_with(|| a.0.cmp(&b.0)));
    if options.json {
        let row = |(name, state): &(String, String)| json!({ "unit_file": name, "state": state, "preset": preset(&presets, name, state) });
        print_json(rows.iter().map(row));
        return Ok(0);
    }
    let mut table = Table::new(&["UNIT FILE", "STATE", "PRESET"]);
    for (name, state) in rows {
        let preset = preset(&presets, &name, &state);
        let wanted = match preset {
            Some("enabled") => Cell::painted("enabled", Colour::Green),
            Some(other) => Cell::painted(other, Colour::Yellow),
            None => "-".into(),
        };
        let colour = match state.as_str() {
            "enabled" | "alias" => Colour::Green,
            "masked" | "masked-runtime" | "bad" => Colour::Red,
            "disabled" | "indirect" | "enabled-runtime" | "linked" | "linked-runtime" => Colour::Yellow,
            _ => Colour::Plain,
        };
        table.row([name.into(), Cell::painted(state, colour), wanted]);
    }
    print!("{}", table.render(!options.no_legend));
    if !options.no_legend {
        println!("\n{} unit files listed.", table.len());
    }
    Ok(0)
}

/// What the presets say, for files that can be enabled at all.
fn preset(presets: &Presets, name: &str, state: &str) -> Option<&'static str> {
    if matches!(state, "alias" | "static" | "generated" | "transient") {
        return None;
    }
    UnitName::parse(name).ok().map(|name| presets.state(&name).as_str())
}

fn install_paths(mode: Mode) -> InstallPaths {
    let variable = |name: &str| std::env::var(name).ok();
    InstallPaths::new(mode, &LoadPath::from_variables(mode, &variable), None, &variable)
}

/// Socket units: one row a listening address.
pub async fn sockets(manager: &Manager, options: &OutputArgs, patterns: &[String]) -> Result<u8, ManagerError> {
    let mut units: Vec<UnitRow> = manager.ask("ListUnitsByPatterns", &(options.states(), mangled(patterns))).await?;
    units.retain(|row| row.name.ends_with(".socket") && (options.all || row.active != "inactive"));
    let mut rows = Vec::new();
    for unit in units {
        let properties = manager.properties(Some(unit.path.as_str())).await?;
        let triggers = properties.list("Triggers").join(" ");
        for row in properties.rows("Listen") {
            if let [_, address] = row {
                let address = as_text(address).unwrap_or_default().to_owned();
                rows.push((address, unit.name.clone(), triggers.clone()));
            }
        }
    }
    rows.sort();
    if options.json {
        let row = |(listen, unit, activates): &(String, String, String)| json!({ "listen": listen, "unit": unit, "activates": activates });
        print_json(rows.iter().map(row));
        return Ok(0);
    }
    let mut table = Table::new(&["LISTEN", "UNIT", "ACTIVATES"]);
    rows.into_iter().for_each(|(listen, unit, activates)| table.row([listen.into(), unit.into(), activates.into()]));
    print!("{}", table.render(!options.no_legend));
    if !options.no_legend {
        let hint = if options.all { "" } else { "\nPass --all to see loaded but inactive sockets, too." };
        println!("\n{} sockets listed.{hint}", table.len());
    }
    Ok(0)
}

/// Queued and running jobs.
pub async fn jobs(manager: &Manager, options: &OutputArgs, patterns: &[String]) -> Result<u8, ManagerError> {
    let mut jobs: Vec<JobRow> = manager.ask("ListJobs", &()).await?;
    if !patterns.is_empty() {
        let wanted: Vec<UnitRow> = manager.matching(&mangled(patterns)).await?;
        jobs.retain(|job| wanted.iter().any(|row| row.name == job.unit));
    }
    jobs.sort_by_key(|job| job.id);
    if options.json {
        print_json(
            jobs.iter().map(|job| json!({ "job": job.id, "unit": job.unit, "type": job.job_type, "state": job.state })),
        );
        return Ok(0);
    }
    let mut table = Table::new(&["JOB", "UNIT", "TYPE", "STATE"]);
    for job in jobs {
        table.row([job.id.to_string().into(), job.unit.into(), job.job_type.into(), job.state.into()]);
    }
    print!("{}", table.render(!options.no_legend));
    match table.len() {
        _ if options.no_legend => {}
        0 => println!("No jobs running."),
        count => println!("\n{count} jobs listed."),
    }
    Ok(0)
}

/// Names are completed, patterns stay.
fn mangled(patterns: &[String]) -> Vec<String> {
    let complete = |pattern: &String| match UnitName::mangle(pattern) {
        Ok(name) if !super::names::is_pattern(pattern) => name.to_string(),
        Ok(_) | Err(_) => pattern.clone(),
    };
    patterns.iter().map(complete).collect()
}

fn is_type(options: &OutputArgs, name: &str) -> bool {
    options.types.is_empty() || options.types.iter().any(|kind| suffix(name) == kind)
}

fn suffix(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, suffix)| suffix)
}

fn print_json(rows: impl Iterator<Item = serde_json::Value>) {
    println!("{}", serde_json::Value::from_iter(rows));
}
