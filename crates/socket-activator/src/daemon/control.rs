//! Control commands: `ExecStartPre=` and the like, and the one that sets the owner of file nodes.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use sys::cgroup::Cgroup;
use sys::executor::{Job, Stdio, User};
use sys::pidfd::PidFd;
use sys::spawn::{SpawnRequest, spawn};
use unit_parser::{ExecCommand, Unit, rows};

use super::unit::{SocketUnit, TaskGuard};
use super::{Daemon, store, watch};
use crate::core::command::expand;
use crate::core::state::Phase;
use crate::settings::commands;
use crate::sockets::address;

/// The control process of a unit.
#[derive(Debug)]
pub struct ControlProcess {
    /// It.
    pub pidfd: PidFd,
    _watch: TaskGuard,
}

/// systemd's default of `$PATH`.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Daemon {
    /// Starts a command of a unit; its PID.
    pub(crate) fn spawn_control(&mut self, name: &str, phase: Phase, index: usize) -> io::Result<u32> {
        let unit = self.units.get(name).ok_or(io::ErrorKind::NotFound)?;
        let executor = self.executor.as_ref().ok_or_else(|| io::Error::other("process-executor is missing"))?;
        let job = match phase {
            Phase::StartChown => chown_job(unit)?,
            Phase::StartPre | Phase::StartPost | Phase::StopPre | Phase::StopPost => {
                let command = commands(&unit.unit, phase).get(index).ok_or(io::ErrorKind::NotFound)?;
                command_job(unit, command)?
            }
        };
        let cgroup = self.cgroup(unit);
        if let Some(cgroup) = &cgroup {
            cgroup.create()?;
        }
        let spawned = spawn(&SpawnRequest { executor, job: &job, cgroup: cgroup.as_ref() })?;
        // A copy outlives us: the exit status of a command must not be lost with this daemon.
        let stored = store::name(name, &store::Stored::Control);
        self.runner.store(&stored, &[std::os::fd::AsFd::as_fd(&spawned.pidfd)], false);
        self.watch_control(name, spawned.pidfd);
        Ok(u32::try_from(spawned.pid).unwrap_or(0))
    }

    /// Watches a control process, new or found after a restart.
    pub(crate) fn watch_control(&mut self, name: &str, pidfd: PidFd) {
        let inputs = self.inputs.clone();
        let Some(unit) = self.units.get_mut(name) else { return };
        let Ok(copy) = pidfd.try_clone() else { return };
        let watch = watch::process(unit.name.clone(), copy, inputs);
        unit.control = Some(ControlProcess { pidfd, _watch: watch });
    }

    /// Sends a signal to the control process and whatever it started.
    pub(crate) fn kill_control(&mut self, name: &str, signal: i32) {
        let Some(unit) = self.units.get(name) else { return };
        if let Some(control) = &unit.control {
            let _ = control.pidfd.send_signal(signal);
        }
        if let Some(cgroup) = self.cgroup(unit) {
            let _ = cgroup.signal(signal, &[]);
        }
    }

    /// Kills what commands left behind and removes the cgroup, once the unit is down.
    pub(crate) fn clean_up(&mut self, name: &str) {
        let Some(unit) = self.units.get(name) else { return };
        if let Some(cgroup) = self.cgroup(unit).filter(Cgroup::exists) {
            if cgroup.populated().unwrap_or(false) {
                tracing::warn!("{name}: processes are left over, killing them");
                let _ = cgroup.kill();
            }
            let _ = cgroup.remove();
        }
    }

    /// The control group of a unit's commands, if there are any groups.
    pub(crate) fn cgroup(&self, unit: &SocketUnit) -> Option<Cgroup> {
        let root = self.cgroups.as_ref()?;
        let slice =
            unit.unit.units(rows::cgroup::SLICE).first().map_or_else(|| default_slice(unit), ToString::to_string);
        Some(root.cgroup(&format!("{}{}", slice_path(&slice), unit.name)))
    }
}

fn default_slice(unit: &SocketUnit) -> String {
    let base = if unit.unit.user_manager { "app" } else { "system" };
    match unit.unit.name.instance() {
        Some(_) => format!("{base}-{}.slice", unit.unit.name.prefix()),
        None => format!("{base}.slice"),
    }
}

