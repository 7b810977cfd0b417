//! The short way: a job that a list of system calls can do needs no executor.
//!
//! The child does what [`crate::executor`] would do, in the same order, with the same exit statuses and the same words, but
//! reads the job from a list in its parent's memory. What must not be done there goes through the executor: a change of user
//! (others of that user could reach into the memory), OOMScoreAdjust= and CoredumpFilter= (the kernel would set them for everyone in that memory),
//! and all that needs more than system calls on numbers. What may block (the file systems of the program and of its directory)
//! is left to the child, for which nobody waits.

use super::child::{DIGITS, Forgive, Step as ChildStep};
use super::clone3::Program;
use crate::executor::attributes::{IOPRIO_WHO_PROCESS, UMASK, io_priority, resource};
use crate::executor::descriptors::{FIRST, Move, plan};
use crate::executor::identity;
use crate::executor::program::{PIDFD_ID_VARIABLE, environment, passes_fds, pid_variables, sets};
use crate::executor::report::ABOUT_TO_EXEC;
use crate::executor::run::complaint;
use crate::executor::{Job, Rlimit, Stdio, Step, User};
use std::ffi::CString;
use std::fs::OpenOptions;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;

/// As [`super::Executor::NAME`].
const EXECUTOR_NAME: &std::ffi::CStr = c"process-executor";

/// Standard input, output and error.
const STANDARD: [(RawFd, Step, i32); 3] =
    [(0, Step::Stdin, libc::O_RDONLY), (1, Step::Stdout, libc::O_WRONLY), (2, Step::Stderr, libc::O_WRONLY)];

/// A job as a list.
pub(super) struct Direct {
    /// The list.
    pub(super) program: Program,
    /// Descriptors that must stay open until the process is there, which has copies.
    pub(super) held: Vec<OwnedFd>,
}

/// The job as a list of system calls, unless it needs the executor. `ignored`: the signals that we ignore ourselves.
pub(super) fn prepare(job: &Job, ignored: &[i32]) -> Option<Direct> {
    if !is_simple(job) {
        return None;
    }
    let end = FIRST + RawFd::try_from(job.fds.len()).ok()?;
    let mut held = Vec::new();
    let mut away = |fd: Option<RawFd>| match fd {
        Some(fd) if fd < end => {
            let copy = above(fd, end)?;
            let number = copy.as_raw_fd();
            held.push(copy);
            Some(number)
        }
        other => Some(other.unwrap_or(-1)),
    };
    let (log, report) = (away(job.log_fd)?, away(job.report_fd)?);
    let tell = [if log < 0 { libc::STDERR_FILENO } else { log }, report];
    let mut list = List { program: Program::new(tell), prefix: complaint(job) };
    // Who looks for what an unfinished start has made finds the same name in either way.
    let name = list.program.string(CString::from(EXECUTOR_NAME));
    list.call(libc::SYS_prctl, &[libc::PR_SET_NAME as u64, name]);
    let envp = list.environment(job)?;
    list.signals(job, ignored);
    if !job.keep_session {
        list.step(libc::SYS_setsid, &[], Step::Setsid, "setsid");
    }
    list.standard(job, &mut held)?;
    list.attributes(job)?;
    list.call(libc::SYS_umask, &[u64::from(job.umask.unwrap_or(UMASK))]);
    let path = list.program.string(CString::new(job.path.as_str()).ok()?);
    list.locate(job, path);
    list.descriptors(job, end)?;
    if !job.full_privileges {
        for limit in &job.rlimits {
            list.limit(limit)?;
        }
    }
    list.directory(job)?;
    if job.no_new_privileges && !job.full_privileges {
        list.step(libc::SYS_prctl, &[libc::PR_SET_NO_NEW_PRIVS as u64, 1, 0, 0, 0], Step::NoNewPrivileges, "prctl");
    }
    if let Some(signal) = job.parent_death_signal {
        let arguments = [libc::PR_SET_PDEATHSIG as u64, signal as u64];
        list.step(libc::SYS_prctl, &arguments, Step::SignalMask, "PR_SET_PDEATHSIG");
    }
    if report >= 0 {
        let byte = list.program.array(vec![u64::from_ne_bytes([ABOUT_TO_EXEC; 8])]);
        list.call(libc::SYS_write, &[report as u64, byte, 1]);
    }
    list.exec(job, path, envp)?;
    Some(Direct { program: list.program, held })
}

