//! `socket-activator run FILE.socket...`: the units' files are read here, and their services started here.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bus_api::worker::StartOptions;
use daemon_runtime::args::CommonArgs;
use daemon_runtime::paths::Mode;
use unit_parser::{LoadPath, Loader, Unit, UnitName, machine};

use super::services::Services;
use crate::core::{Event, State};
use crate::daemon::Daemon;
use crate::settings::Settings;

/// Loads the units, each by its file's path or by name; a failure as a sentence.
pub fn load(units: &[PathBuf], common: &CommonArgs) -> Result<(Services, Vec<Unit>), String> {
    let mode = match common.mode() {
        Mode::System => unit_parser::Mode::System,
        Mode::User => unit_parser::Mode::User,
    };
    let mut path = LoadPath::from_env(mode);
    for directory in units.iter().rev().filter_map(|unit| unit.parent()).filter(|dir| !dir.as_os_str().is_empty()) {
        let directory = std::path::absolute(directory).map_err(|error| error.to_string())?;
        if !path.dirs.contains(&directory) {
            path.dirs.insert(0, directory);
        }
    }
    // A bare file name is looked for here first.
    if units.iter().any(|unit| unit.exists() && unit.components().count() == 1) {
        path.dirs.insert(0, std::env::current_dir().map_err(|error| error.to_string())?);
    }
    let loader = Loader::new(path, mode, machine::host(mode));
    let loaded: Result<Vec<Unit>, String> = units.iter().map(|unit| load_one(&loader, unit)).collect();
    Ok((Services::new(loader), loaded?))
}

fn load_one(loader: &Loader, path: &Path) -> Result<Unit, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = UnitName::parse(&name).map_err(|error| format!("{}: {error}", path.display()))?;
    let unit = loader.load(&name);
    for diagnostic in &unit.diagnostics {
        tracing::warn!("{diagnostic}");
    }
    match &unit.load_error {
        Some((_, text)) => Err(format!("{}: {text}", path.display())),
        None if !unit.is_loaded() => Err(format!("{}: {}", path.display(), unit.load_state.as_str())),
        None if unit.is_usb_function() => {
            let service = Settings::from_unit(&unit).policy.service.clone();
            let mut unit = unit;
            if let Ok(service) = UnitName::parse(&service) {
                unit.describe_usb(&loader.load(&service));
            }
            Ok(unit)
        }
        None => Ok(unit),
    }
}

/// Time for services and commands to end after SIGTERM.
pub const PATIENCE: Duration = Duration::from_secs(10);

impl Daemon {
    /// Without a runner nothing of an earlier run is left but its files.
    pub(crate) fn forget_all(&mut self) {
        for (name, _) in self.states.load_all::<serde_json::Value>() {
            self.states.remove(&name);
            self.definitions.remove(&name);
        }
    }

    /// Starts the units of the command line; what an earlier run served and this one doesn't is dropped. Services of an
    /// earlier run are not ours any more: their sockets listen.
    pub(crate) fn start_units(&mut self, units: &[Unit]) -> Result<(), String> {
        let wanted = |name: &str| units.iter().any(|unit| unit.name.as_str() == name);
        let stale: Vec<_> = self.units.keys().filter(|name| !wanted(name)).cloned().collect();
        for name in stale {
            self.feed(&name, Event::Stop { restart: false });
        }
        let running = self.units.iter().filter(|(_, unit)| *unit.machine.state() == State::Running);
        let orphaned: Vec<_> =
            running.map(|(name, unit)| (name.clone(), unit.settings.policy.service.clone())).collect();
        for (name, service) in orphaned {
            let event = Event::Service { name: service, sub: "dead".to_owned(), start_limit_hit: false };
            self.feed(&name, event);
        }
        for unit in units {
            let definition = serde_json::to_string(unit).map_err(|error| error.to_string())?;
            let started = self.start(unit.name.as_str(), &definition, StartOptions::default());
            let (name, actions) = started.map_err(|error| error.to_string())?;
            self.run(&name, actions);
        }
        let failed = |unit: &Unit| {
            self.units.get(unit.name.as_str()).is_none_or(|unit| unit.machine.state().active() == "failed")
        };
        if units.iter().all(failed) {
            return Err("no unit could be started".to_owned());
        }
        Ok(())
    }

    /// The end of `run` begins: the services are ours, so they end with us, and so do the sockets unless a runner keeps
    /// them for the next start.
    pub(crate) fn begin_end(&mut self) {
        if !self.runner.is_present() {
            let names: Vec<_> = self.units.keys().cloned().collect();
            for name in names {
                self.feed(&name, Event::Stop { restart: false });
            }
        }
        if let Some(services) = &self.services {
            services.terminate();
        }
    }

    /// Whether everything that [`Daemon::begin_end`] wants to end has ended.
    pub(crate) fn has_ended(&self) -> bool {
        let down = |unit: &crate::daemon::unit::SocketUnit| {
            self.runner.is_present() || matches!(unit.machine.state(), State::Dead | State::Failed)
        };
        self.services.as_ref().is_none_or(Services::is_empty) && self.units.values().all(down)
    }
}
