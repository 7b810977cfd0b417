//! `socket-activator run`: the services of socket units, started by this daemon itself. Enough for a command that serves:
//! the first `ExecStart=`, with everything of systemd.exec(5); what else a unit sets is named in a warning.
//! Restarts, dependencies and sandboxes are the business of process-supervisor and unit-broker.

use daemon_runtime::dynamic_users::DynamicUsers;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::rc::Rc;

use exec_job::{Facts, Output, Plan};
use sys::pidfd::PidFd;
use sys::spawn::{SpawnRequest, spawn};
use unit_parser::{Loader, RowId, Unit, UnitName, row, rows};

use crate::core::Event;
use crate::core::SocketResult;
use crate::core::event::{Exit, Trigger};
use crate::core::rate_limit::RateLimit;
use crate::daemon::unit::{SocketUnit, TaskGuard};
use crate::daemon::{Daemon, watch};

/// The services that run, and where their units are.
pub struct Services {
    loader: Loader,
    running: BTreeMap<String, Service>,
    limits: BTreeMap<String, RateLimit>,
}

struct Service {
    socket: Rc<str>,
    pidfd: PidFd,
    /// What goes with it: runtime directories, private /tmp.
    left_over: Vec<PathBuf>,
    _watch: TaskGuard,
}

/// Directives of a service that this mode honours, beside all of systemd.exec(5).
const HONOURED: &[RowId] = &[
    rows::service::EXEC_START,
    rows::service::TYPE,
    rows::service::NON_BLOCKING,
    rows::unit::DESCRIPTION,
    rows::unit::DOCUMENTATION,
    rows::unit::START_LIMIT_INTERVAL_SEC,
    rows::unit::START_LIMIT_BURST,
];

impl Services {
    /// None yet.
    pub fn new(loader: Loader) -> Self {
        Services { loader, running: BTreeMap::new(), limits: BTreeMap::new() }
    }

    /// Where units are loaded from.
    pub fn loader(&self) -> &Loader {
        &self.loader
    }

    /// Whether it is one of the running services.
    pub fn is_running(&self, name: &str) -> bool {
        self.running.contains_key(name)
    }

    /// Whether none runs.
    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Sends SIGTERM to all.
    pub fn terminate(&self) {
        for service in self.running.values() {
            let _ = service.pidfd.send_signal(libc::SIGTERM);
        }
    }
}

impl Daemon {
    /// Does what a broker would do with a trigger.
    pub(crate) fn start_service(&mut self, socket: &str, trigger: &Trigger) {
        let Some(services) = &mut self.services else { return };
        let name = trigger.service.as_str();
        if services.is_running(name) {
            return self.acknowledge(trigger.id);
        }
        let loaded = UnitName::parse(name).map(|name| services.loader.load(&name));
        let unit = match loaded {
            Ok(unit) if unit.is_loaded() => unit,
            Ok(unit) => {
                let why = unit.load_error.map_or_else(|| unit.load_state.as_str().to_owned(), |(_, text)| text);
                return self.refuse_service(socket, name, &why);
            }
            Err(error) => return self.refuse_service(socket, name, &error.to_string()),
        };
        let interval = unit.usec(rows::unit::START_LIMIT_INTERVAL_SEC);
        let burst = unit.uint(rows::unit::START_LIMIT_BURST);
        let limit = services.limits.entry(name.to_owned()).or_default();
        if !limit.below(sys::clock::boottime(), interval, burst) {
            let event = Event::Service { name: name.to_owned(), sub: "failed".to_owned(), start_limit_hit: true };
            self.acknowledge(trigger.id);
            return self.feed(socket, event);
        }
        let id = trigger.id;
        // Random enough for one machine: trigger ids never repeat within a boot.
        let invocation = format!("{:032x}", (u128::from(sys::clock::realtime()) << 64) | u128::from(id));
        let mut left_over = exec_job::runtime_directories(&unit, self.host.mode, false);
        if let Some(places) = exec_job::private_tmp(&unit, &self.host.boot_id, &invocation) {
            left_over.extend([places.tmp, places.var_tmp]);
        }
        match self.spawn_service(&unit, trigger, &invocation) {
            Ok(pidfd) => self.service_started(socket, trigger, pidfd, left_over),
            Err(error) => self.refuse_service(socket, name, &error.to_string()),
        }
    }

    fn service_started(&mut self, socket: &str, trigger: &Trigger, pidfd: PidFd, left_over: Vec<PathBuf>) {
        let name: Rc<str> = trigger.service.as_str().into();
        tracing::info!("{name}: started as PID {} ({})", pidfd.pid(), trigger.cause);
        if let Ok(copy) = pidfd.try_clone()
            && let Some(services) = &mut self.services
        {
            let watch = watch::process(name.clone(), copy, self.inputs.clone());
            let service = Service { socket: socket.into(), pidfd, left_over, _watch: watch };
            services.running.insert(name.to_string(), service);
        }
        self.acknowledge(trigger.id);
        self.feed(socket, Event::Service { name: name.to_string(), sub: "running".to_owned(), start_limit_hit: false });
    }