/// Whether nothing in it needs the executor.
fn is_simple(job: &Job) -> bool {
    let plain = |stdio: &Stdio| match stdio {
        Stdio::Inherit | Stdio::Null | Stdio::Same | Stdio::Fd(_) => true,
        Stdio::File { .. } | Stdio::Tty | Stdio::Journal(_) | Stdio::Data(_) => false,
    };
    // Where the identity stays, the groups may change all the same.
    let keeps_ours = job.full_privileges || job.keep_credentials;
    let same_user = job.user.as_ref().is_none_or(|user| {
        let groups = User { groups: user.groups.clone(), ..User::default() };
        identity::is_own(if keeps_ours { &groups } else { user })
    });
    same_user
        && [&job.stdin, &job.stdout, &job.stderr].into_iter().all(plain)
        && job.path.contains('/')
        && job.refusal.is_none()
        && job.wait_fd.is_none()
        && job.attach_cgroup.is_none()
        && job.tty.is_none()
        && job.root_directory.is_none()
        && job.oom_score_adjust.is_none()
        && job.coredump_filter.is_none()
        && job.capability_bounding_set.is_none()
        && job.ambient_capabilities == 0
        && job.secure_bits == 0
        && job.seccomp.is_empty()
        && job.directories.is_empty()
        && job.credentials.is_none()
        && job.namespace.is_none()
        && job.network.is_none()
        && job.numa.is_none()
        && job.ipc.is_none()
        && !job.protect_hostname
        && job.private_users.is_none()
        && marks_close_on_exec()
}

/// Whether close_range(2) does that here (Linux 5.11).
fn marks_close_on_exec() -> bool {
    use std::sync::OnceLock;
    static KNOWN: OnceLock<bool> = OnceLock::new();
    *KNOWN.get_or_init(|| {
        // SAFETY: no descriptor has that number.
        unsafe { libc::syscall(libc::SYS_close_range, u32::MAX, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) == 0 }
    })
}

/// A CLOEXEC copy at `floor` or above.
fn above(fd: RawFd, floor: RawFd) -> Option<OwnedFd> {
    // SAFETY: makes a new descriptor that nobody else owns, or fails.
    unsafe {
        let copy = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, floor);
        (copy >= 0).then(|| OwnedFd::from_raw_fd(copy))
    }
}

struct List {
    program: Program,
    /// How complaints begin.
    prefix: String,
}

impl List {
    /// A call that is a step of the set-up, about `what`.
    fn step(&mut self, number: i64, arguments: &[u64], step: Step, what: &str) {
        self.step_or(number, arguments, step, what, Forgive::Nothing);
    }

    fn step_or(&mut self, number: i64, arguments: &[u64], step: Step, what: &str, forgive: Forgive) {
        let complaint = format!("{}{step}: {what}: ", self.prefix);
        self.program.call_or(number, arguments, step.status() as u8, &complaint, forgive);
    }

    /// A call that can't fail, or whose failure means nothing.
    fn call(&mut self, number: i64, arguments: &[u64]) {
        self.program.call_or(number, arguments, 0, "", Forgive::Anything);
    }

    /// The environment block, with places for what only the process knows.
    fn environment(&mut self, job: &Job) -> Option<u64> {
        let mut entries = Vec::with_capacity(job.env.len() + 6);
        for (name, value) in environment(job, &[], None, None) {
            entries.push(self.program.string(CString::new(format!("{name}={value}")).ok()?));
        }
        let place = |program: &mut Program, name: &str| {
            let mut entry = format!("{name}=").into_bytes();
            let start = entry.len();
            entry.resize(start + DIGITS, b' ');
            let entry = program.buffer(entry);
            (entry, entry as usize + start)
        };
        for name in pid_variables(job) {
            let (entry, digits) = place(&mut self.program, name);
            entries.push(entry);
            self.program.push(ChildStep::OwnPid(digits as *mut u8));
        }
        let id = passes_fds(job) && !sets(job, PIDFD_ID_VARIABLE);
        let digits = if id {
            let (entry, digits) = place(&mut self.program, PIDFD_ID_VARIABLE);
            entries.push(entry);
            Some(digits)
        } else {
            None
        };
        let last = entries.len().wrapping_sub(1);
        let envp = self.program.list(entries);
        if let Some(digits) = digits {
            let entry = envp as usize + last * size_of::<u64>();
            self.program.push(ChildStep::OwnPidFdId(digits as *mut u8, entry as *mut _));
        }
        Some(envp)
    }

