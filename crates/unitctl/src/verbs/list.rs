//! Lists: units, unit files, sockets, jobs.

use serde_json::json;

use crate::cli::OutputArgs;
use crate::manager::{JobRow, Manager, ManagerError, UnitRow};
use crate::output::{Table, dot};
use crate::value;

/// Loaded units; active, failed and queued ones unless `--all` or `--state=`.
pub async fn units(manager: &Manager, options: &OutputArgs, patterns: &[String]) -> Result<u8, ManagerError> {
    let mut rows: Vec<UnitRow> = manager.ask("ListUnitsByPatterns", &(&options.state, patterns)).await?;
    let shown = |row: &UnitRow| {
        options.all || !options.state.is_empty() || !patterns.is_empty() || row.active != "inactive" || row.job != 0
    };
    rows.retain(|row| is_type(options, &row.name) && shown(row) && (options.all || row.following.is_empty()));
    rows.sort_by(|a, b| suffix(&a.name).cmp(suffix(&b.name)).then_with(|| a.name.cmp(&b.name)));
    if options.json {
        print_json(rows.iter().map(|row| {
            json!({ "unit": row.name, "load": row.load, "active": row.active, "sub": row.sub, "description": row.description })
        }));
        return Ok(0);
    }
    let mut table = Table::new(&["", "UNIT", "LOAD", "ACTIVE", "SUB", "DESCRIPTION"]);
    for row in rows {
        let mark = if row.active == "failed" || row.load == "not-found" { dot(&row.active) } else { " ".into() };
        table.row(vec![mark, row.name, row.load, row.active, row.sub, row.description]);
    }
    print!("{}", table.render(!options.no_legend));
    if !options.no_legend {
        println!(
            "\n{} units listed.{}",
            table.len(),
            if options.all { "" } else { " --all shows the inactive ones too." }
        );
    }
    Ok(0)
}

/// Unit files on disk.
pub async fn unit_files(manager: &Manager, options: &OutputArgs, patterns: &[String]) -> Result<u8, ManagerError> {
    let files: Vec<(String, String)> = manager.ask("ListUnitFilesByPatterns", &(&options.state, patterns)).await?;
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut rows: Vec<(String, String)> = files.iter().map(|(path, state)| (name(path), state.clone())).collect();
    rows.retain(|(name, _)| is_type(options, name));
    rows.sort();
    if options.json {
        print_json(rows.iter().map(|(name, state)| json!({ "unit_file": name, "state": state })));
        return Ok(0);
    }
    let mut table = Table::new(&["UNIT FILE", "STATE"]);
    rows.into_iter().for_each(|(name, state)| table.row(vec![name, state]));
    print!("{}", table.render(!options.no_legend));
    if !options.no_legend {
        println!("\n{} unit files listed.", table.len());
    }
    Ok(0)
}

/// Socket units: one row a listening address.
pub async fn sockets(manager: &Manager, options: &OutputArgs, patterns: &[String]) -> Result<u8, ManagerError> {
    let mut units: Vec<UnitRow> = manager.ask("ListUnitsByPatterns", &(&options.state, patterns)).await?;
    units.retain(|row| row.name.ends_with(".socket") && (options.all || row.active != "inactive"));
    let mut rows = Vec::new();
    for unit in units {
        let properties = manager.properties(Some(unit.path.as_str())).await?;
        let triggers = properties.get("Triggers").map(|list| value::text(list)).unwrap_or_default();
        let listen = properties.get("Listen").map(|list| value::json(list)).unwrap_or_default();
        for address in listen.as_array().into_iter().flatten() {
            let address = address.get(1).and_then(|address| address.as_str()).unwrap_or_default();
            rows.push((address.to_owned(), unit.name.clone(), triggers.clone()));
        }
    }
    rows.sort();
    if options.json {
        print_json(
            rows.iter()
                .map(|(listen, unit, activates)| json!({ "listen": listen, "unit": unit, "activates": activates })),
        );
        return Ok(0);
    }
    let mut table = Table::new(&["LISTEN", "UNIT", "ACTIVATES"]);
    rows.into_iter().for_each(|(listen, unit, activates)| table.row(vec![listen, unit, activates]));
    print!("{}", table.render(!options.no_legend));
    if !options.no_legend {
        println!("\n{} sockets listed.", table.len());
    }
    Ok(0)
}

/// Queued and running jobs.
pub async fn jobs(manager: &Manager, options: &OutputArgs, patterns: &[String]) -> Result<u8, ManagerError> {
    let mut jobs: Vec<JobRow> = manager.ask("ListJobs", &()).await?;
    jobs.retain(|job| patterns.is_empty() || patterns.contains(&job.unit));
    jobs.sort_by_key(|job| job.id);
    if options.json {
        print_json(
            jobs.iter().map(|job| json!({ "job": job.id, "unit": job.unit, "type": job.job_type, "state": job.state })),
        );
        return Ok(0);
    }
    let mut table = Table::new(&["JOB", "UNIT", "TYPE", "STATE"]);
    for job in jobs {
        table.row(vec![job.id.to_string(), job.unit, job.job_type, job.state]);
    }
    print!("{}", table.render(!options.no_legend));
    if !options.no_legend {
        println!(
            "{}",
            if table.len() == 0 { "No jobs running.".to_owned() } else { format!("\n{} jobs listed.", table.len()) }
        );
    }
    Ok(0)
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
