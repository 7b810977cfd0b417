//! `status`: a person's view of a unit or of the manager.

mod manager;
mod processes;
mod unit;

use super::names::expand;
use crate::cli::OutputArgs;
use crate::manager::{Manager, ManagerError};

/// The state of units, or of the manager when none is named. Exit status 3 when one is not active, 4 when one does not
/// exist (systemctl(1), "Exit status").
pub async fn status(broker: &Manager, options: &OutputArgs, units: &[String]) -> Result<u8, ManagerError> {
    if units.is_empty() {
        return manager::print(broker).await;
    }
    let mut code = 0;
    let mut first = true;
    for unit in expand(broker, units).await? {
        let properties = broker.unit(&unit).await?;
        let (load, active) = (properties.text("LoadState"), properties.text("ActiveState"));
        if load == "not-found" && active == "inactive" {
            eprintln!("Unit {unit} could not be found.");
            code = 4;
            continue;
        }
        if !options.quiet {
            if !std::mem::take(&mut first) {
                println!();
            }
            unit::print(broker, &unit, &properties).await?;
        }
        if !matches!(active, "active" | "reloading") && code == 0 {
            code = 3;
        }
    }
    Ok(code)
}

/// One labelled line, aligned as systemctl's.
fn line(label: &str, text: &str) {
    println!("{label:>11}: {text}");
}

/// A further line below a labelled one.
fn continued(text: &str) {
    println!("{:>13}{text}", "");
}

/// Lines with a branch before each.
fn branches<S: AsRef<str>>(items: &[S]) -> Vec<String> {
    let last = items.len().saturating_sub(1);
    let branch = |(index, item): (usize, &S)| format!("{}{}", if index == last { "└─" } else { "├─" }, item.as_ref());
    items.iter().enumerate().map(branch).collect()
}
