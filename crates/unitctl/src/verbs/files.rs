//! Install verbs: they change links on disk through the broker, then have it reload.

use super::{jobs, unit_name, unit_names};
use crate::cli::OutputArgs;
use crate::manager::{Manager, ManagerError};

/// (type, file, source) of a link that was made or removed.
type Change = (String, String, String);

/// Enables (or reenables) unit files.
pub async fn enable(
    manager: &mut Manager,
    options: &OutputArgs,
    units: &[String],
    method: &str,
) -> Result<u8, ManagerError> {
    let names = unit_names(units)?;
    let reply = manager.call(method, &(&names, options.runtime, options.force)).await?;
    let (has_install, changes) =
        bus_api::message::arguments::<(bool, Vec<Change>)>(&reply).map_err(|error| ManagerError::Reply(error.text))?;
    if !has_install && !options.quiet {
        eprintln!("These unit files have no [Install] section that says where to enable them.");
    }
    print(options, &changes);
    manager.call("Reload", &()).await?;
    if options.now { jobs::now(manager, options, "StartUnit", &names).await } else { Ok(0) }
}

/// Disables unit files.
pub async fn disable(manager: &mut Manager, options: &OutputArgs, units: &[String]) -> Result<u8, ManagerError> {
    let names = unit_names(units)?;
    let changes: Vec<Change> = manager.ask("DisableUnitFiles", &(&names, options.runtime)).await?;
    print(options, &changes);
    manager.call("Reload", &()).await?;
    if options.now { jobs::now(manager, options, "StopUnit", &names).await } else { Ok(0) }
}

/// Masks units.
pub async fn mask(manager: &mut Manager, options: &OutputArgs, units: &[String]) -> Result<u8, ManagerError> {
    let names = unit_names(units)?;
    let changes: Vec<Change> = manager.ask("MaskUnitFiles", &(&names, options.runtime, options.force)).await?;
    print(options, &changes);
    manager.call("Reload", &()).await?;
    if options.now { jobs::now(manager, options, "StopUnit", &names).await } else { Ok(0) }
}

/// Removes masks.
pub async fn unmask(manager: &Manager, options: &OutputArgs, units: &[String]) -> Result<u8, ManagerError> {
    let changes: Vec<Change> = manager.ask("UnmaskUnitFiles", &(unit_names(units)?, options.runtime)).await?;
    print(options, &changes);
    manager.call("Reload", &()).await.map(|_| 0)
}

/// 0 when one of the unit files is enabled in some way.
pub async fn is_enabled(manager: &Manager, options: &OutputArgs, units: &[String]) -> Result<u8, ManagerError> {
    let mut code = 1;
    for unit in units {
        let state: String = manager.ask("GetUnitFileState", &(unit_name(unit)?,)).await?;
        if matches!(state.as_str(), "enabled" | "enabled-runtime" | "static" | "alias" | "indirect" | "generated") {
            code = 0;
        }
        if !options.quiet {
            println!("{state}");
        }
    }
    Ok(code)
}

/// Prints the default target.
pub async fn default_target(manager: &Manager) -> Result<u8, ManagerError> {
    let target: String = manager.ask("GetDefaultTarget", &()).await?;
    println!("{target}");
    Ok(0)
}

/// Sets the default target.
pub async fn set_default_target(manager: &Manager, options: &OutputArgs, target: &str) -> Result<u8, ManagerError> {
    let changes: Vec<Change> = manager.ask("SetDefaultTarget", &(target, true)).await?;
    print(options, &changes);
    manager.call("Reload", &()).await.map(|_| 0)
}

fn print(options: &OutputArgs, changes: &[Change]) {
    if options.quiet {
        return;
    }
    for (kind, file, source) in changes {
        match kind.as_str() {
            "symlink" => eprintln!("Created {file} -> {source}"),
            "unlink" => eprintln!("Removed {file}"),
            _ => eprintln!("{file}: {kind} {source}"),
        }
    }
}