    /// Dispositions (the handlers went with clone3), and the mask.
    fn signals(&mut self, job: &Job, ignored: &[i32]) {
        // `struct sigaction` of the kernel: handler, flags, restorer, mask.
        let wanted = |signal: i32| job.ignore_sigpipe && signal == libc::SIGPIPE;
        for signal in ignored.iter().copied().filter(|signal| !wanted(*signal)) {
            let default = self.program.array(vec![0; 4]);
            self.call(libc::SYS_rt_sigaction, &[signal as u64, default, 0, 8]);
        }
        if job.ignore_sigpipe && !ignored.contains(&libc::SIGPIPE) {
            let ignore = self.program.array(vec![libc::SIG_IGN as u64, 0, 0, 0]);
            self.call(libc::SYS_rt_sigaction, &[libc::SIGPIPE as u64, ignore, 0, 8]);
        }
        let none = self.program.array(vec![0]);
        let arguments = [libc::SIG_SETMASK as u64, none, 0, 8];
        self.step(libc::SYS_rt_sigprocmask, &arguments, Step::SignalMask, "sigprocmask");
    }

    fn standard(&mut self, job: &Job, held: &mut Vec<OwnedFd>) -> Option<()> {
        let mut sources: Vec<RawFd> = Vec::with_capacity(STANDARD.len());
        for ((number, _, access), stdio) in STANDARD.into_iter().zip([&job.stdin, &job.stdout, &job.stderr]) {
            let source = match (stdio, sources.last()) {
                (Stdio::Fd(fd), _) => *fd,
                (Stdio::Same, Some(before)) => *before,
                (Stdio::Inherit, _) if is_open(number) => number,
                _ => {
                    let read = access == libc::O_RDONLY;
                    let mut options = OpenOptions::new();
                    options.read(read).write(!read).custom_flags(libc::O_NOCTTY);
                    let null = OwnedFd::from(options.open("/dev/null").ok()?);
                    let number = null.as_raw_fd();
                    held.push(null);
                    number
                }
            };
            sources.push(source);
        }
        self.arrange(0, &sources, |target| {
            let (_, step, _) = STANDARD.into_iter().find(|(number, ..)| *number == target)?;
            Some((step, "dup2".to_owned()))
        })
    }

    fn descriptors(&mut self, job: &Job, end: RawFd) -> Option<()> {
        let sources: Vec<RawFd> = job.fds.iter().map(|passed| passed.fd).collect();
        if sources.iter().any(|fd| *fd < FIRST) {
            return None; // overwritten by the standard ones
        }
        self.arrange(FIRST, &sources, |target| {
            let passed = job.fds.get(usize::try_from(target - FIRST).ok()?)?;
            Some((Step::Fds, passed.name.clone()))
        })?;
        let rest = [end as u64, u64::from(u32::MAX), u64::from(libc::CLOSE_RANGE_CLOEXEC)];
        self.step(libc::SYS_close_range, &rest, Step::Fds, "close_range");
        Some(())
    }

    /// Puts `sources` at `first`, the next, ...; circles are for the executor.
    fn arrange(&mut self, first: RawFd, sources: &[RawFd], of: impl Fn(RawFd) -> Option<(Step, String)>) -> Option<()> {
        for step in plan(first, sources) {
            let (number, arguments, target) = match step {
                Move::Keep(target) => (libc::SYS_fcntl, [target as u64, libc::F_SETFD as u64, 0], target),
                Move::Copy(source, target) => (libc::SYS_dup3, [source as u64, target as u64, 0], target),
                Move::Park(_) | Move::Unpark(_) => return None,
            };
            let (step, what) = of(target)?;
            self.step(number, &arguments, step, &what);
        }
        Some(())
    }

