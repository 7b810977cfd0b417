//! Starting a daemon: the executor becomes it, with its descriptors and our environment.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;

use sys::executor::{Job, PassedFd, Stdio};
use sys::listen_fds::{NAMES_FILE, NAMES_LIMIT};
use sys::spawn::{Executor, SpawnRequest};

use super::exits::Exits;
use super::place::Place;
use super::sockets::Sockets;
use super::store::Stores;
use crate::core::Daemon;

/// Variables of our own start that a daemon must not take for its own.
const NOT_PASSED: [&str; 10] = [
    NAMES_FILE,
    "LISTEN_FDS",
    "LISTEN_PIDFDID",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "INVOCATION_ID",
    "SYSTEMD_EXEC_PID",
];

/// Spawns daemons from beside the launcher's own executable.
#[derive(Debug)]
pub struct Spawner {
    executor: Executor,
    directory: PathBuf,
}

impl Spawner {
    /// Finds the programs.
    pub fn new(_place: &Place) -> io::Result<Self> {
        let executor = Executor::beside_current_exe()?;
        let directory = executor.path().parent().map(PathBuf::from).unwrap_or_default();
        Ok(Self { executor, directory })
    }

    /// Starts a daemon; its PID.
    pub fn spawn(
        &self,
        daemon: Daemon,
        place: &Place,
        sockets: &Sockets,
        exits: &Exits,
        stores: &Stores,
    ) -> io::Result<i32> {
        let fixed = sockets.of(daemon).into_iter();
        let exits = match daemon {
            Daemon::ProcessSupervisor => Some(("exits", exits.receiver())),
            Daemon::DeviceWatcher | Daemon::SocketActivator | Daemon::UnitBroker => None,
        };
        let passed = fixed
            .chain(exits)
            .chain(stores.of(daemon))
            .map(|(name, fd)| PassedFd { fd: fd.as_raw_fd(), name: name.to_owned() });
        let mut fds: Vec<PassedFd> = passed.collect();
        let mut env = environment(daemon, place);
        let names_file = names_file(&mut fds, &mut env)?;
        let program = self.directory.join(daemon.name());
        if !program.exists() {
            // The executor's 203 would say the same, but without the path.
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("{}: no such program", program.display())));
        }
        let job = Job {
            unit: daemon.name().to_owned(),
            path: program.to_string_lossy().into_owned(),
            argv: vec![daemon.name().to_owned()],
            env,
            fds,
            stdin: Stdio::Null,
            stdout: Stdio::Inherit,
            stderr: Stdio::Inherit,
            // Without us nobody restarts it or keeps its descriptors, and the next launcher starts its own: it saves its
            // state and ends.
            parent_death_signal: sys::signals::number("TERM"),
            ..Job::default()
        };
        let spawned = sys::spawn::spawn(&SpawnRequest { executor: &self.executor, job: &job, cgroup: None })?;
        drop(names_file);
        Ok(spawned.pid)
    }
}

/// Names of more descriptors than a variable can tell go into a file that becomes the first descriptor: a daemon with
/// 20,000 stored sockets comes back too.
fn names_file(fds: &mut Vec<PassedFd>, env: &mut Vec<(String, String)>) -> io::Result<Option<OwnedFd>> {
    let names: Vec<&str> = fds.iter().map(|passed| passed.name.as_str()).collect();
    let names = names.join(":");
    if names.len() <= NAMES_LIMIT {
        return Ok(None);
    }
    let file = sys::memfd::sealed("fdnames", names.as_bytes())?;
    fds.insert(0, PassedFd { fd: file.as_raw_fd(), name: "fdnames".to_owned() });
    for (name, value) in [("LISTEN_FDNAMES", "fdnames"), (NAMES_FILE, "1")] {
        env.push((name.to_owned(), value.to_owned()));
    }
    Ok(Some(file))
}

fn environment(daemon: Daemon, place: &Place) -> Vec<(String, String)> {
    let mut env: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| !NOT_PASSED.contains(&name.as_str()))
        .collect();
    let mut set = |name: &str, value: String| {
        env.retain(|(have, _)| have != name);
        env.push((name.to_owned(), value));
    };
    let path = |path: PathBuf| path.to_string_lossy().into_owned();
    set("QUINTET_RUNTIME_DIR", path(place.runtime.path().to_owned()));
    set("QUINTET_MODE", place.mode.as_str().to_owned());
    set("QUINTET_DEFAULT_UNIT", place.unit.clone());
    set("NOTIFY_SOCKET", path(place.runtime.notify().join(daemon.name())));
    if let Some(root) = &place.cgroup_root {
        set("QUINTET_CGROUP_ROOT", path(root.clone()));
    }
    if let Some(level) = &place.log_level {
        set("QUINTET_LOG", level.clone());
    }
    env
}
