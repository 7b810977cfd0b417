//! The daemon: table, udev, state directory and D-Bus in one loop.
//!
//! It listens to udev before it reads the database, so nothing is missed in between, and is ready (READY=1) when the
//! table is complete. When idle it waits in one epoll; there are no periodic timers.

mod bus;
mod feed;
pub mod public;
mod state;

use std::future::pending;
use std::io;
use std::time::Duration;

use bus_api::serve::{Limits, Server};
use daemon_runtime::args::CommonArgs;
use daemon_runtime::config::{self, LogConfig};
use daemon_runtime::fds::PassedFds;
use daemon_runtime::notify::Runner;
use daemon_runtime::shutdown::Shutdown;
use daemon_runtime::{listen, logging};
use serde::Deserialize;
use tokio::time::Instant;
use unit_parser::conditions::virtualization::Virtualization;

use self::feed::Feed;
use self::public::{MessageBus, Public};
use self::state::DeviceState;
use crate::cli::{Failure, ServeArgs};
use crate::core::saved::Keep;
use crate::core::table::{Input, Referrer, Table};
use crate::driver::database::{Filter, Source, enumerate, resolve};
use crate::driver::monitor::{Monitor, Received};
use crate::driver::mounts::KernelTable;
use crate::driver::presence::{Presence, Udevd, Watch};

/// The daemon's name, as in file names.
const NAME: &str = "device-watcher";
/// udev makes its control socket first and listens to the kernel later: how long after the former to look for the latter.
const SECOND_LOOK: Duration = Duration::from_millis(500);

/// `device-watcher.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Let clients inject recorded events, as `--allow-replay` does.
    allow_replay: bool,
    /// Who tells of devices: `udev`, or `kernel` on a machine without udev.
    source: Source,
    /// Serve on this message bus as well: `none`, `system` or `session`.
    message_bus: MessageBus,
    /// The `[log]` table.
    log: LogConfig,
}

struct Daemon {
    table: Table,
    state: Option<DeviceState>,
    server: Server,
    runner: Runner,
    presence: Presence,
    allow_replay: bool,
    source: Source,
    public: Option<Public>,
    /// What is still to be written to the state directory.
    unsaved: Vec<Keep>,
}

/// Runs the daemon until SIGTERM or SIGINT.
///
/// # Errors
/// When the configuration can't be read or the D-Bus socket not be had. A missing udev is no error: clients are told.
pub fn main(common: &CommonArgs, args: &ServeArgs) -> Result<(), Failure> {
    let config: Config = config::load(NAME, common)?;
    logging::init(NAME, common, &config.log);
    daemon_runtime::run(serve(common, args, &config))?
}

async fn serve(common: &CommonArgs, args: &ServeArgs, config: &Config) -> Result<(), Failure> {
    let runtime = common.runtime();
    let mut shutdown = Shutdown::install()?;
    let listener = match PassedFds::from_env().take("bus") {
        Some(fd) => listen::from_fd(fd)?,
        None => listen::bind(&runtime.bus(NAME))?,
    };
    let (server, mut incoming) = Server::new(Limits::default());
    server.listen(listener, "bus")?;

    let watch = note("udev's coming and going won't be noticed", Watch::start());
    let monitor = note("devices that come and go won't be noticed", Monitor::listen(&Filter::of(config.source)));
    let state = DeviceState::open(&runtime.state(NAME));
    let allow_replay = args.allow_replay || args.replay.is_some() || config.allow_replay;
    let saved = state.as_ref().map(|state| state.load(allow_replay)).unwrap_or_default();
    let (presence, runner) = (Presence::look(config.source), Runner::from_env());
    let table = Table::restored(saved);
    let mut public = Public::start(args.message_bus.unwrap_or(config.message_bus), config.source);
    if let Some(public) = &mut public {
        public.update(&table.units());
    }
    let (source, unsaved) = (config.source, Vec::new());
    let mut daemon = Daemon { table, state, server, runner, presence, allow_replay, source, public, unsaved };
    daemon.enumerate();
    let mounts = daemon.reference(KernelTable::open(Referrer::Mounts));
    // A container shows the swaps of its host, which are none of its business.
    let contained = matches!(Virtualization::detect(), Virtualization::Container(_));
    let swaps = if contained { None } else { daemon.reference(KernelTable::open(Referrer::Swaps)) };
    let mut feed = args.replay.as_deref().map(Feed::start);
    daemon.report(true);

    let find_udevd = || if config.source == Source::Udev { Udevd::find() } else { None };
    let mut udevd = find_udevd();
    let mut second_look: Option<Instant> = None;
    loop {
        daemon.save().await;
        tokio::select! {
            signal = shutdown.requested() => {
                tracing::info!("{signal}: ending; the table is saved");
                daemon.runner.stopping();
                return Ok(());
            }
            Some(happened) = incoming.recv() => daemon.handle(happened),
            received = receive(monitor.as_ref()) => daemon.received(received?),
            result = changed(watch.as_ref()) => {
                result?;
                daemon.look();
                udevd = find_udevd();
                second_look = Some(Instant::now() + SECOND_LOOK);
            }
            () = at(second_look) => {
                second_look = None;
                daemon.look();
                udevd = find_udevd();
            }
            result = ended(udevd.as_ref()) => {
                result?;
                udevd = None;
                daemon.look();
            }
            result = table_changed(mounts.as_ref()) => { result?; daemon.read_table(mounts.as_ref()); }
            result = table_changed(swaps.as_ref()) => { result?; daemon.read_table(swaps.as_ref()); }
            event = public::next(daemon.public.as_mut()) => if let Some(public) = &mut daemon.public {
                public.handle(event);
            },
            recorded = next(feed.as_mut()) => match recorded {
                Some(event) => daemon.apply(Input::Event(crate::core::event::Origin::Replay, event)),
                None => feed = None,
            },
        }
    }
}

