//! One unit at a glance, in systemctl's layout, and what caused its last change.

use unit_parser::UnitName;

use super::{branches, continued, line, processes};
use crate::manager::{Manager, ManagerError};
use crate::output::{Colour, colour_of, dot, paint};
use crate::properties::{Properties, as_text};
use crate::time;

/// Prints it.
pub async fn print(broker: &Manager, unit: &UnitName, properties: &Properties) -> Result<(), ManagerError> {
    let active = properties.text("ActiveState");
    let description = properties.text("Description");
    let id = properties.text("Id");
    let title = if description.is_empty() || description == id { String::new() } else { format!(" - {description}") };
    println!("{} {id}{title}", dot(active));
    if !properties.text("Following").is_empty() {
        line("Follows", &format!("unit currently follows state of {}", properties.text("Following")));
    }
    line("Loaded", &loaded(properties));
    drop_ins(properties);
    line("Active", &state(properties));
    if let Some(span) = duration(properties) {
        line("Duration", &span);
    }
    if let Some(cause) = super::super::why::latest(broker, unit).await {
        line("Cause", &cause);
    }
    if let [first, rest @ ..] = super::super::why::cycle(broker, unit).await.as_slice() {
        line("Cycle", first);
        rest.iter().for_each(|text| continued(text));
    }
    notices(broker, unit, properties).await;
    related(broker, properties, "TriggeredBy").await?;
    related(broker, properties, "Triggers").await?;
    if let [first, rest @ ..] = properties.list("Documentation").as_slice() {
        line("Docs", first);
        rest.iter().for_each(|text| continued(text));
    }
    for row in properties.rows("Listen") {
        if let [kind, address] = row {
            line(
                "Listen",
                &format!("{} ({})", as_text(address).unwrap_or_default(), as_text(kind).unwrap_or_default()),
            );
        }
    }
    if properties.truth("Accept") {
        let count = |name| properties.number(name).unwrap_or(0);
        line("Accepted", &format!("{}; Connected: {}", count("NAccepted"), count("NConnections")));
    }
    if !properties.text("SysFSPath").is_empty() {
        line("Device", properties.text("SysFSPath"));
    }
    processes::print_commands(properties);
    processes::print_main(properties);
    if !properties.text("StatusText").is_empty() {
        line("Status", &format!("\"{}\"", properties.text("StatusText")));
    }
    if properties.number("NRestarts").is_some_and(|count| count > 0) {
        line("Restarts", &properties.number("NRestarts").unwrap_or(0).to_string());
    }
    if let Some(tasks) = properties.number("TasksCurrent") {
        line("Tasks", &tasks.to_string());
    }
    if properties.truth("NeedDaemonReload") {
        let text = format!("the files of {id} changed on disk, run `unitctl daemon-reload`");
        line("Warning", &paint(&text, Colour::Yellow));
    }
    processes::print_group(broker, unit.as_str(), properties).await
}

/// What happened beside the state changes since the unit was last started, the latest last.
async fn notices(broker: &Manager, unit: &UnitName, properties: &Properties) {
    let since = properties.number("InactiveExitTimestamp").unwrap_or(0);
    let now = time::now();
    let all = super::super::notices::of(broker, unit).await;
    for (index, notice) in all.iter().filter(|notice| notice.0 >= since).enumerate() {
        let text = super::super::notices::text(notice, now);
        if index == 0 { line("Notices", &text) } else { continued(&text) }
    }
}

/// `loaded (/path; enabled; preset: enabled)`
fn loaded(properties: &Properties) -> String {
    let load = properties.text("LoadState");
    let mut details: Vec<String> = Vec::new();
    if let [error, text] = properties.fields("LoadError")
        && as_text(error).is_some_and(|error| !error.is_empty())
    {
        details.push(format!("Reason: {}", as_text(text).unwrap_or_default()));
    }
    for name in ["FragmentPath", "UnitFileState"] {
        if !properties.text(name).is_empty() {
            details.push(properties.text(name).to_owned());
        }
    }
    let shows_preset = !matches!(properties.text("UnitFileState"), "" | "static" | "alias" | "generated" | "transient");
    if shows_preset && !properties.text("UnitFilePreset").is_empty() {
        details.push(format!("preset: {}", properties.text("UnitFilePreset")));
    }
    let colour = if matches!(load, "loaded" | "masked") { Colour::Plain } else { Colour::Red };
    let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join("; ")) };
    format!("{}{details}", paint(load, colour))
}

