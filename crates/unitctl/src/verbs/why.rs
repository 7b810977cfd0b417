//! `why`: the chain of causes of a unit's last state changes.

use bus_api::broker::{Request, WhyEntry, parse_why};
use serde_json::json;
use unit_parser::UnitName;

use super::names::expand;
use super::notices;
use crate::cli::OutputArgs;
use crate::manager::{Manager, ManagerError};
use crate::time;

/// Prints the chain of each unit, newest change first, every cause below what it caused.
pub async fn why(manager: &Manager, options: &OutputArgs, units: &[String]) -> Result<u8, ManagerError> {
    let mut code = 0;
    for unit in expand(manager, units).await? {
        let message = Request::Why { unit: unit.to_string() }.message();
        let message = message.map_err(|error| ManagerError::Arguments(error.to_string()))?;
        let entries = parse_why(&manager.send(message).await?).map_err(|error| ManagerError::Reply(error.text))?;
        let notices = notices::of(manager, &unit).await;
        if options.json {
            let mut all = json(&entries);
            if let Some(all) = all.as_array_mut() {
                all.extend(notices.iter().map(|notice| notices::json(&unit, notice)));
            }
            println!("{all}");
        } else if entries.is_empty() && notices.is_empty() {
            println!("{unit}: nothing is known: it has not changed since it was loaded.");
            code = 3;
        } else {
            println!("{unit}");
            tree(&entries).iter().for_each(|line| println!("{line}"));
            for notice in notices.iter().rev() {
                println!("  also: {}  ({})", notices::text(notice, time::now()), time::precise(notice.0));
            }
        }
    }
    Ok(code)
}

/// Entries for programs.
pub(super) fn json(entries: &[WhyEntry]) -> serde_json::Value {
    serde_json::Value::from_iter(entries.iter().map(|entry| {
        json!({
            "realtime_usec": entry.realtime_usec, "unit": entry.unit, "change": entry.change,
            "cause": entry.cause, "source": entry.source, "parent": entry.parent,
        })
    }))
}

/// The last change of a unit and what caused it, in one line, for `status`; `None` when nothing is known.
pub async fn latest(manager: &Manager, unit: &UnitName) -> Option<String> {
    let message = Request::Why { unit: unit.to_string() }.message().ok()?;
    let entries = parse_why(&manager.send(message).await.ok()?).ok()?;
    // What became of its jobs is of less interest than what became of itself.
    let own = || entries.iter().filter(|entry| entry.unit == unit.as_str());
    let first = own().find(|entry| entry.change.contains(" -> ")).or_else(|| own().next())?;
    let cause = if first.cause.is_empty() { &first.change } else { &first.cause };
    let source = if first.source.is_empty() { String::new() } else { format!(" [{}]", first.source) };
    Some(format!("{cause}{source}"))
}

/// The ordering cycle because of which a unit doesn't run: what was dropped or refused, then its edges; empty if there is none.
pub async fn cycle(manager: &Manager, unit: &UnitName) -> Vec<String> {
    let Ok(message) = (Request::Cycle { unit: unit.to_string() }).message() else { return Vec::new() };
    let Ok(reply) = manager.send(message).await else { return Vec::new() };
    parse_why(&reply).map(|entries| cycle_lines(&entries)).unwrap_or_default()
}

/// One line a step: `a.service start runs before b.service start (FILE:LINE)`.
fn cycle_lines(entries: &[WhyEntry]) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in entries {
        let (what, edges) = entry.change.rsplit_once(": ").unwrap_or((&entry.change, ""));
        lines.push(format!("{what} - {}  ({})", entry.cause, time::precise(entry.realtime_usec)));
        lines.extend(edges.split("; ").filter(|edge| !edge.is_empty()).map(str::to_owned));
    }
    lines
}

/// Entries that caused nothing else in the list come first (newest first); below each, indented, what caused it.
fn tree(entries: &[WhyEntry]) -> Vec<String> {
    let is_cause = |index: usize| entries.iter().any(|entry| usize::try_from(entry.parent) == Ok(index));
    let mut lines = Vec::new();
    let mut printed = vec![false; entries.len()];
    for start in (0..entries.len()).filter(|index| !is_cause(*index)) {
        let mut next = Some(start);
        let mut depth = 1;
        while let Some(index) = next {
            let Some(entry) = entries.get(index) else { break };
            // A chain that joins one already printed ends there; this also ends a cycle that a broken broker could send.
            if std::mem::replace(&mut printed[index], true) {
                lines.push(format!("{}(see above)", "  ".repeat(depth)));
                break;
            }
            lines.push(line(entry, depth));
            next = usize::try_from(entry.parent).ok();
            depth += 1;
        }
    }
    lines
}

fn line(entry: &WhyEntry, depth: usize) -> String {
    let arrow = if depth == 1 { "" } else { "because " };
    let mut text = format!("{}{arrow}{}: {}", "  ".repeat(depth), entry.unit, entry.change);
    if !entry.cause.is_empty() {
        text.push_str(&format!(" - {}", entry.cause));
    }
    if !entry.source.is_empty() {
        text.push_str(&format!(" [{}]", entry.source));
    }
    format!("{text}  ({})", time::precise(entry.realtime_usec))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(unit: &str, change: &str, parent: i32) -> WhyEntry {
        WhyEntry {
            realtime_usec: 1_700_000_000_000_000,
            unit: unit.into(),
            change: change.into(),
            cause: String::new(),
            source: String::new(),
            parent,
        }
    }

    #[test]
    fn causes_stand_below_what_they_caused() {
        let lines = tree(&[
            entry("a.service", "active", 1),
            entry("a.service", "start job", 2),
            entry("x.device", "plugged", -1),
            entry("a.service", "inactive", -1),
        ]);
        let heads: Vec<&str> = lines.iter().map(|line| line.split("  (").next().unwrap_or_default()).collect();
        assert_eq!(heads.len(), 4);
        assert!(lines[0].starts_with("  a.service: active"));
        assert!(lines[1].starts_with("    because a.service: start job"));
        assert!(lines[2].starts_with("      because x.device: plugged"));
        assert!(lines[3].starts_with("  a.service: inactive"));
    }

    #[test]
    fn an_ordering_cycle_is_a_line_an_edge() {
        let whole = "Ordering cycle found, jobs of b.service dropped: a.service start runs before b.service start \
                     (/etc/b.service:3); b.service start runs before a.service start (/etc/a.service:2)";
        let lines = cycle_lines(&[
            entry("c.service", "start dropped along with that of b.service", 1),
            entry("b.service", whole, -1),
        ]);
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert!(lines[1].starts_with("Ordering cycle found, jobs of b.service dropped - "), "{lines:?}");
        assert_eq!(lines[2], "a.service start runs before b.service start (/etc/b.service:3)");
        assert_eq!(lines[3], "b.service start runs before a.service start (/etc/a.service:2)");
    }

    #[test]
    fn a_cycle_ends() {
        let lines = tree(&[entry("a.service", "x", 1), entry("b.service", "y", 1)]);
        assert!(lines.len() <= 3);
    }
}
