//! The program itself: where it is, its directory, its environment, execve.

use super::directories::Directory;
use super::report::At;
use super::{Failure, Job, Step};
use crate::pidfd::PidFd;
use std::convert::Infallible;
use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};

/// Where systemd looks for programs that are given by name.
const SEARCH_PATH: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Finds the program. A missing one is known here, before user and directory change.
pub(super) fn locate(job: &Job) -> Result<PathBuf, Failure> {
    let fail = |code| Err(io::Error::from_raw_os_error(code)).at(Step::Exec, &job.path);
    if job.path.contains('/') {
        let path = PathBuf::from(&job.path);
        std::fs::metadata(&path).at(Step::Exec, &job.path)?;
        return Ok(path);
    }
    let built_in = SEARCH_PATH.iter().copied();
    let given = job.search_path.iter().map(String::as_str);
    let directories: Vec<&str> = if job.search_path.is_empty() { built_in.collect() } else { given.collect() };
    for directory in directories {
        let path = Path::new(directory).join(&job.path);
        if path.is_file() && nix::unistd::access(&path, nix::unistd::AccessFlags::X_OK).is_ok() {
            return Ok(path);
        }
    }
    fail(libc::ENOENT)
}

/// WorkingDirectory=, as the user that the service runs as.
pub(super) fn enter_directory(job: &Job) -> Result<(), Failure> {
    std::env::set_current_dir("/").at(Step::Chdir, "/")?;
    let Some(wanted) = &job.working_directory else { return Ok(()) };
    let home = job.user.as_ref().and_then(|user| user.home.clone());
    let path = wanted.path.clone().or(home).unwrap_or_else(|| PathBuf::from("/"));
    match std::env::set_current_dir(&path) {
        Err(_) if wanted.missing_ok => Ok(()),
        result => result.at(Step::Chdir, path.display().to_string()),
    }
}

/// What only the process itself knows.
pub(crate) struct Own {
    /// Its PID.
    pub(crate) pid: String,
    /// The number of its pidfd, if those have numbers.
    pub(crate) id: Option<String>,
}

impl Own {
    /// Of this process, as far as the job tells of it.
    pub(super) fn read(job: &Job) -> Self {
        let id = if passes_fds(job) { own_id() } else { None };
        Self { pid: std::process::id().to_string(), id: id.map(|id| id.to_string()) }
    }
}

/// A PID is used again one day; this number isn't (sd_listen_fds(3)).
pub(crate) const PIDFD_ID_VARIABLE: &str = "LISTEN_PIDFDID";

/// Whether the program is told of descriptors.
pub(crate) fn passes_fds(job: &Job) -> bool {
    !job.fds.is_empty() && !job.hide_listen_fds
}

/// Whether the job sets a variable itself.
pub(crate) fn sets(job: &Job, variable: &str) -> bool {
    job.env.iter().any(|(name, _)| name == variable)
}

/// The variables that hold the process's own PID.
pub(crate) fn pid_variables(job: &Job) -> impl Iterator<Item = &'static str> {
    let watchdog = sets(job, "WATCHDOG_USEC");
    let wanted = [("LISTEN_PID", passes_fds(job)), ("WATCHDOG_PID", watchdog), ("SYSTEMD_EXEC_PID", true)];
    wanted.into_iter().filter(|(name, wanted)| *wanted && !sets(job, name)).map(|(name, _)| name)
}

