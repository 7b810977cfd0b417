//! The job of one command.

use std::os::fd::RawFd;
use std::path::PathBuf;

use daemon_runtime::paths::Mode;
use sys::executor::{Job, PassedFd, PrivateTmp, PrivateUsers, Tty, WorkingDirectory};
use thiserror::Error;
use unit_parser::rows::exec;
use unit_parser::{ExecCommand, RowId, Unit, Value};

use crate::core::{expand, seccomp};
use crate::identity::{self, Identity};
use crate::stdio::{self, Output, StreamError};
use crate::variables::{self, Facts};
use crate::{credentials, directories, limits, namespace, shared};

/// Everything that makes a job.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The unit.
    pub unit: &'a Unit,
    /// Which command.
    pub command: &'a ExecCommand,
    /// Its directive, for messages (`ExecStartPre`).
    pub directive: &'a str,
    /// It runs beside a process that may own the terminal.
    pub beside_main: bool,
    /// It gets the descriptors.
    pub pass_fds: bool,
    /// It keeps our identity and privileges (`PermissionsStartOnly=`).
    pub full_privileges: bool,
    /// What is known of this start.
    pub facts: &'a Facts,
    /// System or user.
    pub mode: Mode,
    /// Where unmanaged output goes.
    pub output: Output,
    /// The unit's descriptors with their names; the standard streams may be one of them.
    pub fds: &'a [(String, RawFd)],
    /// The place of its private /tmp.
    pub private_tmp: Option<PrivateTmp>,
    /// The network namespace of the run, if somebody holds one.
    pub network: Option<RawFd>,
    /// The IPC namespace of the run, likewise.
    pub ipc: Option<RawFd>,
    /// Where the executor tells how it went.
    pub report: Option<RawFd>,
    /// Where it writes why it failed.
    pub log: Option<RawFd>,
    /// What it waits for before anything else (`Type=idle`).
    pub wait: Option<RawFd>,
}

