//! Verbs that queue a job and wait for it.

use bus_api::errors::ErrorName;
use unit_parser::UnitName;
use zbus::OwnedObjectPath;

use super::names::expand;
use crate::cli::OutputArgs;
use crate::manager::{Manager, ManagerError};

/// A verb, as people call it and as the manager does.
#[derive(Debug, Clone, Copy)]
pub struct JobVerb {
    word: &'static str,
    method: &'static str,
    /// Instead of `--job-mode=`.
    mode: Option<&'static str>,
}

const fn verb(word: &'static str, method: &'static str) -> JobVerb {
    JobVerb { word, method, mode: None }
}

/// start
pub const START: JobVerb = verb("start", "StartUnit");
/// stop
pub const STOP: JobVerb = verb("stop", "StopUnit");
/// restart
pub const RESTART: JobVerb = verb("restart", "RestartUnit");
/// try-restart
pub const TRY_RESTART: JobVerb = verb("restart", "TryRestartUnit");
/// reload
pub const RELOAD: JobVerb = verb("reload", "ReloadUnit");
/// reload-or-restart
pub const RELOAD_OR_RESTART: JobVerb = verb("reload or restart", "ReloadOrRestartUnit");
/// try-reload-or-restart
pub const RELOAD_OR_TRY_RESTART: JobVerb = verb("reload or restart", "ReloadOrTryRestartUnit");
/// isolate
pub const ISOLATE: JobVerb = JobVerb { word: "isolate", method: "StartUnit", mode: Some("isolate") };

/// Queues one job a unit, then waits for all of them. The exit status is that of the last unit that failed.
pub async fn enqueue(
    manager: &mut Manager,
    options: &OutputArgs,
    verb: JobVerb,
    units: &[String],
) -> Result<u8, ManagerError> {
    let units = expand(manager, units).await?;
    run(manager, options, verb, &units).await
}

async fn run(
    manager: &mut Manager,
    options: &OutputArgs,
    verb: JobVerb,
    units: &[UnitName],
) -> Result<u8, ManagerError> {
    let mode = verb.mode.unwrap_or(&options.job_mode);
    let mut queued: Vec<(&UnitName, OwnedObjectPath)> = Vec::new();
    let mut code = 0;
    for unit in units {
        match manager.ask::<_, OwnedObjectPath>(verb.method, &(unit.as_str(), mode)).await {
            Ok(job) => queued.push((unit, job)),
            Err(error) => {
                eprintln!("Failed to {} {unit}: {error}", verb.word);
                let known = [ErrorName::NoSuchUnit, ErrorName::UnitMasked, ErrorName::JobTypeNotApplicable];
                if !known.iter().any(|name| error.is(*name)) && !options.quiet {
                    eprintln!("`unitctl why {unit}` and `unitctl status {unit}` tell more.");
                }
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
            report(manager, options, unit, &result).await;
            code = 1;
        }
    }
    Ok(code)
}

/// Says what became of a job that was not done.
async fn report(manager: &Manager, options: &OutputArgs, unit: &UnitName, result: &str) {
    if options.quiet {
        return;
    }
    let what = match result {
        "canceled" => format!("Job for {unit} canceled."),
        "timeout" => format!("Job for {unit} timed out."),
        "dependency" => format!("A dependency job for {unit} failed."),
        "invalid" => format!("{unit} is not active, cannot reload."),
        "assert" => format!("Assertion failed on job for {unit}."),
        "unsupported" => format!("Operation on or unit type of {unit} not supported on this system."),
        "collected" => format!("Queued job for {unit} was garbage collected."),
        "once" => format!("Unit {unit} was started already once and can't be started again."),
        _ => {
            let properties = manager.unit(unit).await.unwrap_or_default();
            match because(properties.text("Result")) {
                Some(because) => format!("Job for {unit} failed because {because}."),
                None => format!("Job for {unit} failed."),
            }
        }
    };
    eprintln!("{what}\nSee \"unitctl status {unit}\" and \"unitctl why {unit}\" for details.");
}

/// A unit's Result in words.
fn because(result: &str) -> Option<&'static str> {
    Some(match result {
        "resources" => "of unavailable resources or another system error",
        "protocol" => "the service did not take the steps required by its unit configuration",
        "timeout" => "a timeout was exceeded",
        "exit-code" => "the control process exited with error code",
        "signal" => "a fatal signal was delivered to the control process",
        "core-dump" => "a fatal signal was delivered causing the control process to dump core",
        "watchdog" => "the service failed to send watchdog ping",
        "start-limit-hit" => "start of the service was attempted too often",
        "oom-kill" => "of an out-of-memory (OOM) kill",
        _ => return None,
    })
}

/// Cancels jobs by number, or all of them.
pub async fn cancel(manager: &Manager, jobs: &[u32]) -> Result<u8, ManagerError> {
    if jobs.is_empty() {
        manager.call("ClearJobs", &()).await?;
    }
    let mut code = 0;
    for job in jobs {
        if let Err(error) = manager.call("CancelJob", &(*job,)).await {
            eprintln!("Failed to cancel job {job}: {error}");
            code = 1;
        }
    }
    Ok(code)
}

/// Starts (or stops) units after an install verb with `--now`; templates cannot be.
pub async fn now(
    manager: &mut Manager,
    options: &OutputArgs,
    verb: JobVerb,
    files: &[String],
) -> Result<u8, ManagerError> {
    let names = files.iter().filter_map(|file| UnitName::parse(file.rsplit('/').next().unwrap_or(file)).ok());
    let units: Vec<UnitName> = names.filter(|name| !name.is_template()).collect();
    run(manager, options, verb, &units).await
}
