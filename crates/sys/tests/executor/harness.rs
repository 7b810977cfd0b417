//! Runs one job and compares what came of it.

use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use sys::ExitStatus;
use sys::executor::{ExecReport, Job, Stdio};
use sys::spawn::{Executor, Method, SpawnRequest, spawn_by};

/// A job, and what must come of it.
pub struct Case {
    pub name: &'static str,
    pub root: bool,
    /// Gets a directory of its own, and may keep descriptors open for the run.
    pub job: fn(&Place) -> Job,
    pub exit: ExitStatus,
    /// Exact standard output.
    pub out: &'static str,
    /// A piece of the log line (and of the report) of a failure.
    pub log: Option<&'static str>,
}

/// What a case may use.
pub struct Place {
    pub dir: std::path::PathBuf,
    pub fds: Vec<OwnedFd>,
}

/// What came of a job.
#[derive(Debug)]
pub struct Outcome {
    pub exit: ExitStatus,
    pub out: String,
    pub log: String,
    pub report: ExecReport,
}

pub fn executor() -> Executor {
    Executor::open(&std::env::current_exe().unwrap()).unwrap()
}

/// A job that runs a shell script.
pub fn shell(script: &str) -> Job {
    let env = vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
    Job {
        unit: "test.service".into(),
        path: "/bin/sh".into(),
        argv: vec!["sh".into(), "-c".into(), script.into()],
        env,
        ..Job::default()
    }
}

/// `None`: this job can't be done in this way, and says so.
pub fn check(case: &Case, method: Method) -> Option<Result<(), String>> {
    let dir = std::env::temp_dir().join(format!("sys-executor-{}", std::process::id()));
    if let Err(e) = std::fs::create_dir(&dir) {
        return Some(Err(e.to_string()));
    }
    let fds = ["first", "second", "third"].map(|text| sys::memfd::sealed("test", text.as_bytes()).unwrap()).into();
    let place = Place { dir, fds };
    let outcome = run((case.job)(&place), method);
    if let Err(e) = std::fs::remove_dir_all(&place.dir) {
        return Some(Err(e.to_string()));
    }
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(e) if method == Method::Direct && e.raw_os_error() == Some(libc::EOPNOTSUPP) => return None,
        Err(e) => return Some(Err(e.to_string())),
    };
    let started = case.log.is_none();
    let report_fits = match &outcome.report {
        ExecReport::Started => started,
        ExecReport::Failed(text) => case.log.is_some_and(|piece| text.contains(piece)),
        ExecReport::Vanished => false,
    };
    let fits = outcome.exit == case.exit
        && outcome.out == case.out
        && report_fits
        && outcome.log.contains(case.log.unwrap_or(""));
    Some(if fits {
        Ok(())
    } else {
        Err(format!("  got      {outcome:?}\n  expected {:?} {:?} {:?}", case.exit, case.out, case.log))
    })
}

pub fn run(mut job: Job, method: Method) -> std::io::Result<Outcome> {
    let [(out, out_end), (log, log_end), (report, report_end)] = [(); 3].map(|()| pipe2(OFlag::O_CLOEXEC).unwrap());
    if job.stdout == Stdio::Inherit {
        job.stdout = Stdio::Fd(out_end.as_raw_fd());
        job.stderr = Stdio::Same;
    }
    job.log_fd = Some(log_end.as_raw_fd());
    job.report_fd = Some(report_end.as_raw_fd());
    let child = spawn_by(method, &SpawnRequest { executor: &executor(), job: &job, cgroup: None })?;
    drop((out_end, log_end, report_end));
    let read = |fd: OwnedFd| {
        let mut bytes = Vec::new();
        File::from(fd).read_to_end(&mut bytes).unwrap();
        bytes
    };
    let report = ExecReport::parse(&read(report));
    let text = |fd| String::from_utf8_lossy(&read(fd)).into_owned();
    let (out, log) = (text(out), text(log));
    Ok(Outcome { exit: wait(&child.pidfd), out, log, report })
}

/// Waits for the end of a child.
pub fn wait(pidfd: &sys::pidfd::PidFd) -> ExitStatus {
    use std::os::fd::AsFd;
    let mut poll = [nix::poll::PollFd::new(pidfd.as_fd(), nix::poll::PollFlags::POLLIN)];
    nix::poll::poll(&mut poll, nix::poll::PollTimeout::NONE).unwrap();
    pidfd.exit_status().unwrap().unwrap()
}
