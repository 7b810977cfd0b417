//! Verbs that queue a job and wait for it.

use zbus::OwnedObjectPath;

use super::{unit_name, unit_names};
use crate::cli::OutputArgs;
use crate::manager::{Manager, ManagerError};

/// Queues one job a unit with this manager method, then waits for all of them.
pub async fn enqueue(
    manager: &mut Manager,
    options: &OutputArgs,
    method: &str,
    units: &[String],
) -> Result<u8, ManagerError> {
    run(manager, options, method, units, &options.job_mode).await
}

/// Starts a unit and stops what it does not need.
pub async fn isolate(manager: &mut Manager, options: &OutputArgs, units: &[String]) -> Result<u8, ManagerError> {
    run(manager, options, "StartUnit", units, "isolate").await
}

async fn run(
    manager: &mut Manager,
    options: &OutputArgs,
    method: &str,
    units: &[String],
    mode: &str,
) -> Result<u8, ManagerError> {
    let mut queued: Vec<(String, OwnedObjectPath)> = Vec::new();
    let mut code = 0;
    for unit in unit_names(units)? {
        match manager.ask::<_, OwnedObjectPath>(method, &(unit.as_str(), mode)).await {
            Ok(job) => queued.push((unit, job)),
            Err(error) => {
                eprintln!("{unit}: {error}");
                code = error.exit_code();
            }
        }
    }
    if options.no_block {
        return Ok(code);
    }
    for (unit, job) in queued {
        let result = manager.job_result(&job).await?;
        if !matches!(result.as_str(), "done" | "skipped") {
            report(options, &unit, &result);
            code = 1;
        }
    }
    Ok(code)
}

fn report(options: &OutputArgs, unit: &str, result: &str) {
    if options.quiet {
        return;
    }
    let reason = match result {
        "dependency" => "a dependency failed",
        "timeout" => "it took too long",
        "canceled" => "it was canceled",
        "assert" => "an assertion failed",
        "unsupported" => "units of this type cannot do that here",
        "invalid" => "the job is not applicable any more",
        "once" => "the unit can be started only once",
        _ => "the unit failed",
    };
    eprintln!("{unit}: {reason}. `unitctl why {unit}` prints the causes, `unitctl status {unit}` the state.");
}

/// Cancels jobs by number, or all of them.
pub async fn cancel(manager: &Manager, jobs: &[u32]) -> Result<u8, ManagerError> {
    if jobs.is_empty() {
        manager.call("ClearJobs", &()).await?;
    }
    for job in jobs {
        manager.call("CancelJob", &(*job,)).await?;
    }
    Ok(0)
}

/// Starts (or stops) units after an install verb with `--now`.
pub async fn now(
    manager: &mut Manager,
    options: &OutputArgs,
    method: &str,
    units: &[String],
) -> Result<u8, ManagerError> {
    let templates = units.iter().filter_map(|unit| unit_name(unit).ok()).filter(|unit| !unit.contains("@."));
    let units: Vec<String> = templates.collect();
    run(manager, options, method, &units, "replace").await
}
