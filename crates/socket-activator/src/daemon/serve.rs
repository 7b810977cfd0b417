//! The daemon's life: set up, one loop, crash-only end.

use std::collections::BTreeMap;
use std::io;

use bus_api::serve::{Incoming, IncomingStream, Limits, Server};
use daemon_runtime::args::CommonArgs;
use daemon_runtime::fds::PassedFds;
use daemon_runtime::notify::Runner;
use daemon_runtime::paths::RuntimeDir;
use daemon_runtime::shutdown::Shutdown;
use daemon_runtime::state::StateDir;
use daemon_runtime::{listen, paths};
use exec_job::output::OutputConfig;
use sys::cgroup::CgroupRoot;
use sys::spawn::Executor;
use tokio::sync::mpsc;
use unit_parser::Unit;

use super::Daemon;
use super::host::Host;
use super::run::now;
use super::watch::Input;
use crate::core::Event;
use crate::standalone::run::PATIENCE;
use crate::standalone::services::Services;

/// Name of the daemon: of its bus, its state directory, its log.
pub const NAME: &str = "socket-activator";

/// Units to serve without a broker.
pub struct Standalone {
    /// Their services.
    pub services: Services,
    /// The socket units.
    pub units: Vec<Unit>,
}

/// Runs until SIGTERM. Everything that must survive is on disk and with the runner at any time, so the end is just an end.
pub async fn serve(common: &CommonArgs, output: &OutputConfig, standalone: Option<Standalone>) -> io::Result<()> {
    let runtime = &common.runtime();
    let runner = Runner::from_env();
    let host = Host::new(common.mode(), output, standalone.is_some(), runner.is_present());
    let mut shutdown = Shutdown::install()?;
    let mut fds = PassedFds::from_env();
    runtime.create()?;
    let bus = match fds.take("bus") {
        Some(fd) => listen::from_fd(fd)?,
        None => listen::bind(&runtime.bus(NAME))?,
    };
    let (server, mut incoming) = Server::new(Limits::default());
    let (inputs, mut events) = mpsc::unbounded_channel();
    let mut daemon = new(runtime, server.clone(), inputs, (host, runner))?;
    let units = standalone.map(|standalone| {
        daemon.services = Some(standalone.services);
        standalone.units
    });
    if units.is_some() && !daemon.runner.is_present() {
        daemon.forget_all();
    }
    daemon.resume(fds);
    if let Some(units) = units {
        daemon.start_units(&units).map_err(io::Error::other)?;
    }
    server.listen(bus, "bus")?;
    daemon.runner.ready(&format!("{} units", daemon.units.len()));
    tokio::select! {
        () = run(&mut daemon, &mut incoming, &mut events, |_| false) => {}
        signal = shutdown.requested() => tracing::info!("{signal}, leaving"),
    }
    daemon.runner.stopping();
    if daemon.services.is_some() {
        daemon.begin_end();
        let end = run(&mut daemon, &mut incoming, &mut events, Daemon::has_ended);
        let _ = tokio::time::timeout(PATIENCE, end).await;
    }
    Ok(())
}

fn new(
    runtime: &RuntimeDir,
    server: Server,
    inputs: mpsc::UnboundedSender<Input>,
    (host, runner): (Host, Runner),
) -> io::Result<Daemon> {
    let state = runtime.state(NAME);
    paths::create_dir(&state)?;
    let executor = Executor::beside_current_exe()
        .inspect_err(|error| tracing::warn!("process-executor is missing, commands of sockets will fail: {error}"));
    Ok(Daemon {
        units: BTreeMap::new(),
        server,
        runner,
        states: StateDir::open(state.join("units"))?,
        definitions: StateDir::open(state.join("definitions"))?,
        queue: None,
        inputs,
        host,
        executor: executor.ok(),
        cgroups: CgroupRoot::from_env(),
        last_id: 0,
        services: None,
    })
}

async fn run(
    daemon: &mut Daemon,
    incoming: &mut IncomingStream,
    events: &mut mpsc::UnboundedReceiver<Input>,
    done: impl Fn(&Daemon) -> bool,
) {
    while !done(daemon) {
        tokio::select! {
            message = incoming.recv() => match message {
                Some(Incoming::Connected(client)) => daemon.greet(client.id),
                Some(Incoming::Message(client, message)) => daemon.dispatch(client, &message),
                Some(Incoming::Disconnected(_)) => {}
                None => return,
            },
            input = events.recv() => match input {
                Some(input) => daemon.input(input),
                None => return,
            },
        }
    }
}

impl Daemon {
    fn input(&mut self, input: Input) {
        match input {
            Input::Ready { unit, slot, readiness, done } => self.ready(&unit, slot, readiness, done),
            Input::Unwatchable { unit, text } => self.feed(&unit, Event::Broken { text }),
            Input::Trigger { unit, trigger } => self.start_service(&unit, &trigger),
            Input::Timer { unit } => self.feed(&unit, Event::Timeout),
            Input::Exited { unit, exit, .. } if self.services.as_ref().is_some_and(|s| s.is_running(&unit)) => {
                self.service_ended(&unit, exit);
            }
            Input::Exited { unit, pid, exit } => {
                let current = |u: &super::unit::SocketUnit| u.machine.state().control().and_then(|c| c.pid);
                if self.units.get(&unit).and_then(current) == Some(pid) {
                    if let Some(unit) = self.units.get_mut(&unit) {
                        unit.control = None;
                        unit.runs.ended(pid, exit, now());
                    }
                    let stored = super::store::name(&unit, &super::store::Stored::Control);
                    self.feed(&unit, Event::Exited(exit));
                    if self.units.get(&unit).is_some_and(|unit| unit.control.is_none()) {
                        self.runner.remove(&stored);
                    }
                }
            }
        }
    }
}