/// Why there is no job: the start fails with `resources`.
#[derive(Debug, Error)]
pub enum PrepareError {
    /// An `EnvironmentFile=` is missing or unreadable.
    #[error("cannot read environment file {0}")]
    EnvironmentFile(String),
    /// A standard stream.
    #[error("{0}")]
    Stream(#[from] StreamError),
}

/// The job, and what there is to complain about. An identity that does not exist is no error here: it becomes the exit
/// status of the process, as in systemd.
///
/// # Errors
/// [`PrepareError`].
pub fn prepare(plan: &Plan<'_>) -> Result<(Job, Vec<String>), PrepareError> {
    let (unit, command) = (plan.unit, plan.command);
    let (identity, refusal) = match identity::dynamic_user(unit).and_then(|dynamic| Identity::with(unit, dynamic)) {
        Ok(identity) => (identity, None),
        Err(error) => (None, Some((error.status(), error.to_string()))),
    };
    let (env, mut complaints) =
        variables::build(unit, plan.facts, identity.as_ref(), &command.argv).map_err(PrepareError::EnvironmentFile)?;
    let argv = if command.no_env {
        command.argv.clone()
    } else {
        let (argv, missing) = expand::arguments(&command.argv, &|name| env.lookup(name).map(str::to_owned));
        complaints.extend(
            missing.into_iter().map(|name| format!("{}: variable {name} is not set, taken as empty", plan.directive)),
        );
        argv
    };
    let streams = stdio::streams(unit, &command.path, plan.beside_main, plan.fds, plan.output)?;
    let unprotected = command.privileged || plan.full_privileges;
    let fds = if plan.pass_fds && !stdio::takes_socket(unit) { plan.fds } else { &[] };
    let mut job = Job {
        unit: unit.name.as_str().to_owned(),
        path: command.path.clone(),
        search_path: unit.list(exec::EXEC_SEARCH_PATH).to_vec(),
        argv,
        env: env.into_pairs(),
        fds: fds.iter().map(|(name, fd)| PassedFd { fd: *fd, name: name.clone() }).collect(),
        stdin: streams.stdin,
        stdout: streams.stdout,
        stderr: streams.stderr,
        log_fd: plan.log,
        wait_fd: plan.wait,
        report_fd: plan.report,
        tty: streams.tty.then(|| tty(unit)),
        user: identity.map(|identity| identity.of_command(unprotected || command.no_setuid)),
        full_privileges: unprotected,
        keep_credentials: command.no_setuid,
        working_directory: working_directory(plan),
        root_directory: root_directory(plan),
        ignore_sigpipe: unit.bool(exec::IGNORE_SIGPIPE),
        capability_bounding_set: bounding_set(unit),
        // One that is not in the bounding set cannot be inherited: it is missing then, and that is no failure.
        ambient_capabilities: unit.uint(exec::AMBIENT_CAPABILITIES) & bounding_set(unit).unwrap_or(u64::MAX),
        secure_bits: i32::try_from(unit.uint(exec::SECURE_BITS)).unwrap_or(0),
        no_new_privileges: unit.bool(exec::NO_NEW_PRIVILEGES),
        seccomp: if unprotected { Vec::new() } else { filters(unit) },
        directories: directories::sets(unit, plan.mode),
        credentials: plan.facts.credentials.as_deref().map(|directory| credentials::of(unit, directory)),
        namespace: namespace::namespace(unit, plan.private_tmp.clone(), notify_socket(plan)),
        network: shared::held_or(shared::network(unit), plan.network),
        ipc: shared::held_or(shared::ipc(unit), plan.ipc),
        protect_hostname: crate::namespace::protects_hostname(unit),
        private_users: private_users(unit),
        refusal,
        ..Job::default()
    };
    limits::apply(unit, &mut job);
    Ok((job, complaints))
}

/// `PrivateUsers=`
fn private_users(unit: &Unit) -> Option<PrivateUsers> {
    match unit.value(exec::PRIVATE_USERS) {
        Value::Bool(true) => Some(PrivateUsers::Own),
        Value::Word(word) => match word.as_ref() {
            "yes" | "self" => Some(PrivateUsers::Own),
            "identity" => Some(PrivateUsers::Identity),
            "full" => Some(PrivateUsers::Full),
            _ => None,
        },
        _ => None,
    }
}

/// `CapabilityBoundingSet=` without what the protections take away.
fn bounding_set(unit: &Unit) -> Option<u64> {
    let set = unit.setting(exec::CAPABILITY_BOUNDING_SET).map(|_| unit.uint(exec::CAPABILITY_BOUNDING_SET));
    let taken = PROTECTIONS.iter().filter(|(row, _)| unit.bool(*row)).flat_map(|(_, capabilities)| *capabilities);
    let taken = taken.fold(0, |mask, capability| mask | 1 << capability);
    (set.is_some() || taken != 0).then(|| set.unwrap_or(u64::MAX) & !taken)
}

/// Protections, and the numbers of the capabilities that would undo them (capabilities(7)).
const PROTECTIONS: [(RowId, &[u32]); 4] = [
    // CAP_MKNOD, CAP_SYS_RAWIO
    (exec::PRIVATE_DEVICES, &[27, 17]),
    // CAP_SYS_MODULE
    (exec::PROTECT_KERNEL_MODULES, &[16]),
    // CAP_SYSLOG
    (exec::PROTECT_KERNEL_LOGS, &[34]),
    // CAP_SYS_TIME, CAP_WAKE_ALARM
    (exec::PROTECT_CLOCK, &[25, 35]),
];

/// `RootDirectory=`, for the commands that `RootDirectoryStartOnly=` leaves it for.
fn root_directory(plan: &Plan<'_>) -> Option<PathBuf> {
    let only_start = plan.unit.bool(unit_parser::rows::service::ROOT_DIRECTORY_START_ONLY);
    let directory = plan.unit.str(exec::ROOT_DIRECTORY);
    (!directory.is_empty() && (!only_start || plan.directive == "ExecStart")).then(|| directory.into())
}

/// The socket that the command is told of.
fn notify_socket<'a>(plan: &'a Plan<'_>) -> Option<&'a str> {
    plan.facts.told.iter().find(|(name, _)| name == "NOTIFY_SOCKET").map(|(_, path)| path.as_str())
}

/// `WorkingDirectory=`: `-` forgives a missing one, `~` is the home. A user's manager starts in the home.
fn working_directory(plan: &Plan<'_>) -> Option<WorkingDirectory> {
    let unit = plan.unit;
    // Where the root stays, the directory is below the other one all the same.
    let below = match (unit.str(exec::ROOT_DIRECTORY), root_directory(plan)) {
        ("", _) | (_, Some(_)) => "",
        (root, None) => root,
    };
    let text = unit.str(exec::WORKING_DIRECTORY);
    let (missing_ok, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    match text {
        "" if unit.user_manager => {
            std::env::var_os("HOME").map(|home| WorkingDirectory { path: Some(home.into()), missing_ok: true })
        }
        "" if !below.is_empty() => Some(WorkingDirectory { path: Some(below.into()), missing_ok }),
        "" => None,
        "~" => Some(WorkingDirectory { path: None, missing_ok }),
        path => Some(WorkingDirectory { path: Some(format!("{below}{path}").into()), missing_ok }),
    }
}

fn tty(unit: &Unit) -> Tty {
    let path = unit.str(exec::TTY_PATH);
    Tty {
        path: if path.is_empty() { "/dev/console".into() } else { path.into() },
        reset: unit.bool(exec::TTY_RESET),
        vhangup: unit.bool(exec::TTY_VHANGUP),
        force: unit.word(exec::STANDARD_INPUT) == "tty-force",
    }
}

/// The filters of system calls, as the executor takes them.
fn filters(unit: &Unit) -> Vec<Vec<sys::executor::Instruction>> {
    let programs = seccomp::programs(unit, limits::persona(unit)).into_iter();
    let taken = |seccomp::Instruction { code, jt, jf, k }| sys::executor::Instruction { code, jt, jf, k };
    programs.map(|program| program.into_iter().map(taken).collect()).collect()
}
