//! Starting a process: a job that some system calls can do is done by the new process itself ([`Method::Direct`]), others by
//! the executor, which becomes the service.
//!
//! clone3(2) with CLONE_VM copies no page tables, CLONE_PIDFD and CLONE_INTO_CGROUP save the races and the milliseconds of
//! doing it afterwards. Kernels and sandboxes that refuse get the next weaker way, with the same result.

mod child;
mod clone3;
mod direct;

use crate::cgroup::Cgroup;
use crate::executor::Job;
use crate::memfd;
use crate::pidfd::PidFd;
use crate::signals;
use std::ffi::CString;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The executor program, opened once: spawning goes on while its file is being replaced by an upgrade.
#[derive(Debug)]
pub struct Executor {
    file: OwnedFd,
    path: PathBuf,
    /// Signals that we ignored when it was opened, and so will our children unless they are told not to.
    ignored: Vec<i32>,
    nursery: clone3::Nursery,
}

impl Executor {
    /// Name of the program's file.
    pub const NAME: &str = "process-executor";

    /// The one beside our own executable.
    pub fn beside_current_exe() -> io::Result<Self> {
        Self::open(&std::env::current_exe()?.with_file_name(Self::NAME))
    }

    /// Opens the program at a path.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_CLOEXEC).open(path)?;
        let (ignored, nursery) = (signals::ignored(), clone3::Nursery::default());
        Ok(Self { file: file.into(), path: path.to_owned(), ignored, nursery })
    }

    /// Where it was found.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// What to start, and where.
#[derive(Debug)]
pub struct SpawnRequest<'a> {
    /// The program that reads the job.
    pub executor: &'a Executor,
    /// What it shall do. Descriptors in it must stay open until `spawn` returns.
    pub job: &'a Job,
    /// An existing cgroup for the process to be born in.
    pub cgroup: Option<&'a Cgroup>,
}

/// How a process was started; for logs and measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Without the executor: clone3, the system calls of a plain job, execve. Born in its cgroup.
    Direct,
    /// Born in its cgroup (or none was asked for).
    Clone3,
    /// clone3, then moves itself into its cgroup.
    Clone3Attach,
    /// fork and exec, then moves itself into its cgroup.
    Fork,
}

/// A started process: our child.
#[derive(Debug)]
pub struct Spawned {
    /// Its descriptor.
    pub pidfd: PidFd,
    /// Its PID.
    pub pid: i32,
    /// How.
    pub method: Method,
}

/// Starts the executor with a job, in the best way that works here. Everything about the job itself is told by its exit
/// status and report pipe: an error here means that the executor could not be started at all.
///
/// Into a frozen control group nothing is started: its first step would never end, and we would wait for it.
pub fn spawn(request: &SpawnRequest<'_>) -> io::Result<Spawned> {
    if let Some(group) = request.cgroup.and_then(Cgroup::frozen_by) {
        let text = format!("the control group {} is frozen", group.display());
        return Err(io::Error::new(io::ErrorKind::ResourceBusy, text));
    }
    let methods: &[Method] = match request.cgroup {
        Some(_) => &[Method::Direct, Method::Clone3, Method::Clone3Attach],
        None => &[Method::Direct, Method::Clone3],
    };
    for method in methods {
        match spawn_by(*method, request) {
            Err(e) if refused(&e) => {}
            other => return other,
        }
    }
    spawn_by(Method::Fork, request)
}

/// As [`spawn`], in one way alone. EOPNOTSUPP from [`Method::Direct`]: the job needs the executor.
pub fn spawn_by(method: Method, request: &SpawnRequest<'_>) -> io::Result<Spawned> {
    let SpawnRequest { executor, job, cgroup } = *request;
    let attaching = || Job { attach_cgroup: cgroup.map(|c| c.path().to_owned()), ..job.clone() };
    let pidfd = match method {
        Method::Direct => {
            let prepared = direct::prepare(job, &executor.ignored);
            let direct = prepared.ok_or_else(|| io::Error::from_raw_os_error(libc::EOPNOTSUPP))?;
            let directory = cgroup.map(Cgroup::open).transpose()?;
            let pidfd = executor.nursery.start(direct.program, directory.as_ref().map(AsFd::as_fd))?;
            drop(direct.held);
            pidfd
        }
        Method::Clone3 => {
            let directory = cgroup.map(Cgroup::open).transpose()?;
            start_clone3(executor, job, directory.as_ref())?
        }
        Method::Clone3Attach => start_clone3(executor, &attaching(), None)?,
        Method::Fork => start_fork(executor, &attaching())?,
    };
    Ok(Spawned { pid: pidfd.pid(), pidfd, method })
}

/// Errors that mean "not this way": old kernels (ENOSYS, EINVAL, E2BIG), seccomp filters (ENOSYS, EPERM), cgroups that take
/// no processes at birth (EBUSY, EACCES, EOPNOTSUPP).
fn refused(error: &io::Error) -> bool {
    let code = error.raw_os_error().unwrap_or(0);
    [libc::ENOSYS, libc::EINVAL, libc::E2BIG, libc::EPERM, libc::EBUSY, libc::EACCES, libc::EOPNOTSUPP].contains(&code)
}

/// Serializes a job, and lists the descriptors that the child must find open.
fn prepare(job: &Job) -> io::Result<(OwnedFd, Vec<RawFd>)> {
    let memfd = memfd::sealed("job", &serde_json::to_vec(job)?)?;
    let mut inherit = job.inherited_fds();
    inherit.push(memfd.as_raw_fd());
    Ok((memfd, inherit))
}

fn start_clone3(executor: &Executor, job: &Job, cgroup: Option<&OwnedFd>) -> io::Result<PidFd> {
    let (memfd, inherit) = prepare(job)?;
    let argv = vec![CString::from(c"process-executor"), number(memfd.as_raw_fd())];
    let program = clone3::exec_program(executor.file.as_fd(), argv, &inherit);
    clone3::start_and_wait(program, cgroup.map(AsFd::as_fd))
}

fn number(fd: RawFd) -> CString {
    CString::new(fd.to_string()).unwrap_or_default() // digits hold no NUL
}

/// std's fork and exec, for where clone3 is refused.
fn start_fork(executor: &Executor, job: &Job) -> io::Result<PidFd> {
    use std::os::unix::process::CommandExt;
    let (memfd, inherit) = prepare(job)?;
    let mut command = std::process::Command::new(&executor.path);
    command.arg(memfd.as_raw_fd().to_string()).env_clear();
    // SAFETY: the closure runs in the forked child; it makes system calls on numbers only, no allocation and no locks.
    unsafe {
        command.pre_exec(move || {
            for fd in &inherit {
                if libc::fcntl(*fd, libc::F_SETFD, 0) < 0 {
                    return Err(io::Error::last_os_error());
                }
            }
            Ok(())
        });
    }
    let pid = command.spawn()?.id() as i32;
    drop(memfd);
    PidFd::open(pid)
}
