//! Supervising without any other daemon: the supervisor is its own coordinator.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use bus_api::serve::{Limits, Server};
use daemon_runtime::args::CommonArgs;
use daemon_runtime::notify::Runner;
use daemon_runtime::paths::RuntimeDir;
use daemon_runtime::shutdown::Shutdown;
use daemon_runtime::{config, listen, logging};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use unit_parser::{LoadPath, LoadState, Loader, Unit, UnitName, UnitType};

use crate::cli::RunArgs;
use crate::config::Config;
use crate::core::exit::{Exit, ServiceResult};
use crate::core::state::State;
use crate::driver::{News, Start, StartRequest, Supervisor};
use crate::timer::Timer;
use crate::{NAME, bus, setup};

/// Why `run` cannot begin.
#[derive(Debug, Error)]
enum RunError {
    #[error("{0}: {1}")]
    Name(String, unit_parser::NameError),
    #[error("{0}: only .service units can be run")]
    Type(String),
    #[error("{0}: {1}")]
    Load(String, String),
}

/// Runs the units until all of them are down.
///
/// # Errors
/// When it cannot start.
pub fn main(args: &CommonArgs, run: &RunArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let config: Config = config::load(NAME, args)?;
    logging::init(NAME, args, &config.log);
    let units = load(args, &run.units)?;
    daemon_runtime::run(supervise(args, &config, run, units))?
}

fn load(args: &CommonArgs, names: &[String]) -> Result<Vec<Unit>, RunError> {
    let mode = match args.mode() {
        daemon_runtime::paths::Mode::System => unit_parser::Mode::System,
        daemon_runtime::paths::Mode::User => unit_parser::Mode::User,
    };
    let loader = Loader::new(LoadPath::from_env(mode), mode, unit_parser::machine::host(mode));
    let mut units = Vec::new();
    for text in names {
        let unit = if text.contains('/') {
            let path = std::path::absolute(Path::new(text)).unwrap_or_else(|_| PathBuf::from(text));
            loader.load_file(&path).map_err(|error| RunError::Name(text.clone(), error))?
        } else {
            let name = if text.contains('.') { text.clone() } else { format!("{text}.service") };
            let name = UnitName::parse(&name).map_err(|error| RunError::Name(text.clone(), error))?;
            loader.load(&name)
        };
        for diagnostic in &unit.diagnostics {
            eprintln!("{diagnostic}");
        }
        if unit.name.unit_type() != UnitType::Service {
            return Err(RunError::Type(text.clone()));
        }
        match unit.load_state {
            LoadState::Loaded => units.push(unit),
            LoadState::NotFound
            | LoadState::Stub
            | LoadState::BadSetting
            | LoadState::Error
            | LoadState::Merged
            | LoadState::Masked => {
                let why = unit.load_error.map_or_else(|| unit.load_state.as_str().to_owned(), |(_, text)| text);
                return Err(RunError::Load(text.clone(), why));
            }
        }
    }
    Ok(units)
}

/// The order of the units, and how they did.
struct Plan {
    order: Vec<String>,
    units: BTreeMap<String, Unit>,
    stopping: bool,
    first_failure: Option<u8>,
}

async fn supervise(
    args: &CommonArgs,
    config: &Config,
    run: &RunArgs,
    units: Vec<Unit>,
) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let private = args.runtime_dir.is_none() && std::env::var_os("QUINTET_RUNTIME_DIR").is_none();
    let runtime = if private {
        let base = args.runtime();
        RuntimeDir::new(base.path().with_file_name(format!("quintet-run-{}", std::process::id())))
    } else {
        args.runtime()
    };
    let mut host = setup::host(args, config, runtime.clone(), Runner::none(), run.log_dir.is_none())?;
    host.alone = true;
    if let Some(directory) = &run.log_dir {
        host.log_dir.clone_from(directory);
    }
    let listener = listen::bind(&runtime.bus(NAME))?;
    let (mut supervisor, mut inputs) = Supervisor::new(host, None)?;
    // What a killed predecessor in the same directory left running is taken over.
    supervisor.recover(Vec::new());
    let (server, mut incoming) = Server::new(Limits::default());
    server.listen(listener, "bus")?;
    let mut shutdown = Shutdown::install()?;
    let mut children = signal(SignalKind::child())?;
    let mut hangups = signal(SignalKind::hangup())?;
    let mut timer = Timer::new();
    let mut plan = Plan {
        order: units.iter().map(|unit| unit.name.as_str().to_owned()).collect(),
        units: units.into_iter().map(|unit| (unit.name.as_str().to_owned(), unit)).collect(),
        stopping: false,
        first_failure: None,
    };
    for unit in plan.order.clone() {
        plan.start(&mut supervisor, &unit, "started by process-supervisor run");
    }
    loop {
        plan.coordinate(&mut supervisor, &server);
        if plan.is_over(&supervisor) {
            break;
        }
        tokio::select! {
            biased;
            _ = children.recv() => supervisor.reap(),
            Some(input) = inputs.recv() => supervisor.handle(input),
            Some(message) = incoming.recv() => bus::take(&mut supervisor, &server, message),
            () = timer.wait(supervisor.deadline()) => supervisor.tick(),
            name = shutdown.requested() => {
                tracing::info!("{name}: stopping");
                plan.stopping = true;
            }
            _ = hangups.recv() => {
                for unit in &plan.order {
                    if let Err(error) = supervisor.reload(unit, "SIGHUP".into()) {
                        tracing::warn!("{error}");
                    }
                }
            }
        }
    }
    server.drain(Duration::from_millis(200)).await;
    for unit in &plan.order {
        let _ = supervisor.forget(unit);
    }
    if private {
        let _ = std::fs::remove_dir_all(runtime.path());
    }
    Ok(ExitCode::from(plan.first_failure.unwrap_or(0)))
}

