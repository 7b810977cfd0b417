//! Short questions about states, and what changes them without a job: kill, reset-failed.

use super::names::expand;
use crate::cli::OutputArgs;
use crate::manager::{Manager, ManagerError};

/// 0 when one of the units is active, else 3.
pub async fn is_active(manager: &Manager, options: &OutputArgs, units: &[String]) -> Result<u8, ManagerError> {
    let states = active_states(manager, options, units).await?;
    Ok(if states.iter().any(|state| matches!(state.as_str(), "active" | "reloading")) { 0 } else { 3 })
}

/// 0 when one of the units has failed, else 1.
pub async fn is_failed(manager: &Manager, options: &OutputArgs, units: &[String]) -> Result<u8, ManagerError> {
    let states = active_states(manager, options, units).await?;
    Ok(if states.iter().any(|state| state == "failed") { 0 } else { 1 })
}

async fn active_states(manager: &Manager, options: &OutputArgs, units: &[String]) -> Result<Vec<String>, ManagerError> {
    let mut states = Vec::new();
    for unit in expand(manager, units).await? {
        let properties = manager.unit(&unit).await?;
        let state = properties.text("ActiveState").to_owned();
        if !options.quiet {
            println!("{state}");
        }
        states.push(state);
    }
    Ok(states)
}

/// 0 when the system state is `running`, else 1.
pub async fn is_system_running(manager: &Manager, options: &OutputArgs) -> Result<u8, ManagerError> {
    let properties = manager.properties(None).await?;
    let state = properties.text("SystemState");
    if !options.quiet {
        println!("{state}");
    }
    Ok(u8::from(state != "running"))
}

/// Signals processes of units.
pub async fn kill(manager: &Manager, options: &OutputArgs, units: &[String]) -> Result<u8, ManagerError> {
    let signal = sys::signals::number(&options.signal)
        .ok_or_else(|| ManagerError::Arguments(format!("{}: no such signal", options.signal)))?;
    let mut code = 0;
    for unit in expand(manager, units).await? {
        if let Err(error) = manager.call("KillUnit", &(unit.as_str(), options.kill_whom.as_str(), signal)).await {
            eprintln!("Failed to kill unit {unit}: {error}");
            code = 1;
        }
    }
    Ok(code)
}

/// Forgets failures of units, or of all.
pub async fn reset_failed(manager: &Manager, units: &[String]) -> Result<u8, ManagerError> {
    if units.is_empty() {
        manager.call("ResetFailed", &()).await?;
    }
    let mut code = 0;
    for unit in expand(manager, units).await? {
        if let Err(error) = manager.call("ResetFailedUnit", &(unit.as_str(),)).await {
            eprintln!("Failed to reset failed state of unit {unit}: {error}");
            code = 1;
        }
    }
    Ok(code)
}
