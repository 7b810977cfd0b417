//! One file a family of verbs.

mod cat;
mod dependencies;
mod files;
mod jobs;
mod list;
mod show;
mod state;
mod status;
mod why;

use crate::cli::{Cli, Verb};
use crate::manager::{Manager, ManagerError};

/// Runs a verb; the exit status.
pub async fn run(manager: &mut Manager, cli: &Cli) -> Result<u8, ManagerError> {
    let options = &cli.output;
    let Some(verb) = &cli.verb else { return list::units(manager, options, &[]).await };
    match verb {
        Verb::ListUnits(args) => list::units(manager, options, &args.patterns).await,
        Verb::ListUnitFiles(args) => list::unit_files(manager, options, &args.patterns).await,
        Verb::ListSockets(args) => list::sockets(manager, options, &args.patterns).await,
        Verb::ListJobs(args) => list::jobs(manager, options, &args.patterns).await,
        Verb::ListDependencies(args) => dependencies::tree(manager, options, &args.patterns).await,
        Verb::Status(args) => status::status(manager, options, &args.patterns).await,
        Verb::Show(args) => show::show(manager, options, &args.patterns).await,
        Verb::Cat(args) => cat::cat(manager, &args.units).await,
        Verb::Start(args) => jobs::enqueue(manager, options, "StartUnit", &args.units).await,
        Verb::Stop(args) => jobs::enqueue(manager, options, "StopUnit", &args.units).await,
        Verb::Restart(args) => jobs::enqueue(manager, options, "RestartUnit", &args.units).await,
        Verb::TryRestart(args) => jobs::enqueue(manager, options, "TryRestartUnit", &args.units).await,
        Verb::Reload(args) => jobs::enqueue(manager, options, "ReloadUnit", &args.units).await,
        Verb::ReloadOrRestart(args) => jobs::enqueue(manager, options, "ReloadOrRestartUnit", &args.units).await,
        Verb::Isolate(args) => jobs::isolate(manager, options, &args.units).await,
        Verb::Cancel { jobs } => jobs::cancel(manager, jobs).await,
        Verb::Kill(args) => state::kill(manager, options, &args.units).await,
        Verb::ResetFailed(args) => state::reset_failed(manager, &args.patterns).await,
        Verb::IsActive(args) => state::is_active(manager, options, &args.units).await,
        Verb::IsFailed(args) => state::is_failed(manager, options, &args.units).await,
        Verb::IsSystemRunning => state::is_system_running(manager, options).await,
        Verb::DaemonReload => manager.call("Reload", &()).await.map(|_| 0),
        Verb::Enable(args) => files::enable(manager, options, &args.units, "EnableUnitFiles").await,
        Verb::Reenable(args) => files::enable(manager, options, &args.units, "ReenableUnitFiles").await,
        Verb::Disable(args) => files::disable(manager, options, &args.units).await,
        Verb::Mask(args) => files::mask(manager, options, &args.units).await,
        Verb::Unmask(args) => files::unmask(manager, options, &args.units).await,
        Verb::IsEnabled(args) => files::is_enabled(manager, options, &args.units).await,
        Verb::GetDefault => files::default_target(manager).await,
        Verb::SetDefault { target } => files::set_default_target(manager, options, target).await,
        Verb::Why(args) => why::why(manager, options, &args.units).await,
    }
}

/// A unit name as a person types it: `.service` is added when there is no suffix, a path becomes a mount or device name.
fn unit_name(text: &str) -> Result<String, ManagerError> {
    unit_parser::UnitName::mangle(text)
        .map(|name| name.as_str().to_owned())
        .map_err(|error| ManagerError::Arguments(format!("{text}: {error}")))
}

fn unit_names(units: &[String]) -> Result<Vec<String>, ManagerError> {
    units.iter().map(|unit| unit_name(unit)).collect()
}