impl Plan {
    /// Starts a unit unless it runs, or did so too often.
    fn start(&mut self, supervisor: &mut Supervisor, unit: &str, cause: &str) {
        let Some(definition) = self.units.get(unit) else { return };
        if supervisor.service(unit).is_some_and(|service| !service.machine.may_start()) {
            return;
        }
        if supervisor.service(unit).is_none() {
            supervisor.define(definition.clone());
        }
        if !supervisor.admit(unit) {
            // One that was to be restarted is down now, without another run.
            let _ = supervisor.stop(unit, true, String::new());
            supervisor.refuse(unit, ServiceResult::StartLimitHit, "started too often (StartLimitBurst=)");
            return;
        }
        let request = StartRequest {
            cause: cause.to_owned(),
            start: Start { manager_environment: own_environment(), ..Start::default() },
            ..StartRequest::default()
        };
        if let Err(error) = supervisor.start(definition.clone(), request) {
            tracing::warn!("{error}");
        }
    }

    /// What a broker would do: restarts, the order of a shutdown.
    fn coordinate(&mut self, supervisor: &mut Supervisor, server: &Server) {
        loop {
            let news = supervisor.take_news();
            if news.is_empty() {
                break;
            }
            for item in news {
                match &item {
                    News::Changed { unit, status } if !status.will_restart && status.state == State::Failed => {
                        let code = match status.main.exit {
                            Some(Exit::Exited(code)) if code != 0 => u8::try_from(code).unwrap_or(1),
                            Some(Exit::Killed(signal) | Exit::Dumped(signal)) => {
                                u8::try_from(128 + signal).unwrap_or(1)
                            }
                            Some(Exit::Exited(_)) | None => 1,
                        };
                        tracing::error!("{unit} failed: {}", status.cause);
                        self.first_failure.get_or_insert(code);
                    }
                    News::RestartDue { unit } if !self.stopping => {
                        let unit = unit.clone();
                        self.start(supervisor, &unit, "automatic restart");
                    }
                    News::Changed { .. } | News::Log { .. } | News::RestartDue { .. } => {}
                }
                bus::publish_one(supervisor, server, item);
            }
        }
        if self.stopping {
            self.stop_last(supervisor);
            if supervisor.has_news() {
                self.coordinate(supervisor, server);
            }
        }
    }

    /// Stops the last unit that is still up: each waits for those after it.
    fn stop_last(&mut self, supervisor: &mut Supervisor) {
        let last = self
            .order
            .iter()
            .rev()
            .find(|unit| supervisor.service(unit).is_some_and(|service| !service.machine.state().is_down()));
        if let Some(unit) = last.cloned()
            && !supervisor.is_stopping(&unit)
        {
            let _ = supervisor.stop(&unit, false, "shutdown".into());
        }
    }

    fn is_over(&self, supervisor: &Supervisor) -> bool {
        self.order.iter().all(|unit| supervisor.service(unit).is_none_or(|service| service.machine.state().is_down()))
    }
}

/// Our environment is the manager's, but for what belongs to this process alone.
fn own_environment() -> Vec<String> {
    const PRIVATE: [&str; 9] = [
        "NOTIFY_SOCKET",
        "LISTEN_FDS",
        "LISTEN_PID",
        "LISTEN_FDNAMES",
        "WATCHDOG_USEC",
        "WATCHDOG_PID",
        "INVOCATION_ID",
        "JOURNAL_STREAM",
        "MAINPID",
    ];
    std::env::vars()
        .filter(|(name, _)| !PRIVATE.contains(&name.as_str()) && !name.starts_with("QUINTET_"))
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}