/// The job's environment, and what its process alone can know if that is known yet. What the job sets itself stays, as in
/// systemd.
pub(crate) fn environment(
    job: &Job,
    directories: &[Directory],
    journal: Option<(u64, u64)>,
    own: Option<Own>,
) -> Vec<(String, String)> {
    let mut env: Vec<(String, String)> = Vec::with_capacity(job.env.len() + 8);
    for (name, value) in &job.env {
        set(&mut env, name, value.clone());
    }
    let mut add = |name: &str, value: String| {
        if !env.iter().any(|(n, _)| n == name) {
            env.push((name.to_owned(), value));
        }
    };
    if passes_fds(job) {
        let names: Vec<&str> = job.fds.iter().map(|passed| passed.name.as_str()).collect();
        add("LISTEN_FDS", job.fds.len().to_string());
        add("LISTEN_FDNAMES", names.join(":"));
    }
    if let Some(own) = own {
        for name in pid_variables(job) {
            add(name, own.pid.clone());
        }
        if let Some(id) = own.id {
            add(PIDFD_ID_VARIABLE, id);
        }
    }
    if let Some((device, inode)) = journal {
        add("JOURNAL_STREAM", format!("{device}:{inode}"));
    }
    for directory in directories {
        let value = match env_value(directories, directory.variable) {
            Some(value) => value,
            None => continue,
        };
        add(directory.variable, value);
    }
    env
}

fn own_id() -> Option<u64> {
    let own = i32::try_from(std::process::id()).ok()?;
    PidFd::open(own).ok()?.id()
}

/// All directories of one kind, joined by `:`.
fn env_value(directories: &[Directory], variable: &str) -> Option<String> {
    let same = directories.iter().filter(|d| d.variable == variable).map(|d| d.path.to_str());
    same.collect::<Option<Vec<_>>>().map(|paths| paths.join(":"))
}

/// Later assignments replace earlier ones.
fn set(env: &mut Vec<(String, String)>, name: &str, value: String) {
    match env.iter_mut().find(|(n, _)| n == name) {
        Some(entry) => entry.1 = value,
        None => env.push((name.to_owned(), value)),
    }
}

/// Becomes the program.
pub(super) fn exec(path: &Path, job: &Job, env: &mut Vec<(String, String)>) -> Result<Infallible, Failure> {
    use std::os::unix::ffi::OsStrExt;
    let c_string = |bytes: &[u8]| {
        CString::new(bytes).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL)).at(Step::Exec, &job.path)
    };
    let file = c_string(path.as_os_str().as_bytes())?;
    let mut argv = Vec::with_capacity(job.argv.len().max(1));
    for argument in &job.argv {
        argv.push(c_string(argument.as_bytes())?);
    }
    if argv.is_empty() {
        argv.push(file.clone());
    }
    let mut envp = Vec::with_capacity(env.len());
    for (name, value) in env.drain(..) {
        envp.push(c_string(format!("{name}={value}").as_bytes())?);
    }
    nix::unistd::execve(&file, &argv, &envp).at(Step::Exec, &job.path)
}

#[cfg(test)]
mod tests {
    use super::super::PassedFd;
    use super::*;

    #[test]
    fn environment_of_a_listener() {
        let fds = ["web", "db"].map(|name| PassedFd { fd: 9, name: name.into() }).to_vec();
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect()
        };
        let directories =
            ["/run/a", "/run/b"].map(|path| Directory { variable: "RUNTIME_DIRECTORY", path: path.into() });
        let job = Job { env: pairs(&[("A", "1"), ("A", "2"), ("LISTEN_FDNAMES", "mine")]), fds, ..Job::default() };
        let pid = std::process::id().to_string();
        let own = |id: Option<&str>| Some(Own { pid: pid.clone(), id: id.map(str::to_owned) });
        let expected = pairs(&[
            ("A", "2"),
            ("LISTEN_FDNAMES", "mine"),
            ("LISTEN_FDS", "2"),
            ("LISTEN_PID", &pid),
            ("SYSTEMD_EXEC_PID", &pid),
            ("LISTEN_PIDFDID", "77"),
            ("JOURNAL_STREAM", "8:1234"),
            ("RUNTIME_DIRECTORY", "/run/a:/run/b"),
        ]);
        assert_eq!(environment(&job, &directories, Some((8, 1234)), own(Some("77"))), expected);
        let hidden = Job { hide_listen_fds: true, env: vec![], ..job };
        assert_eq!(environment(&hidden, &[], None, own(None)), pairs(&[("SYSTEMD_EXEC_PID", &pid)]));
        assert_eq!(environment(&hidden, &[], None, None), []);
    }
}
