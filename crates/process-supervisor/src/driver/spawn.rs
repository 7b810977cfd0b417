//! Making processes.

use std::os::fd::{AsFd, AsRawFd, RawFd};

use daemon_runtime::paths::Mode;
use exec_job::{Facts, Output, Plan};
use sys::cgroup::Cgroup;
use sys::executor::Job;
use sys::pidfd::PidFd;
use sys::spawn::{SpawnRequest, spawn};
use unit_parser::Unit;
use unit_parser::rows::service as rows;

use super::Supervisor;
use super::overlap::group_of;
use super::service::Followed;
use super::watch::{self, Input};
use crate::core::action::{Level, SpawnOrder};
use crate::core::command::CommandKind;
use crate::core::definition::ServiceType;
use crate::core::event::Event;

impl Supervisor {
    /// Makes the process of an order; the answer for the machine.
    pub(super) fn spawn(&mut self, unit: &str, order: &SpawnOrder) -> Event {
        match self.try_spawn(unit, order) {
            Ok(pid) => Event::Spawned { pid },
            Err(error) => Event::SpawnFailed { error },
        }
    }

    fn try_spawn(&mut self, unit: &str, order: &SpawnOrder) -> Result<u32, String> {
        let mut complaints = Vec::new();
        let failed = |what: &str, error: &dyn std::fmt::Display| format!("{what}: {error}");
        let Some(service) = self.services.get_mut(unit) else { return Err("unknown unit".into()) };
        let facts = Facts {
            manager: service.start.manager_environment.clone(),
            start: service.start.environment.clone(),
            invocation: order.instance.as_ref().map_or(&service.invocation, |it| &it.invocation).clone(),
            told: told(
                &service.unit,
                order,
                service.listener.as_ref().map(|listener| listener.path.as_str()),
                service.machine.restarts(),
            ),
            manager_pid: match self.host.mode {
                Mode::System => None,
                Mode::User => Some(self.host.launcher.unwrap_or_else(std::process::id)),
            },
            credentials: exec_job::credentials_directory(&service.unit, self.host.mode)
                .map(|directory| directory.to_string_lossy().into_owned()),
        };
        let files = if order.pass_fds {
            exec_job::open_files(&service.unit).map_err(|error| error.to_string())?
        } else {
            Vec::new()
        };
        let fds: Vec<(String, RawFd)> = service
            .fds
            .iter()
            // The newest first, as in systemd.
            .chain(service.store.iter().rev().map(|(held, _)| held))
            .map(|held| (held.record.name.clone(), held.fd.as_raw_fd()))
            .chain(files.iter().map(|(name, fd)| (name.clone(), fd.as_raw_fd())))
            .collect();
        if service.unit.bool(rows::NON_BLOCKING) && order.pass_fds {
            for held in &service.fds {
                super::set_nonblocking(&held.fd).map_err(|error| failed("NonBlocking=", &error))?;
            }
        }
        let log = if self.host.own_output || exec_job::output::journal_is_there() {
            None
        } else {
            Some(
                exec_job::output::open(&self.host.log_dir, unit, self.host.log_limit)
                    .map_err(|error| failed("cannot open the log file", &error))?,
            )
        };
        let target = match &log {
            Some(file) => Output::File(file.as_raw_fd()),
            None if self.host.own_output => Output::Own,
            None => Output::Journal,
        };
        let report = if order.main && service.machine.definition().service_type == ServiceType::Exec {
            Some(nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).map_err(|error| failed("pipe", &error))?)
        } else {
            None
        };
        let idle = order.main && service.machine.definition().service_type == ServiceType::Idle && self.coordinated;
        if idle && self.idle.is_none() {
            self.idle = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).ok();
        }
        if service.exported != service.invocation {
            service.exported.clone_from(&service.invocation);
            complaints.extend(export(
                &service.unit,
                self.host.mode,
                &service.invocation,
                matches!(target, Output::Journal),
            ));
        }
        let plan = Plan {
            unit: &service.unit,
            command: service
                .unit
                .exec(order.kind.row())
                .get(order.index)
                .ok_or("the unit has no such command any more")?,
            directive: order.kind.property(),
            beside_main: beside_main(order.kind),
            pass_fds: order.pass_fds,
            full_privileges: service.unit.bool(rows::PERMISSIONS_START_ONLY) && !order.main,
            facts: &facts,
            mode: self.host.mode,
            output: target,
            fds: &fds,
            private_tmp: service.shared.tmp.as_ref().map(|places| places.tmp.clone()),
            network: service.shared.network.as_ref().map(|held| held.fd.as_raw_fd()),
            ipc: service.shared.ipc.as_ref().map(|held| held.fd.as_raw_fd()),
            report: report.as_ref().map(|(_, write)| write.as_raw_fd()),
            log: log.as_ref().map(AsRawFd::as_raw_fd),
            wait: self.idle.as_ref().filter(|_| idle).map(|(read, _)| read.as_raw_fd()),
        };
        let (job, more) = exec_job::prepare(&plan).map_err(|error| error.to_string())?;
        complaints.extend(more);
        service.ids = job.user.as_ref().and_then(|user| Some((user.uid?, user.gid?)));
        for text in complaints {
            self.log(unit, Level::Warning, text);
        }
        let pid = self.execute(unit, order, &job)?;
        if let Some((read, write)) = report {
            drop(write);
            let name = unit.to_owned();
            let task =
                watch::pipe(read, self.inputs.clone(), move |content| Input::Report { unit: name, pid, content });
            if let Some(service) = self.services.get_mut(unit) {
                service.report_task = Some(task);
            }
        }
        Ok(pid)
    }

    fn execute(&mut self, unit: &str, order: &SpawnOrder, job: &Job) -> Result<u32, String> {
        let Some(service) = self.services.get_mut(unit) else { return Err("unknown unit".into()) };
        let run = order.instance.as_ref().map_or(0, |instance| instance.run);
        let mut cgroup = service.cgroup.as_ref().map(|unit| group_of(unit, run));
        let mut weaker = Vec::new();
        if let Some(group) = &cgroup
            && let Err(error) = group.create()
        {
            // Weaker without, not broken: processes are found by descent and by their invocation.
            weaker.push(format!("No control group: {}: {error}", group.path().display()));
            cgroup = None;
        }
        // A second instance is in a group below the one that has the limits.
        if let Some(group) = cgroup.as_ref().filter(|_| run == 0) {
            weaker.extend(self.limit(unit, group));
        }
        if cgroup.is_none() && run == 0 {
            weaker.extend(self.unlimited(unit));
        }
        let Some(service) = self.services.get_mut(unit) else { return Err("unknown unit".into()) };
        if let Some(group) = &cgroup
            && let Some((uid, gid)) = service.ids
            && delegated(&service.unit)
            && let Err(error) = hand_over(group.path(), uid, gid)
        {
            weaker.push(format!("The control group can't be handed over: {}: {error}", group.path().display()));
        }
        let watched = cgroup.clone();
        if let Some(group) = cgroup.as_ref().filter(|_| controls(order.kind) && delegated(&service.unit)) {
            let below = group.child(CONTROL);
            match below.create() {
                Ok(()) => cgroup = Some(below),
                Err(error) => weaker.push(format!("No control group: {}: {error}", below.path().display())),
            }
        }
        // As in systemd whatever is to be done in a frozen unit ends that; that its slice is frozen doesn't end so.
        let whole = service.cgroup.as_ref().filter(|group| watched.as_ref().is_none_or(|it| it.path() != group.path()));
        for group in watched.iter().chain(whole) {
            thaw(group);
        }
        let request = SpawnRequest { executor: &self.host.executor, job, cgroup: cgroup.as_ref() };
        let spawned = spawn(&request).map_err(|error| format!("cannot make a process: {error}"));
        // Whoever ends from here on is looked for in the group when that is told, so the watch may begin now: that the group
        // has a process is no news, and the process doesn't wait for it.
        if let (Some(group), Some(watcher)) = (watched.as_ref().filter(|_| run == 0), &mut self.watcher)
            && let Err(error) = watcher.add(group)
        {
            weaker.push(format!("The control group can't be watched: {}: {error}", group.path().display()));
        }
        for text in weaker {
            self.log(unit, Level::Warning, text);
        }
        let spawned = spawned?;
        let pid = u32::try_from(spawned.pid).map_err(|error| error.to_string())?;
        self.keep(unit, pid, spawned.pidfd, false);
        Ok(pid)
    }

    /// Follows a process by its descriptor, which the runner gets a copy of.
    pub(super) fn keep(&mut self, unit: &str, pid: u32, pidfd: PidFd, foreign: bool) {
        let Some(service) = self.services.get_mut(unit) else { return };
        self.host.runner.store(&format!("p.{}.{pid}", service.key), &[pidfd.as_fd()], false);
        let identity = pidfd.identity().unwrap_or(0);
        let task = if foreign { watch_end(unit, pid, &pidfd, &self.inputs) } else { None };
        service.processes.insert(pid, Followed { pidfd, identity, task });
        self.by_pid.insert(pid, unit.to_owned());
    }

    /// Follows a process that the machine found by other means. Those that are not our children are waited for.
    pub(super) fn follow(&mut self, unit: &str, pid: u32) {
        if self.services.get(unit).is_none_or(|service| service.processes.contains_key(&pid)) {
            return;
        }
        let Ok(number) = i32::try_from(pid) else { return };
        match PidFd::open(number) {
            Ok(pidfd) => {
                // Our children, and those that will be when their parents die, are told of by SIGCHLD as well: whichever
                // comes first counts.
                self.keep(unit, pid, pidfd, true);
            }
            Err(error) => self.log(unit, Level::Warning, format!("Can't follow process {pid}: {error}")),
        }
    }
}

