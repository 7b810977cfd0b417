//! `plan` and `simulate`: what would happen, told by the broker's own engine.

use bus_api::broker::{PlannedJob, Request, WhyEntry, parse_plan, parse_why};
use bus_api::errors::{BusError, ErrorName};
use serde_json::json;
use unit_parser::{UnitName, UnitType};

use super::names::{expand, unit_name};
use super::why;
use crate::cli::{Happening, OutputArgs, Planned, PlannedVerb};
use crate::manager::{Manager, ManagerError, exit_code};
use crate::time;

/// Prints the jobs that a request would make.
pub async fn plan(manager: &Manager, options: &OutputArgs, planned: &Planned) -> Result<u8, ManagerError> {
    let units = expand(manager, &planned.units).await?.iter().map(UnitName::to_string).collect();
    let (verb, mode) = match planned.verb {
        PlannedVerb::Start => ("start", None),
        PlannedVerb::Stop => ("stop", None),
        PlannedVerb::Restart => ("restart", None),
        PlannedVerb::TryRestart => ("try-restart", None),
        PlannedVerb::Reload => ("reload", None),
        PlannedVerb::ReloadOrRestart => ("reload-or-restart", None),
        PlannedVerb::TryReloadOrRestart => ("reload-or-try-restart", None),
        PlannedVerb::Isolate => ("start", Some("isolate")),
    };
    let mode = mode.unwrap_or(&options.job_mode).to_owned();
    let reply = send(manager, Request::Plan { verb: verb.to_owned(), units, mode }).await?;
    let jobs = parse_plan(&reply).map_err(not_understood)?;
    if options.json {
        println!("{}", serde_json::Value::from_iter(jobs.iter().map(json_of)));
    } else {
        jobs.iter().filter(|job| job.parent < 0).enumerate().for_each(|(at, job)| {
            if at > 0 {
                println!();
            }
            tree(&jobs, job).iter().for_each(|line| println!("{line}"));
        });
    }
    let refused = jobs.iter().rev().find(|job| job.parent < 0 && !job.error.is_empty());
    Ok(refused.map_or(0, |job| exit_code(ErrorName::from_wire(&job.error))))
}

fn json_of(job: &PlannedJob) -> serde_json::Value {
    json!({
        "unit": job.unit, "job_type": job.job_type, "cause": job.cause, "source": job.source, "fate": job.fate,
        "reason": job.reason, "error": job.error, "parent": job.parent,
    })
}

/// A requested job with all that it pulls in below it.
fn tree(jobs: &[PlannedJob], root: &PlannedJob) -> Vec<String> {
    let mut lines = Vec::new();
    let first = jobs.iter().position(|job| std::ptr::eq(job, root)).unwrap_or_default();
    let mut stack = vec![(first, 0)];
    while let Some((at, depth)) = stack.pop() {
        // Parents come first in the list, so this ends whatever a broken broker sends.
        let Some(job) = jobs.get(at) else { continue };
        lines.push(line(job, depth));
        let children =
            jobs.iter().enumerate().skip(at + 1).filter(|(_, child)| usize::try_from(child.parent) == Ok(at));
        let mut children: Vec<_> = children.map(|(child, _)| (child, depth + 1)).collect();
        children.reverse();
        stack.extend(children);
    }
    lines
}

fn line(job: &PlannedJob, depth: usize) -> String {
    let mut text = format!("{}{} {}: {}", "  ".repeat(depth), job.job_type, job.unit, job.fate);
    if !job.reason.is_empty() {
        text.push_str(&format!(", {}", job.reason));
    }
    if depth > 0 && !job.cause.is_empty() {
        text.push_str(&format!(" - {}", job.cause));
    }
    if !job.source.is_empty() {
        text.push_str(&format!(" [{}]", job.source));
    }
    text
}

/// Prints what would follow.
pub async fn simulate(manager: &Manager, options: &OutputArgs, happening: &Happening) -> Result<u8, ManagerError> {
    let with_type = |text: &str, unit_type| {
        let name = UnitName::mangle_with(text, unit_type);
        name.map(|name| name.to_string()).map_err(|error| ManagerError::Arguments(format!("{text}: {error}")))
    };
    let (what, arguments) = match happening {
        Happening::Plug { device } => ("plug", vec![with_type(device, UnitType::Device)?]),
        Happening::Unplug { device } => ("unplug", vec![with_type(device, UnitType::Device)?]),
        Happening::Connect { socket } => ("connect", vec![with_type(socket, UnitType::Socket)?]),
        Happening::Exit { service, status } => ("exit", vec![unit_name(service)?.to_string(), status.clone()]),
        Happening::Time { seconds } => ("time", vec![seconds.to_string()]),
    };
    let reply = send(manager, Request::Simulate { what: what.to_owned(), arguments }).await?;
    let entries = parse_why(&reply).map_err(not_understood)?;
    if options.json {
        println!("{}", why::json(&entries));
    } else if entries.is_empty() {
        println!("Nothing would follow.");
    } else {
        story(&entries, time::now()).iter().for_each(|line| println!("{line}"));
    }
    Ok(0)
}

/// In order of time, each with what led to it.
fn story(entries: &[WhyEntry], now: u64) -> Vec<String> {
    let told = entries.iter().map(|entry| {
        let after = entry.realtime_usec.saturating_sub(now) as f64 / 1e6;
        let mut text = format!("{after:+8.1} s  {}: {}", entry.unit, entry.change);
        if !entry.cause.is_empty() {
            text.push_str(&format!(" - {}", entry.cause));
        }
        if !entry.source.is_empty() {
            text.push_str(&format!(" [{}]", entry.source));
        }
        text
    });
    told.collect()
}

async fn send(manager: &Manager, request: Request) -> Result<zbus::Message, ManagerError> {
    let message = request.message().map_err(|error| ManagerError::Arguments(error.to_string()))?;
    manager.send(message).await
}

fn not_understood(error: BusError) -> ManagerError {
    ManagerError::Reply(error.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(unit: &str, fate: &str, parent: i32) -> PlannedJob {
        PlannedJob {
            unit: unit.into(),
            job_type: "start".into(),
            cause: "Wants= of a.service".into(),
            source: "/a:1".into(),
            fate: fate.into(),
            reason: String::new(),
            error: String::new(),
            parent,
        }
    }

    #[test]
    fn what_is_pulled_in_stands_below() {
        let jobs = [
            job("a.service", "new", -1),
            job("b.service", "new", 0),
            job("c.service", "new", 0),
            job("d.service", "dropped", 1),
        ];
        let lines = tree(&jobs, &jobs[0]);
        assert_eq!(lines[0], "start a.service: new [/a:1]");
        assert_eq!(lines[1], "  start b.service: new - Wants= of a.service [/a:1]");
        assert!(lines[2].starts_with("    start d.service: dropped"));
        assert!(lines[3].starts_with("  start c.service: new"));
    }

    #[test]
    fn a_broken_list_ends() {
        assert_eq!(tree(&[job("a.service", "new", 0)], &job("x.service", "new", -1)).len(), 1);
    }
}
