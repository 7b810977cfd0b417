//! Putting the broker together: paths, unit files, state of an earlier run, sockets.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bus_api::serve::{IncomingStream, Limits, Server};
use daemon_runtime::args::CommonArgs;
use daemon_runtime::fds::PassedFds;
use daemon_runtime::listen;
use daemon_runtime::notify::Runner;
use daemon_runtime::paths::{Mode, RuntimeDir, user_runtime_dir};
use unit_parser::generators::Generators;
use unit_parser::{Host, LoadPath, Loader};

use super::generators::Generation;
use super::message_bus::{BusEvents, MessageBus};
use super::starts::Starts;
use super::store::{Saved, Store};
use super::workers::{WorkerEvents, Workers};
use super::{Broker, Config, PendingReply, now};
use crate::builtin;
use crate::conditions::Surroundings;
use crate::core::{Engine, Options};
use crate::model::{Environment, Facts, Machine, Model, MountTable, Renamed, SavedFacts};
use crate::virtualization::Virtualization;

/// The daemon's name, and that of its sockets and directories.
pub const DAEMON: &str = "unit-broker";

/// A broker, what comes to it, and whether it is the first one of this boot.
pub struct Ready {
    pub broker: Broker,
    pub incoming: IncomingStream,
    pub workers: WorkerEvents,
    pub bus: BusEvents,
    pub first: bool,
}

/// Builds the broker.
pub fn setup(args: &CommonArgs, config: &Config) -> io::Result<Ready> {
    let mode = args.mode();
    let user = mode == Mode::User;
    let runtime = args.runtime();
    runtime.create()?;
    let store = Store::open(&runtime)?;
    let saved = store.load();
    let first = saved.as_ref().is_none_or(|saved| saved.facts.unbooted);

    let mut facts = facts(user, config);
    let host = Host { cgroup_root: facts.cgroup_prefix.clone(), ..unit_parser::machine::host(parser_mode(mode)) };
    let mut machine = Machine {
        loader: loader(mode, &runtime, host.clone()),
        host,
        mounts: MountTable::read(),
        renamed: Renamed::No,
        surroundings: Surroundings { environment: Vec::new(), cgroup: facts.cgroup_root.clone() },
    };
    let options = Options {
        user,
        start_limit: (
            config.manager.default_start_limit_interval_sec.saturating_mul(1_000_000),
            config.manager.default_start_limit_burst,
        ),
        device_timeout: facts.device_timeout,
        no_device_units: unit_parser::machine::is_read_only("/sys"),
        ..Options::default()
    };
    let begin = now();
    let engine = match saved {
        None => {
            facts.saved = SavedFacts { userspace: begin, unbooted: true, ..SavedFacts::default() };
            Engine::new(options, begin, &mut machine)
        }
        Some(Saved { engine, units, facts: old }) => {
            tracing::info!(units = units.len(), "going on with the saved state");
            facts.environment.restore(old.environment.clone());
            facts.saved = old;
            Engine::restore(options, engine, units, begin, &mut machine)
        }
    };
    facts.saved.load_start = begin;
    facts.saved.load_finish = now();
    facts.saved.reload = facts.saved.load_finish;
    machine.surroundings.environment = facts.environment.list();

    let (server, incoming) = Server::new(Limits::default());
    let primary = listen_everywhere(&server, &runtime, user)?;
    let variable = |name: &str| std::env::var(name).ok();
    let generators = Generators::new(parser_mode(mode), &variable)
        .filter(|generators| primary && generators.are_on(machine.loader.load_path()));
    // A manager beside the machine's own isn't to be found on its bus.
    let (bus, bus_events) = MessageBus::new(user, primary, store.load_interests());
    let (workers, events) = Workers::open(&runtime);
    store.save_facts(&facts.saved);
    let broker = Broker {
        model: Model::new(engine, machine, facts),
        server,
        callers: HashMap::new(),
        next_caller: 0,
        bus,
        workers,
        starts: Starts::default(),
        generation: Generation::new(generators),
        store,
        runner: Rc::new(Runner::from_env()),
        reply: PendingReply::default(),
        together: false,
        had_jobs: false,
        ending: None,
        quit: false,
    };
    Ok(Ready { broker, incoming, workers: events, bus: bus_events, first })
}