/// Drop-ins, by directory.
fn drop_ins(properties: &Properties) {
    let mut label = "Drop-In";
    let mut paths = properties.list("DropInPaths");
    while let Some(first) = paths.first().copied() {
        let (directory, _) = first.rsplit_once('/').unwrap_or(("", first));
        let inside = |path: &&str| path.rsplit_once('/').is_some_and(|(parent, _)| parent == directory);
        let files: Vec<&str> =
            paths.iter().filter(|path| inside(path)).filter_map(|path| path.rsplit('/').next()).collect();
        if label.is_empty() {
            continued(directory)
        } else {
            line(label, directory)
        }
        label = "";
        continued(&branches(&[files.join(", ")]).concat());
        let before = paths.len();
        paths.retain(|path| !inside(path));
        if paths.len() == before {
            return;
        }
    }
}

/// `active (running) since Sun 2026-11-22 01:02:03 UTC; 5s ago`
fn state(properties: &Properties) -> String {
    let (active, sub) = (properties.text("ActiveState"), properties.text("SubState"));
    let mut text = if sub.is_empty() || sub == active { active.to_owned() } else { format!("{active} ({sub})") };
    let result = properties.text("Result");
    if !result.is_empty() && result != "success" {
        text = format!("{text} (Result: {result})");
    }
    let stamp = match active {
        "active" | "reloading" => "ActiveEnterTimestamp",
        "inactive" | "failed" => "InactiveEnterTimestamp",
        "activating" => "InactiveExitTimestamp",
        _ => "ActiveExitTimestamp",
    };
    let since = properties.number(stamp).unwrap_or(0);
    let text = paint(&text, colour_of(active));
    if since == 0 {
        return text;
    }
    format!("{text} since {}; {}", time::stamp(since), time::relative(since, time::now()))
}

/// How long a unit that is down was up.
fn duration(properties: &Properties) -> Option<String> {
    let (up, down) = (properties.number("ActiveEnterTimestamp")?, properties.number("ActiveExitTimestamp")?);
    let is_down = matches!(properties.text("ActiveState"), "inactive" | "failed");
    (is_down && up > 0 && down > up).then(|| unit_parser::format::timespan(down - up, 1000))
}

/// Units on the other end of a trigger, each with its state.
async fn related(broker: &Manager, properties: &Properties, name: &str) -> Result<(), ManagerError> {
    for (index, other) in properties.list(name).into_iter().enumerate() {
        let Ok(unit) = UnitName::parse(other) else { continue };
        let state = broker.unit(&unit).await?;
        let text = format!("{} {other}", dot(state.text("ActiveState")));
        if index == 0 { line(name, &text) } else { continued(&text) }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use zbus::Variant;

    #[test]
    fn the_lines_that_everybody_reads() {
        let failed = Properties::from_pairs(vec![
            ("LoadState", Variant::from("loaded")),
            ("FragmentPath", Variant::from("/etc/systemd/system/a.service")),
            ("UnitFileState", Variant::from("enabled")),
            ("UnitFilePreset", Variant::from("disabled")),
            ("ActiveState", Variant::from("failed")),
            ("SubState", Variant::from("failed")),
            ("Result", Variant::from("exit-code")),
        ]);
        assert_eq!(loaded(&failed), "loaded (/etc/systemd/system/a.service; enabled; preset: disabled)");
        assert_eq!(state(&failed), "failed (Result: exit-code)");
        let bad = Properties::from_pairs(vec![
            ("LoadState", Variant::from("bad-setting")),
            ("LoadError", Variant::from(("org.freedesktop.systemd1.BadUnitSetting", "Unit x has a bad setting."))),
            ("ActiveState", Variant::from("active")),
            ("SubState", Variant::from("running")),
            ("Result", Variant::from("success")),
        ]);
        assert_eq!(loaded(&bad), "bad-setting (Reason: Unit x has a bad setting.)");
        assert_eq!(state(&bad), "active (running)");
    }
}