/// `a-b.slice` lies in `a.slice` (systemd.slice(5)).
fn slice_path(slice: &str) -> String {
    let name = slice.strip_suffix(".slice").unwrap_or(slice);
    if name == "-" {
        return String::new();
    }
    let mut path = String::new();
    for (end, _) in name.match_indices('-').chain([(name.len(), "")]) {
        if let Some(part) = name.get(..end) {
            path.push_str(part);
            path.push_str(".slice/");
        }
    }
    path
}

/// What all jobs have in common.
fn job(unit: &SocketUnit, path: &str, argv: Vec<String>, env: Vec<(String, String)>) -> Job {
    Job {
        unit: unit.name.to_string(),
        path: path.to_owned(),
        argv,
        env,
        stdin: Stdio::Null,
        ignore_sigpipe: true,
        ..Job::default()
    }
}

fn command_job(unit: &SocketUnit, command: &ExecCommand) -> io::Result<Job> {
    let env = environment(&unit.unit, &unit.environment, &unit.invocation_id);
    let mut job = job(unit, &command.path, arguments(command, &env), env);
    job.user = user_of(&unit.unit)?;
    job.full_privileges = command.privileged;
    job.keep_credentials = command.no_setuid;
    Ok(job)
}

/// `$PATH`, the manager's variables, those of `Environment=`, and the invocation id.
pub(crate) fn environment(unit: &Unit, manager: &[String], invocation_id: &[u8]) -> Vec<(String, String)> {
    let mut env = vec![("PATH".to_owned(), PATH.to_owned())];
    let pairs = manager.iter().filter_map(|text| text.split_once('='));
    env.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
    env.extend(unit.environment(rows::exec::ENVIRONMENT).iter().cloned());
    if !invocation_id.is_empty() {
        let id = invocation_id.iter().map(|byte| format!("{byte:02x}")).collect();
        env.push(("INVOCATION_ID".to_owned(), id));
    }
    env
}

/// The arguments of a command, its variables replaced.
pub(crate) fn arguments(command: &ExecCommand, env: &[(String, String)]) -> Vec<String> {
    let lookup = |name: &str| env.iter().rev().find(|(have, _)| have == name).map(|(_, value)| value.clone());
    if command.no_env { command.argv.clone() } else { expand(&command.argv, &lookup) }
}

/// `User=`, looked up.
pub(crate) fn user_of(unit: &Unit) -> io::Result<Option<User>> {
    match unit.str(rows::exec::USER) {
        "" => Ok(None),
        name => user(name).map(Some),
    }
}

/// Looked up in a child by our own hidden verb: a name service may itself hang on a socket that we hold.
fn chown_job(unit: &SocketUnit) -> io::Result<Job> {
    let exe = std::env::current_exe()?;
    let paths = unit.ports.iter().filter_map(|port| address::node(&port.address));
    let settings = &unit.settings;
    let argv: Vec<OsString> = ["socket-activator", "chown", "--", &settings.user, &settings.group]
        .into_iter()
        .map(OsString::from)
        .chain(paths.map(|path| PathBuf::from(path).into_os_string()))
        .collect();
    let argv = argv.into_iter().map(|word| word.to_string_lossy().into_owned()).collect();
    Ok(job(unit, &exe.to_string_lossy(), argv, Vec::new()))
}

fn user(name: &str) -> io::Result<User> {
    let found = match name.parse::<u32>() {
        Ok(uid) => nix::unistd::User::from_uid(uid.into())?,
        Err(_) => nix::unistd::User::from_name(name)?,
    };
    let found = found.ok_or_else(|| io::Error::other(format!("user {name} is unknown")))?;
    Ok(User {
        uid: Some(found.uid.as_raw()),
        gid: Some(found.gid.as_raw()),
        groups: vec![found.gid.as_raw()],
        home: Some(found.dir),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_nest() {
        assert_eq!(slice_path("system.slice"), "system.slice/");
        assert_eq!(slice_path("system-foo.slice"), "system.slice/system-foo.slice/");
        assert_eq!(slice_path("-.slice"), "");
    }
}