fn parser_mode(mode: Mode) -> unit_parser::Mode {
    match mode {
        Mode::System => unit_parser::Mode::System,
        Mode::User => unit_parser::Mode::User,
    }
}

fn loader(mode: Mode, runtime: &RuntimeDir, host: Host) -> Loader {
    let parser_mode = parser_mode(mode);
    let mut path = LoadPath::from_env(parser_mode);
    // SYSTEMD_UNIT_PATH= says exactly what counts.
    if std::env::var_os("SYSTEMD_UNIT_PATH").is_none_or(|path| path.is_empty())
        && let Err(error) = builtin::add(&mut path, &runtime.path().join("builtin-units"))
    {
        tracing::error!(%error, "the built-in targets can't be written: only targets on the load path exist");
    }
    Loader::new(path, parser_mode, host)
}

fn facts(user: bool, config: &Config) -> Facts {
    let environment = if user {
        let own =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Environment::user(own)
    } else {
        Environment::system()
    };
    let cgroup_root = std::env::var_os("QUINTET_CGROUP_ROOT").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let cgroup_prefix = cgroup_root.as_deref().map(cgroup_prefix).unwrap_or_default();
    Facts {
        user,
        environment,
        virtualization: Virtualization::detect(),
        cgroup_root,
        cgroup_prefix,
        device_timeout: config.manager.default_device_timeout_sec.saturating_mul(1_000_000),
        log_level: std::env::var("QUINTET_LOG")
            .or_else(|_| std::env::var("SYSTEMD_LOG_LEVEL"))
            .unwrap_or_else(|_| "info".into()),
        log_target: std::env::var("SYSTEMD_LOG_TARGET").unwrap_or_else(|_| "console".into()),
        saved: SavedFacts::default(),
    }
}

/// The root of our control groups below the mount of the hierarchy, as /proc/PID/cgroup shows it.
fn cgroup_prefix(root: &Path) -> String {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mount = mounts
        .lines()
        .filter(|line| line.contains(" - cgroup2 "))
        .filter_map(|line| line.split(' ').nth(4))
        .filter(|mount| root.starts_with(mount))
        .max_by_key(|mount| mount.len());
    match mount.and_then(|mount| root.strip_prefix(mount).ok()) {
        Some(below) if below.as_os_str().is_empty() => String::new(),
        Some(below) => format!("/{}", below.display()),
        None => String::new(),
    }
}

/// The broker's own socket and the public one: passed by the launcher, or bound here. Whether the public one is at its
/// usual place, and ours.
fn listen_everywhere(server: &Server, runtime: &RuntimeDir, user: bool) -> io::Result<bool> {
    let mut passed = PassedFds::from_env();
    let mut listen = |name: &'static str, path: PathBuf| -> io::Result<()> {
        let listener = match passed.take(name) {
            Some(fd) => listen::from_fd(fd)?,
            None => listen::bind(&path)?,
        };
        server.listen(listener, name)
    };
    listen("bus", runtime.bus(DAEMON))?;
    let public = if user { user_runtime_dir() } else { PathBuf::from("/run") };
    let elsewhere = std::env::var_os("QUINTET_PUBLIC_SOCKET");
    let usual = elsewhere.is_none();
    let public = elsewhere.map_or_else(|| public.join("systemd/private"), PathBuf::from);
    match listen("private", public.clone()) {
        // A real systemd serves there: the broker's own socket is enough for unitctl.
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            tracing::warn!(path = %public.display(), "another manager serves there: systemctl will talk to that one");
            Ok(false)
        }
        other => other.map(|()| usual),
    }
}
