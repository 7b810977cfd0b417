//! `status`: a person's view of a unit or of the manager.

use super::unit_names;
use crate::cli::OutputArgs;
use crate::manager::{Manager, ManagerError, Properties};
use crate::output::{dot, timestamp};
use crate::value;

/// The state of units, or of the manager when none is named. Exit status 3 when one is not active, 4 when one does not
/// exist.
pub async fn status(manager: &Manager, options: &OutputArgs, units: &[String]) -> Result<u8, ManagerError> {
    if units.is_empty() {
        return overview(manager).await;
    }
    let mut code = 0;
    for unit in unit_names(units)? {
        let path = manager.load_unit(&unit).await?;
        let properties = manager.properties(Some(path.as_str())).await?;
        if text(&properties, "LoadState") == "not-found" && text(&properties, "ActiveState") == "inactive" {
            eprintln!("Unit {unit} could not be found.");
            code = code.max(4);
            continue;
        }
        if !options.quiet {
            print(&properties);
        }
        if !matches!(text(&properties, "ActiveState").as_str(), "active" | "reloading") {
            code = code.max(3);
        }
    }
    Ok(code)
}

async fn overview(manager: &Manager) -> Result<u8, ManagerError> {
    let properties = manager.properties(None).await?;
    for (label, name) in [
        ("State", "SystemState"),
        ("Units", "NNames"),
        ("Jobs", "NJobs"),
        ("Failed", "NFailedUnits"),
        ("Version", "Version"),
        ("CGroup", "ControlGroup"),
    ] {
        println!("{label:>8}: {}", text(&properties, name));
    }
    Ok(0)
}

fn print(properties: &Properties) {
    let get = |name| text(properties, name);
    let active = get("ActiveState");
    println!("{} {} - {}", dot(&active), get("Id"), get("Description"));
    let load_error = value::json_of(properties, "LoadError");
    let why = load_error.get(1).and_then(|text| text.as_str()).unwrap_or_default().to_owned();
    let file = [get("FragmentPath"), get("UnitFileState"), why].into_iter().filter(|text| !text.is_empty());
    line("Loaded", &format!("{} ({})", get("LoadState"), file.collect::<Vec<_>>().join("; ")));
    let since = timestamp(number(properties, "StateChangeTimestamp"));
    let result = match get("Result").as_str() {
        "" | "success" => String::new(),
        result => format!(", result: {result}"),
    };
    line("Active", &format!("{active} ({}{result}) since {since}", get("SubState")));
    for (label, name) in [("Drop-In", "DropInPaths"), ("Triggered by", "TriggeredBy"), ("Triggers", "Triggers")] {
        optional(label, &get(name));
    }
    for address in value::json_of(properties, "Listen").as_array().into_iter().flatten() {
        line(
            "Listen",
            &address.as_array().into_iter().flatten().filter_map(|part| part.as_str()).collect::<Vec<_>>().join(" "),
        );
    }
    if number(properties, "MainPID") > 0 {
        line("Main PID", &get("MainPID"));
    } else if number(properties, "ExecMainPID") > 0 {
        line("Last PID", &format!("{} (status {})", get("ExecMainPID"), get("ExecMainStatus")));
    }
    if number(properties, "NRestarts") > 0 {
        line("Restarts", &get("NRestarts"));
    }
    optional("Status", &get("StatusText"));
    optional("CGroup", &get("ControlGroup"));
    optional("Device", &get("SysFSPath"));
}

fn line(label: &str, text: &str) {
    println!("{label:>12}: {text}");
}

fn optional(label: &str, text: &str) {
    if !text.is_empty() {
        line(label, text);
    }
}

fn text(properties: &Properties, name: &str) -> String {
    properties.get(name).map(|value| value::text(value)).unwrap_or_default()
}

fn number(properties: &Properties, name: &str) -> u64 {
    value::json_of(properties, name).as_u64().unwrap_or(0)
}
