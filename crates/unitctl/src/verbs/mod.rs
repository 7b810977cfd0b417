//! One file a family of verbs.

mod cat;
mod definition;
mod dependencies;
mod environment;
mod files;
mod jobs;
mod list;
mod names;
mod notices;
mod preview;
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
        Verb::ListDependencies(args) => dependencies::print(manager, options, &args.patterns).await,
        Verb::Status(args) => status::status(manager, options, &args.patterns).await,
        Verb::Show(args) => show::show(manager, options, &args.patterns).await,
        Verb::Cat(args) => cat::cat(manager, &args.units).await,
        Verb::Start(args) => jobs::enqueue(manager, options, jobs::START, &args.units).await,
        Verb::Stop(args) => jobs::enqueue(manager, options, jobs::STOP, &args.units).await,
        Verb::Restart(args) => jobs::enqueue(manager, options, jobs::RESTART, &args.units).await,
        Verb::TryRestart(args) => jobs::enqueue(manager, options, jobs::TRY_RESTART, &args.units).await,
        Verb::Reload(args) => jobs::enqueue(manager, options, jobs::RELOAD, &args.units).await,
        Verb::ReloadOrRestart(args) => jobs::enqueue(manager, options, jobs::RELOAD_OR_RESTART, &args.units).await,
        Verb::TryReloadOrRestart(args) => {
            jobs::enqueue(manager, options, jobs::RELOAD_OR_TRY_RESTART, &args.units).await
        }
        Verb::Isolate(args) => jobs::enqueue(manager, options, jobs::ISOLATE, &args.units).await,
        Verb::Cancel { jobs } => jobs::cancel(manager, jobs).await,
        Verb::Kill(args) => state::kill(manager, options, &args.units).await,
        Verb::ResetFailed(args) => state::reset_failed(manager, &args.patterns).await,
        Verb::IsActive(args) => state::is_active(manager, options, &args.units).await,
        Verb::IsFailed(args) => state::is_failed(manager, options, &args.units).await,
        Verb::IsSystemRunning => state::is_system_running(manager, options).await,
        Verb::ReloadDefinition(args) => definition::reload(manager, &args.units).await,
        Verb::DaemonReload => manager.call("Reload", &()).await.map(|_| 0),
        Verb::Enable(args) => files::enable(manager, options, &args.units, files::ENABLE).await,
        Verb::Reenable(args) => files::enable(manager, options, &args.units, files::REENABLE).await,
        Verb::Preset(args) => files::enable(manager, options, &args.units, files::PRESET).await,
        Verb::Disable(args) => files::disable(manager, options, &args.units).await,
        Verb::Mask(args) => files::mask(manager, options, &args.units).await,
        Verb::Unmask(args) => files::unmask(manager, options, &args.units).await,
        Verb::Link(args) => files::link(manager, options, &args.units).await,
        Verb::Revert(args) => files::revert(manager, options, &args.units).await,
        Verb::AddWants(args) => files::add(manager, options, &args.target, &args.units, "Wants").await,
        Verb::AddRequires(args) => files::add(manager, options, &args.target, &args.units, "Requires").await,
        Verb::IsEnabled(args) => files::is_enabled(manager, options, &args.units).await,
        Verb::GetDefault => files::default_target(manager).await,
        Verb::SetDefault { target } => files::set_default_target(manager, options, target).await,
        Verb::ShowEnvironment => environment::show(manager).await,
        Verb::SetEnvironment { assignments } => environment::change(manager, "SetEnvironment", assignments).await,
        Verb::UnsetEnvironment { names } => environment::change(manager, "UnsetEnvironment", names).await,
        Verb::Why(args) => why::why(manager, options, &args.units).await,
        Verb::Plan(args) => preview::plan(manager, options, args).await,
        Verb::Simulate { happening } => preview::simulate(manager, options, happening).await,
    }
}