impl Daemon {
    /// Tells the table, the clients and the state directory.
    fn apply(&mut self, input: Input) {
        for change in self.table.handle(input) {
            for complaint in &change.complaints {
                tracing::warn!("{complaint}");
            }
            if let Some(public) = &mut self.public {
                public.update(&change.units);
            }
            self.announce(&change.action, change.units);
            self.unsaved.extend(change.keep);
        }
    }

    /// Writes what has changed to the state directory: after clients were told, whom the disk needn't hold up. A daemon that
    /// dies in between finds in udev's database what it didn't write, and the clients ask it for all there is.
    async fn save(&mut self) {
        if self.unsaved.is_empty() {
            return;
        }
        // The messages leave now.
        tokio::task::yield_now().await;
        let unsaved = std::mem::take(&mut self.unsaved);
        if let Some(state) = &self.state {
            state.keep(unsaved);
        }
    }

    fn received(&mut self, received: Received) {
        for mut event in received.events {
            tracing::debug!(action = %event.action, syspath = event.syspath, seqnum = event.seqnum, "event");
            let former = event.former_syspath().map(|former| self.table.links_of(&former)).unwrap_or_default();
            let links = self.table.links_of(&event.syspath);
            for (link, target) in resolve(former.iter().chain(&links).map(String::as_str)) {
                event.link_targets.entry(link).or_insert(target);
            }
            self.apply(Input::Event(crate::core::event::Origin::Udev, event));
        }
        if received.overflow {
            tracing::warn!("the kernel dropped device events, reading udev's database again");
            self.enumerate();
        }
    }

    fn enumerate(&mut self) {
        match enumerate(&Filter::of(self.source)) {
            Ok(devices) => self.apply(Input::Enumeration(devices)),
            Err(error) => tracing::error!("cannot read udev's database: {error}"),
        }
    }

    /// Looks for udev; when it is (or was) new, whatever it did before we could hear it is in its database.
    fn look(&mut self) {
        let before = std::mem::replace(&mut self.presence, Presence::look(self.source));
        self.enumerate();
        if before != self.presence {
            self.report(false);
            self.tell_availability();
        }
    }

    /// Log and STATUS=; READY=1 at the start.
    fn report(&self, ready: bool) {
        let count = self.table.syspaths().count();
        let status = match &self.presence {
            Presence::Here => format!("{count} devices"),
            Presence::Absent(reason) | Presence::Unreachable(reason) => format!("{count} devices; {reason}"),
        };
        match &self.presence {
            Presence::Here => tracing::info!("watching {status}"),
            Presence::Absent(_) | Presence::Unreachable(_) => tracing::warn!("{status}"),
        }
        if ready {
            self.runner.ready(&status);
        } else {
            self.runner.status(&status);
        }
    }

    fn reference(&mut self, table: io::Result<KernelTable>) -> Option<KernelTable> {
        let table = table.inspect_err(|error| tracing::debug!("a kernel table is missing: {error}")).ok();
        self.read_table(table.as_ref());
        table
    }

    fn read_table(&mut self, table: Option<&KernelTable>) {
        let Some(table) = table else { return };
        match table.nodes() {
            Ok(nodes) => self.apply(Input::Referenced(table.referrer(), nodes)),
            Err(error) => tracing::error!("cannot read a kernel table: {error}"),
        }
    }
}

/// A source that can't be had is a warning: what is left still works.
fn note<T>(consequence: &str, result: io::Result<T>) -> Option<T> {
    result.inspect_err(|error| tracing::warn!("{consequence}: {error}")).ok()
}

async fn receive(monitor: Option<&Monitor>) -> io::Result<Received> {
    match monitor {
        Some(monitor) => monitor.receive().await,
        None => pending().await,
    }
}

async fn changed(watch: Option<&Watch>) -> io::Result<()> {
    match watch {
        Some(watch) => watch.changed().await,
        None => pending().await,
    }
}

async fn ended(udevd: Option<&Udevd>) -> io::Result<()> {
    match udevd {
        Some(udevd) => udevd.ended().await,
        None => pending().await,
    }
}

async fn table_changed(table: Option<&KernelTable>) -> io::Result<()> {
    match table {
        Some(table) => table.changed().await,
        None => pending().await,
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => pending().await,
    }
}

async fn next(feed: Option<&mut Feed>) -> Option<crate::core::event::DeviceEvent> {
    match feed {
        Some(feed) => feed.next().await,
        None => pending().await,
    }
}
