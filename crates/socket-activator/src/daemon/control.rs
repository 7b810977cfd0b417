//! Control commands: `ExecStartPre=` and the like, and the one that sets the owner of file nodes.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::path::PathBuf;

use exec_job::core::cgroup_path;
use exec_job::{Facts, Output, Plan};
use sys::cgroup::Cgroup;
use sys::executor::{Job, Stdio};
use sys::namespace::Kind;
use sys::pidfd::PidFd;
use sys::spawn::{SpawnRequest, spawn};
use unit_parser::{ExecCommand, rows};

use super::host::Log;
use super::run::now;
use super::unit::{SocketUnit, TaskGuard};
use super::{Daemon, store, watch};
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

impl Daemon {
    /// Starts a command of a unit; its PID.
    pub(crate) fn spawn_control(&mut self, name: &str, phase: Phase, index: usize) -> io::Result<u32> {
        for kind in [Kind::Network, Kind::Ipc] {
            // Where that fails, the executor tries again, and its process tells why.
            if let Err(error) = self.need_namespace(name, kind) {
                tracing::debug!("{name}: no {kind:?} namespace: {error}");
            }
        }
        let unit = self.units.get(name).ok_or(io::ErrorKind::NotFound)?;
        let executor = self.executor.as_ref().ok_or_else(|| io::Error::other("process-executor is missing"))?;
        // The log file must stay open until the process is there.
        let log = self.host.log(name)?;
        let job = match phase.directive() {
            None => chown_job(unit, log.output())?,
            Some(directive) => {
                let command = commands(&unit.unit, phase).get(index).ok_or(io::ErrorKind::NotFound)?;
                self.command_job(unit, (directive, command), &log)?
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
        let pid = u32::try_from(spawned.pid).unwrap_or(0);
        if let Some(unit) = self.units.get_mut(name) {
            unit.runs.began(phase, index, pid, now());
        }
        Ok(pid)
    }

    /// As for services: everything of systemd.exec(5) holds for these commands too.
    fn command_job(&self, unit: &SocketUnit, (directive, command): (&str, &ExecCommand), log: &Log) -> io::Result<Job> {
        let fds: Vec<(String, RawFd)> = unit
            .ports
            .iter()
            .filter_map(|port| Some((unit.settings.descriptor_name.clone(), port.fd.as_ref()?.as_raw_fd())))
            .collect();
        let invocation = hexadecimal(&unit.invocation_id);
        let plan = Plan {
            unit: &unit.unit,
            command,
            directive,
            beside_main: false,
            pass_fds: unit.settings.pass_to_commands,
            full_privileges: false,
            facts: &Facts {
                manager: unit.environment.clone(),
                manager_pid: self.host.manager_pid(),
                invocation: invocation.clone(),
                ..Facts::default()
            },
            mode: self.host.mode,
            output: log.output(),
            fds: if unit.settings.pass_to_commands { &fds } else { &[] },
            private_tmp: exec_job::private_tmp(&unit.unit, &self.host.boot_id, &invocation),
            network: unit.namespaces.network.as_ref().map(|held| held.fd.as_raw_fd()),
            ipc: unit.namespaces.ipc.as_ref().map(|held| held.fd.as_raw_fd()),
            report: None,
            log: log.descriptor(),
            wait: None,
        };
        let (job, complaints) = exec_job::prepare(&plan).map_err(io::Error::other)?;
        for text in complaints {
            tracing::warn!("{}: {text}", unit.name);
        }
        Ok(job)
    }

    /// Watches a control process, new or found after a restart.
    pub(crate) fn watch_control(&mut self, name: &str, pidfd: PidFd) {
        let inputs = self.inputs.clone();
        let Some(unit) = self.units.get_mut(name) else { return };
        let Ok(copy) = pidfd.try_clone() else { return };
        let watch = watch::process(unit.name.clone(), copy, inputs);
        unit.control = Some(ControlProcess { pidfd, _watch: watch });
    }

    /// Ends the control process, and whatever it started if `KillMode=` says so.
    pub(crate) fn kill_control(&mut self, name: &str, signal: i32, last: bool) {
        let Some(unit) = self.units.get(name) else { return };
        let all = match unit.unit.word(rows::kill::KILL_MODE) {
            "none" => return,
            "process" => false,
            "mixed" => last,
            _ => true,
        };
        let mut signals = vec![signal];
        if !last && unit.unit.bool(rows::kill::SEND_SIGHUP) {
            signals.push(libc::SIGHUP);
        }
        if signal != libc::SIGKILL {
            // Stopped processes hear signals only then.
            signals.push(libc::SIGCONT);
        }
        for signal in signals {
            self.signal(name, signal, all);
        }
    }

    /// Sends a signal to the control process, and to all others of the unit or to none.
    pub(crate) fn signal(&self, name: &str, signal: i32, all: bool) {
        let Some(unit) = self.units.get(name) else { return };
        if let Some(control) = &unit.control {
            let _ = control.pidfd.send_signal(signal);
        }
        let control = unit.control.as_ref().map(|control| control.pidfd.pid());
        if let Some(group) = self.cgroup(unit).filter(|_| all) {
            let _ = group.signal(signal, control.as_slice());
        }
    }

    /// Kills what commands left behind and removes the cgroup, once the unit is down.
    pub(crate) fn clean_up(&mut self, name: &str) {
        let Some(unit) = self.units.get(name) else { return };
        if let Some(cgroup) = self.cgroup(unit).filter(Cgroup::exists) {
            let kept = matches!(unit.unit.word(rows::kill::KILL_MODE), "process" | "none");
            if !kept && cgroup.populated().unwrap_or(false) {
                tracing::warn!("{name}: processes are left over, killing them");
                let _ = cgroup.kill();
            }
            let _ = cgroup.remove();
        }
        self.release_namespaces(name);
        let Some(unit) = self.units.get(name) else { return };
        let mut directories = exec_job::runtime_directories(&unit.unit, self.host.mode, false);
        let invocation = hexadecimal(&unit.invocation_id);
        if let Some(places) = exec_job::private_tmp(&unit.unit, &self.host.boot_id, &invocation) {
            directories.extend([places.tmp, places.var_tmp]);
        }
        exec_job::remove_runtime(&directories);
        exec_job::release_dynamic_user(&unit.unit);
    }

    /// The control group of a unit's commands, if there are any groups.
    pub(crate) fn cgroup(&self, unit: &SocketUnit) -> Option<Cgroup> {
        let root = self.cgroups.as_ref()?;
        let slice = unit.unit.units(rows::cgroup::SLICE).first().map_or("", |slice| slice.as_str());
        let parent = if unit.unit.user_manager { "app.slice" } else { "system.slice" };
        Some(root.cgroup(&cgroup_path::of_unit(&unit.unit.name, slice, parent)))
    }
}

/// Looked up in a child by our own hidden verb: a name service may itself hang on a socket that we hold.
fn chown_job(unit: &SocketUnit, output: Output) -> io::Result<Job> {
    let exe = std::env::current_exe()?;
    let paths = unit.ports.iter().filter_map(|port| address::node(&port.address));
    let settings = &unit.settings;
    let argv: Vec<OsString> = ["socket-activator", "chown", "--", &settings.user, &settings.group]
        .into_iter()
        .map(OsString::from)
        .chain(paths.map(|path| PathBuf::from(path).into_os_string()))
        .collect();
    let argv = argv.into_iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let stderr = match output {
        Output::File(fd) => Stdio::Fd(fd),
        Output::Journal | Output::Own => Stdio::Inherit,
    };
    Ok(Job {
        unit: unit.name.to_string(),
        path: exe.to_string_lossy().into_owned(),
        argv,
        stdin: Stdio::Null,
        stdout: Stdio::Null,
        stderr,
        ignore_sigpipe: true,
        ..Job::default()
    })
}

/// As `$INVOCATION_ID` has it.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