/// Tells journald of a run; what there is to complain about.
fn export(unit: &Unit, mode: Mode, invocation: &str, journal: bool) -> Vec<String> {
    if journal {
        let exported = exec_job::export_log_settings(unit, mode, invocation);
        return exported.err().map(|error| format!("Can't tell journald of the unit: {error}")).into_iter().collect();
    }
    let line = |directive| format!("{directive}= has no effect: journald does not take the output.");
    exec_job::log_settings(unit).into_iter().map(line).collect()
}

/// Lets the processes of a frozen group go on.
pub(super) fn thaw(group: &Cgroup) {
    if group.is_frozen()
        && let Err(error) = group.freeze(false)
    {
        tracing::warn!("cannot thaw {}: {error}", group.path().display());
    }
}

/// Reload and stop commands run beside a process that may own the terminal.
fn beside_main(kind: CommandKind) -> bool {
    match kind {
        CommandKind::Condition | CommandKind::StartPre | CommandKind::Start | CommandKind::StopPost => false,
        CommandKind::StartPost | CommandKind::Reload | CommandKind::Stop => true,
    }
}

/// The group of the commands beside the main process of a service that manages its control group: it may put its processes
/// into groups below, and give these controllers, only where none is left in its own (cgroups(7), "no internal processes").
const CONTROL: &str = ".control";

