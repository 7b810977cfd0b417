//! The manager at a glance.

use super::line;
use crate::manager::{Manager, ManagerError};
use crate::output::{Colour, dot, paint};
use crate::time;

/// Prints it; the exit status.
pub async fn print(broker: &Manager) -> Result<u8, ManagerError> {
    let properties = broker.properties(None).await?;
    let state = properties.text("SystemState");
    let (mark, colour) = match state {
        "running" => ("active", Colour::Green),
        "degraded" => ("failed", Colour::Red),
        _ => ("activating", Colour::Yellow),
    };
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    println!("{} {}", dot(mark), host.trim_end());
    line("State", &paint(state, colour));
    let count = |name| properties.number(name).unwrap_or(0);
    line("Units", &format!("{} loaded", count("NNames")));
    line("Jobs", &format!("{} queued", count("NJobs")));
    line("Failed", &format!("{} units", count("NFailedUnits")));
    let since = count("UserspaceTimestamp");
    if since > 0 {
        line("Since", &format!("{}; {}", time::stamp(since), time::relative(since, time::now())));
    }
    for (label, name) in [("Version", "Version"), ("Tainted", "Tainted"), ("CGroup", "ControlGroup")] {
        if !properties.text(name).is_empty() {
            line(label, properties.text(name));
        }
    }
    Ok(0)
}
