//! The order of the steps.

use super::report::{ABOUT_TO_EXEC, At};
use super::{Failure, Job, Step};
use super::{
    attributes, capabilities, credentials, descriptors, directories, identity, namespace, program, seccomp, stdio,
    users,
};
use crate::signals;
use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::process::ExitCode;

/// The whole program: reads the job from the descriptor named by the first argument and becomes it. Returns only when that
/// failed, with systemd's exit status for the step; single-threaded, and the owner of all its descriptors.
pub fn main() -> ExitCode {
    let job = match std::env::args().nth(1).and_then(|a| a.parse().ok()).map(read_job) {
        Some(Ok(job)) => job,
        Some(Err(error)) => {
            eprintln!("process-executor: cannot read the job: {error}");
            return ExitCode::from(Step::Exec.status() as u8);
        }
        None => {
            eprintln!(
                "process-executor: started by process-supervisor, with a job on a descriptor; not for calling by hand"
            );
            return ExitCode::from(2);
        }
    };
    let mut channels = Channels { log: job.log_fd, report: job.report_fd };
    if let Some((status, text)) = &job.refusal {
        channels.tell_line(&format!("{}{text}\n", complaint(&job)));
        return ExitCode::from(*status);
    }
    if let Some(fd) = job.wait_fd {
        wait_for_hangup(fd);
    }
    match become_service(&job, &mut channels) {
        Ok(never) => match never {},
        Err(failure) => {
            channels.tell(&job, &failure);
            ExitCode::from(failure.step.status() as u8)
        }
    }
}

/// systemd waits five seconds for the other jobs, and starts a Type=idle service then in any case.
fn wait_for_hangup(fd: RawFd) {
    use nix::poll::{PollFd, PollFlags, poll};
    // SAFETY: the spawner gave us this descriptor for this purpose, and names it nowhere else in the job.
    let pipe = unsafe { OwnedFd::from_raw_fd(fd) };
    let mut fds = [PollFd::new(std::os::fd::AsFd::as_fd(&pipe), PollFlags::POLLIN)];
    // An error is no reason not to start.
    let _ = poll(&mut fds, 5_000u16);
}

fn read_job(fd: RawFd) -> io::Result<Job> {
    if fd < 3 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: the spawner gave us this descriptor for this purpose; closed after reading, so that the service never sees it.
    let mut file = unsafe { File::from_raw_fd(fd) };
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    Ok(serde_json::from_slice(&content)?)
}

/// Where failures are told, under the numbers that the descriptors have at the moment.
pub(super) struct Channels {
    pub(super) log: Option<RawFd>,
    pub(super) report: Option<RawFd>,
}

impl Channels {
    /// Best effort: the exit status tells the step in any case.
    fn tell(&self, job: &Job, failure: &Failure) {
        self.tell_line(&format!("{}{failure}\n", complaint(job)));
    }

    fn tell_line(&self, line: &str) {
        write(self.log.unwrap_or(libc::STDERR_FILENO), line.as_bytes());
        if let Some(report) = self.report {
            write(report, line.as_bytes());
        }
    }
}

/// How the line of a failure begins.
pub(crate) fn complaint(job: &Job) -> String {
    format!("{}: cannot start {}: ", job.unit, job.path)
}

fn write(fd: RawFd, bytes: &[u8]) {
    // SAFETY: borrowed for one write; ManuallyDrop keeps it open.
    let mut file = std::mem::ManuallyDrop::new(unsafe { File::from_raw_fd(fd) });
    let _ = file.write_all(bytes);
}

fn become_service(job: &Job, channels: &mut Channels) -> Result<Infallible, Failure> {
    signals::reset_dispositions();
    if job.ignore_sigpipe {
        signals::ignore(libc::SIGPIPE);
    }
    signals::unblock_all().at(Step::SignalMask, "sigprocmask")?;
    if !job.keep_session {
        nix::unistd::setsid().at(Step::Setsid, "setsid")?;
    }
    // Files of StandardOutput= are made with it as well.
    attributes::umask(job);
    let journal = stdio::set_up(job)?;
    attributes::before_user(job)?;
    // RuntimeDirectory= & co. for the user that comes; made with exact modes, whatever the umask.
    nix::sys::stat::umask(nix::sys::stat::Mode::empty());
    let directories = directories::create(job)?;
    credentials::set_up(job)?;
    attributes::umask(job);
    let mut env = program::environment(job, &directories, journal, Some(program::Own::read(job)));

    namespace::enter(job)?;
    let spawner = (nix::unistd::getuid(), nix::unistd::getgid());
    identity::groups(job)?;
    users::enter(job, spawner)?;
    namespace::change_root(job)?;
    let path = program::locate(job)?;
    descriptors::arrange(job, channels)?;
    if !job.full_privileges {
        attributes::rlimits(job)?;
        capabilities::bound(job)?;
        capabilities::prepare(job)?;
        if !job.keep_credentials {
            identity::user(job)?;
        }
        capabilities::settle(job)?;
    }
    program::enter_directory(job)?;
    let filtered = !job.seccomp.is_empty() && !capabilities::is_admin().at(Step::Capabilities, "capget")?;
    if (job.no_new_privileges || filtered) && !job.full_privileges {
        nix::sys::prctl::set_no_new_privs().at(Step::NoNewPrivileges, "prctl")?;
    }

    if let Some(signal) = job.parent_death_signal.and_then(|n| nix::sys::signal::Signal::try_from(n).ok()) {
        // Last, because a change of user clears it.
        nix::sys::prctl::set_pdeathsig(signal).at(Step::SignalMask, "PR_SET_PDEATHSIG")?;
    }
    if let Some(report) = channels.report {
        write(report, &[ABOUT_TO_EXEC]);
    }
    if !job.full_privileges {
        seccomp::install(job)?;
    }
    program::exec(&path, job, &mut env)
}