/// Whether such a command comes after the main process: those before it are gone when it starts.
fn controls(kind: CommandKind) -> bool {
    match kind {
        CommandKind::Condition | CommandKind::StartPre | CommandKind::Start => false,
        CommandKind::StartPost | CommandKind::Reload | CommandKind::Stop | CommandKind::StopPost => true,
    }
}

/// The variables that only a service has (systemd.exec(5), "Environment variables set or propagated by the service
/// manager").
fn told(unit: &Unit, order: &SpawnOrder, notify_socket: Option<&str>, restarts: u32) -> Vec<(String, String)> {
    let mut told = Vec::new();
    let mut tell = |name: &str, value: String| told.push((name.to_owned(), value));
    if let Some(socket) = notify_socket.filter(|_| order.notify_socket) {
        tell("NOTIFY_SOCKET", socket.to_owned());
    }
    if let Some(pid) = order.main_pid {
        tell("MAINPID", pid.to_string());
    }
    let starts = matches!(
        order.kind,
        CommandKind::Condition | CommandKind::StartPre | CommandKind::Start | CommandKind::StartPost
    );
    if restarts > 0 && starts && unit.word(rows::RESTART_MODE) == "debug" {
        tell("DEBUG_INVOCATION", "1".to_owned());
    }
    let pid_file = unit.str(rows::PID_FILE);
    if !pid_file.is_empty() {
        tell("PIDFILE", pid_file.to_owned());
    }
    if let Some((result, exit)) = &order.result {
        tell("SERVICE_RESULT", result.clone());
        if let Some((code, status)) = exit {
            tell("EXIT_CODE", code.clone());
            tell("EXIT_STATUS", status.clone());
        }
    }
    if let Some(usec) = order.watchdog {
        tell("WATCHDOG_USEC", usec.to_string());
    }
    told
}

/// `Delegate=`, in any form that is not "no".
fn delegated(unit: &Unit) -> bool {
    let row = unit_parser::rows::cgroup::DELEGATE;
    unit.setting(row).is_some()
        && (unit.bool(row) || unit.list(row).iter().all(|word| word != "no"))
        && unit.word(row) != "no"
}

/// The control group belongs to the service's user: it may make groups below, and move its processes.
fn hand_over(group: &std::path::Path, uid: u32, gid: u32) -> std::io::Result<()> {
    std::os::unix::fs::chown(group, Some(uid), Some(gid))?;
    for file in ["cgroup.procs", "cgroup.threads", "cgroup.subtree_control"] {
        match std::os::unix::fs::chown(group.join(file), Some(uid), Some(gid)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Tells when a process that we do not reap ends.
pub(super) fn watch_end(
    unit: &str,
    pid: u32,
    pidfd: &PidFd,
    inputs: &tokio::sync::mpsc::Sender<Input>,
) -> Option<watch::Task> {
    let fd = pidfd.try_clone().ok()?;
    let input = Input::Ended { unit: unit.to_owned(), pid };
    watch::once(std::os::fd::OwnedFd::from(fd), inputs.clone(), input)
        .inspect_err(|error| tracing::warn!(unit, pid, "cannot wait for the process: {error}"))
        .ok()
}