    /// A service ended: its socket listens again.
    pub(crate) fn service_ended(&mut self, name: &str, exit: Exit) {
        let Some(service) = self.services.as_mut().and_then(|services| services.running.remove(name)) else { return };
        exec_job::remove_runtime(&service.left_over);
        DynamicUsers::system().release(name);
        let sub = if exit == Exit::Code(0) { "dead" } else { "failed" };
        tracing::info!("{name}: ended, {exit:?}");
        let event = Event::Service { name: name.to_owned(), sub: sub.to_owned(), start_limit_hit: false };
        self.feed(&service.socket, event);
    }

    fn refuse_service(&mut self, socket: &str, name: &str, why: &str) {
        self.log(socket, "err", format!("Failed to start {name}: {why}"));
        self.feed(socket, Event::Fail(SocketResult::Resources));
    }

    fn spawn_service(&self, unit: &Unit, trigger: &Trigger, invocation: &str) -> io::Result<PidFd> {
        let executor = self.executor.as_ref().ok_or_else(|| io::Error::other("process-executor is missing"))?;
        let commands = unit.exec(rows::service::EXEC_START);
        let command = commands.first().ok_or_else(|| io::Error::other("the unit has no ExecStart="))?;
        warn_of_the_rest(unit, commands.len());
        let non_blocking = unit.bool(rows::service::NON_BLOCKING);
        let mut fds = self.service_fds(trigger, non_blocking);
        let endpoints = self.endpoints(&trigger.service)?;
        fds.extend(endpoints.iter().map(|(name, fd)| (name.clone(), fd.as_raw_fd())));
        let plan = Plan {
            unit,
            command,
            directive: "ExecStart",
            beside_main: false,
            pass_fds: unit.word(rows::exec::STANDARD_INPUT) != "socket",
            full_privileges: false,
            facts: &Facts { start: trigger.environment.clone(), invocation: invocation.to_owned(), ..Facts::default() },
            mode: self.host.mode,
            output: Output::Own,
            fds: &fds,
            private_tmp: exec_job::private_tmp(unit, &self.host.boot_id, invocation),
            network: None,
            ipc: None,
            report: None,
            log: None,
            wait: None,
        };
        let (job, complaints) = exec_job::prepare(&plan).map_err(io::Error::other)?;
        for text in complaints {
            tracing::warn!("{}: {text}", unit.name);
        }
        Ok(spawn(&SpawnRequest { executor, job: &job, cgroup: None })?.pidfd)
    }

    /// The connection, or the sockets of every unit that triggers the service.
    fn service_fds(&self, trigger: &Trigger, non_blocking: bool) -> Vec<(String, RawFd)> {
        let connection = trigger.connection.and_then(|cookie| {
            self.units.values().find_map(|unit| unit.connections.get(&cookie)).map(AsRawFd::as_raw_fd)
        });
        if let Some(fd) = connection {
            return vec![("connection".to_owned(), fd)];
        }
        let mut fds = Vec::new();
        for unit in self.triggering(&trigger.service) {
            for fd in unit.ports.iter().filter_map(|port| port.fd.as_ref()) {
                // They are without when they come from us; a service before may have changed that.
                if !non_blocking && let Err(error) = sys::net::set_blocking(fd.as_fd()) {
                    tracing::warn!("{}: {error}", unit.name);
                }
                fds.push((unit.settings.descriptor_name.clone(), fd.as_raw_fd()));
            }
        }
        fds
    }

    /// What is opened for the service beside its sockets.
    fn endpoints(&self, service: &str) -> io::Result<Vec<(String, OwnedFd)>> {
        let mut all = Vec::new();
        for unit in self.triggering(service) {
            let name = &unit.settings.descriptor_name;
            for port in &unit.ports {
                all.extend(port.endpoints()?.into_iter().map(|fd| (name.clone(), fd)));
            }
        }
        Ok(all)
    }

    fn triggering(&self, service: &str) -> impl Iterator<Item = &SocketUnit> {
        let units = self.units.values().filter(move |unit| unit.settings.policy.service == service);
        units.filter(|unit| !unit.settings.accepts())
    }
}

/// What a unit sets and this mode ignores.
fn warn_of_the_rest(unit: &Unit, commands: usize) {
    for setting in unit.settings() {
        let row = row(setting.row);
        let other = !HONOURED.contains(&setting.row) && !matches!(row.section, "Install" | "exec");
        if other && unit.is_set(setting.row) {
            tracing::warn!("{}: {}= has no effect in this mode", unit.name, row.name);
        }
    }
    if commands > 1 {
        tracing::warn!("{}: only the first of {commands} ExecStart= commands is run in this mode", unit.name);
    }
}
