//! `device-watcher run --on-plug UNIT...`: hotplug without a manager. Devices come from udev, services run under a
//! process-supervisor that is asked over its private socket; nothing else is needed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bus_api::connect::{CallError, Peer, PeerEvent, PeerEvents};
use bus_api::worker::{Request, StartOptions, StopOptions};
use daemon_runtime::args::CommonArgs;
use daemon_runtime::shutdown::Shutdown;
use tokio::time::Instant;
use unit_parser::{LoadPath, Loader, Mode, Unit, UnitName, UnitType, rows};

use crate::cli::Failure;
use crate::core::event::Origin;
use crate::core::plug::{Candidate, Order, Plugs};
use crate::core::table::{Change, Input, Table};
use crate::driver::database::{Filter, Source, enumerate};
use crate::driver::monitor::Monitor;
use crate::driver::presence::Presence;

/// How long the supervisor may be away (it may just be starting).
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause before it is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// Where the named units come from.
struct Units {
    loader: Loader,
    /// Those that were named by file, templates too.
    files: BTreeMap<UnitName, PathBuf>,
}

/// Starts and stops units with their devices until SIGTERM or SIGINT; what was started keeps running then.
///
/// # Errors
/// When a unit can't be loaded, udev's socket not be had, or no process-supervisor be reached.
pub fn main(common: &CommonArgs, names: &[String]) -> Result<(), Failure> {
    let mode = match common.mode() {
        daemon_runtime::paths::Mode::System => Mode::System,
        daemon_runtime::paths::Mode::User => Mode::User,
    };
    let loader = Loader::new(LoadPath::from_env(mode), mode, unit_parser::machine::host(mode));
    let mut units = Units { loader, files: BTreeMap::new() };
    let mut candidates = Vec::new();
    for text in names {
        candidates.push(units.candidate(text).map_err(|error| Failure::about(text, error))?);
    }
    daemon_runtime::run(run(common, &units, Plugs::new(candidates, mode == Mode::User)))?
}

async fn run(common: &CommonArgs, units: &Units, mut plugs: Plugs) -> Result<(), Failure> {
    let mut shutdown = Shutdown::install()?;
    let socket = common.runtime().bus("process-supervisor");
    let (supervisor, mut events) = connect(&socket).await?;
    if let (false, reason) = Presence::look(Source::Udev).status() {
        eprintln!("device-watcher: {reason}");
    }
    let monitor = Monitor::listen(&Filter::systemd())?;
    let mut table = Table::default();
    let changes = table.handle(Input::Enumeration(enumerate(&Filter::systemd())?));
    obey(units, &supervisor, &mut plugs, &changes).await;
    loop {
        let received = tokio::select! {
            _ = shutdown.requested() => return Ok(()),
            // States of services are nobody's business here, but must not pile up.
            Some(_) = events.recv() => continue,
            received = monitor.receive() => received?,
        };
        for event in received.events {
            let changes = table.handle(Input::Event(Origin::Udev, event));
            obey(units, &supervisor, &mut plugs, &changes).await;
        }
        if received.overflow {
            let changes = table.handle(Input::Enumeration(enumerate(&Filter::systemd())?));
            obey(units, &supervisor, &mut plugs, &changes).await;
        }
    }
}

/// Waits for a supervisor that is just being started. Later ones are connected to as they come.
async fn connect(socket: &Path) -> Result<(Peer, PeerEvents), Failure> {
    let (peer, mut events) = Peer::open(socket);
    let back = async {
        while let Some(event) = events.recv().await {
            if matches!(event, PeerEvent::Back) {
                break;
            }
        }
    };
    if tokio::time::timeout(PATIENCE, back).await.is_err() {
        return Err(Failure::about(socket.display(), "nobody serves there; is process-supervisor running?"));
    }
    Ok((peer, events))
}