    fn attributes(&mut self, job: &Job) -> Option<()> {
        if let Some(nice) = job.nice {
            let arguments = [libc::PRIO_PROCESS as u64, 0, nice as u64];
            self.step(libc::SYS_setpriority, &arguments, Step::Nice, &nice.to_string());
        }
        if let Some(scheduling) = &job.cpu_scheduling {
            let flag = if scheduling.reset_on_fork { libc::SCHED_RESET_ON_FORK } else { 0 };
            let parameters = self.program.array(vec![u64::from(scheduling.priority as u32)]);
            let arguments = [0, (scheduling.policy | flag) as u64, parameters];
            let what = format!("{scheduling:?}");
            self.step(libc::SYS_sched_setscheduler, &arguments, Step::SetScheduler, &what);
        }
        if !job.cpu_affinity.is_empty() {
            let bits = u64::BITS as usize;
            // As many as a cpu_set_t has.
            let mut mask = vec![0_u64; 1024 / bits];
            for cpu in &job.cpu_affinity {
                *mask.get_mut(cpu / bits)? |= 1 << (cpu % bits);
            }
            let size = (mask.len() * size_of::<u64>()) as u64;
            let mask = self.program.array(mask);
            let what = format!("{:?}", job.cpu_affinity);
            self.step(libc::SYS_sched_setaffinity, &[0, size, mask], Step::CpuAffinity, &what);
        }
        if let Some(scheduling) = &job.io_scheduling {
            let arguments = [IOPRIO_WHO_PROCESS as u64, 0, io_priority(scheduling) as u64];
            self.step(libc::SYS_ioprio_set, &arguments, Step::IoPriority, &format!("{scheduling:?}"));
        }
        if let Some(slack) = job.timer_slack {
            let arguments = [libc::PR_SET_TIMERSLACK as u64, slack];
            self.step(libc::SYS_prctl, &arguments, Step::TimerSlack, &slack.to_string());
        }
        if let Some(persona) = job.personality {
            self.step(libc::SYS_personality, &[persona], Step::Personality, &format!("{persona:#x}"));
        }
        Some(())
    }

    /// A missing program is known before the directory changes.
    fn locate(&mut self, job: &Job, path: u64) {
        let room = self.program.array(vec![0; size_of::<libc::stat>().div_ceil(size_of::<u64>())]);
        let arguments = [libc::AT_FDCWD as u64, path, room, 0];
        self.step(libc::SYS_newfstatat, &arguments, Step::Exec, &job.path);
    }

    /// Without the right to raise the hard limit, the closest possible is set.
    fn limit(&mut self, limit: &Rlimit) -> Option<()> {
        let kind = resource(&limit.resource)?;
        let (_, hard) = nix::sys::resource::getrlimit(kind).ok()?;
        let wanted = self.program.array(vec![limit.soft, limit.hard]);
        let arguments = |address| [0, kind as u64, address, 0];
        let (step, what) = (Step::Limits, limit.resource.as_str());
        let second = Forgive::InFavourOfNext(libc::EPERM);
        self.step_or(libc::SYS_prlimit64, &arguments(wanted), step, what, second);
        let closest = self.program.array(vec![limit.soft.min(hard), limit.hard.min(hard)]);
        self.step(libc::SYS_prlimit64, &arguments(closest), step, what);
        Some(())
    }

    fn directory(&mut self, job: &Job) -> Option<()> {
        let root = self.program.string(c"/".into());
        self.step(libc::SYS_chdir, &[root], Step::Chdir, "/");
        let Some(wanted) = &job.working_directory else { return Some(()) };
        let home = || job.user.as_ref()?.home.as_deref();
        let Some(path) = wanted.path.as_deref().or_else(home) else { return Some(()) };
        let address = self.program.string(CString::new(path.as_os_str().as_bytes()).ok()?);
        let forgive = if wanted.missing_ok { Forgive::Anything } else { Forgive::Nothing };
        self.step_or(libc::SYS_chdir, &[address], Step::Chdir, &path.display().to_string(), forgive);
        Some(())
    }

    fn exec(&mut self, job: &Job, path: u64, envp: u64) -> Option<()> {
        let mut argv = Vec::with_capacity(job.argv.len().max(1) + 1);
        for argument in &job.argv {
            argv.push(self.program.string(CString::new(argument.as_str()).ok()?));
        }
        if argv.is_empty() {
            argv.push(path);
        }
        let argv = self.program.list(argv);
        self.step(libc::SYS_execve, &[path, argv, envp], Step::Exec, &job.path);
        Some(())
    }
}

fn is_open(fd: RawFd) -> bool {
    // SAFETY: asks for the flags of a number.
    unsafe { libc::fcntl(fd, libc::F_GETFD) >= 0 }
}