async fn obey(units: &Units, supervisor: &Peer, plugs: &mut Plugs, changes: &[Change]) {
    for change in changes {
        for order in plugs.update(&change.units) {
            let (unit, device, done) = match order {
                Order::Start(unit, device) => {
                    let done = start(units, supervisor, plugs, &unit, &device).await;
                    (unit, format!("start, {device} is plugged"), done)
                }
                Order::Stop(unit, device) => {
                    let cause = format!("{device} is gone");
                    let options = StopOptions { job: 0, restart: false, cause: cause.clone() };
                    let request = Request::Stop { unit: unit.to_string(), options };
                    let done = ask(supervisor, &request).await;
                    (unit, format!("stop, {cause}"), done)
                }
            };
            match done {
                Ok(()) => println!("{unit}: {device}"),
                Err(error) => eprintln!("device-watcher: {unit}: {device}: {error}"),
            }
        }
    }
}

async fn start(
    units: &Units,
    supervisor: &Peer,
    plugs: &mut Plugs,
    name: &UnitName,
    device: &str,
) -> Result<(), String> {
    let unit = units.load(name)?;
    let definition = serde_json::to_string(&unit).map_err(|error| error.to_string())?;
    let options = StartOptions {
        invocation_id: invocation_id().map_err(|error| error.to_string())?,
        cause: format!("{device} is plugged"),
        ..StartOptions::default()
    };
    ask(supervisor, &Request::Start { unit: name.to_string(), definition, options, fds: Vec::new() }).await?;
    let bound = unit.units(rows::unit::BINDS_TO).iter().map(ToString::to_string).collect();
    plugs.started(name.clone(), bound);
    Ok(())
}

/// Asks again while the supervisor is being restarted: a start with the same invocation id, or a stop, counts once.
async fn ask(supervisor: &Peer, request: &Request) -> Result<(), String> {
    let end = Instant::now() + PATIENCE;
    loop {
        let message = request.message().map_err(|error| error.to_string())?;
        match supervisor.call(message).await {
            Ok(_) => return Ok(()),
            Err(CallError::Away) if Instant::now() < end => tokio::time::sleep(PAUSE).await,
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// 16 random bytes.
fn invocation_id() -> std::io::Result<Vec<u8>> {
    let text = fs::read_to_string("/proc/sys/kernel/random/uuid")?;
    let digits: Vec<char> = text.chars().filter(char::is_ascii_hexdigit).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).map_err(std::io::Error::other);
    digits.chunks(2).map(byte).collect()
}

impl Units {
    /// What was named on the command line: a path, a unit name, or one without its suffix.
    fn candidate(&mut self, text: &str) -> Result<Candidate, String> {
        let path =
            text.contains('/').then(|| std::path::absolute(text)).transpose().map_err(|error| error.to_string())?;
        let file_name = path.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
        let name = match file_name {
            Some(name) => name.to_owned(),
            None if text.contains('.') => text.to_owned(),
            None => format!("{text}.service"),
        };
        let name = UnitName::parse(&name).map_err(|error| error.to_string())?;
        if name.unit_type() != UnitType::Service {
            return Err("only .service units can be run".to_owned());
        }
        if let Some(path) = path {
            self.files.insert(name.clone(), path);
        }
        if name.is_template() {
            return Ok(Candidate { name, installed_in: Vec::new() });
        }
        let unit = self.load(&name)?;
        let mut installed_in = Vec::new();
        for row in [rows::install::WANTED_BY, rows::install::REQUIRED_BY] {
            installed_in.extend(unit.list(row).iter().cloned());
        }
        Ok(Candidate { name, installed_in })
    }

    fn load(&self, name: &UnitName) -> Result<Unit, String> {
        let file = self.files.get(name).or_else(|| self.files.get(&name.template()?));
        let unit = match file {
            Some(file) => {
                let bytes = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
                self.loader.load_bytes(name, &bytes, Some(file.clone()))
            }
            None => self.loader.load(name),
        };
        for diagnostic in &unit.diagnostics {
            eprintln!("{diagnostic}");
        }
        if unit.is_loaded() {
            return Ok(unit);
        }
        Err(unit.load_error.map_or_else(|| unit.load_state.as_str().to_owned(), |(_, text)| text))
    }
}
