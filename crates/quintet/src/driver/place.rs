//! Where the launcher runs: PID 1 or not, which directories, which control group, who else is there.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;

use daemon_runtime::paths::{Mode, RuntimeDir, create_dir};
use nix::fcntl::{Flock, FlockArg};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use sys::cgroup::CgroupRoot;

use super::RunError;
use crate::cli::RunArgs;
use crate::core::{Daemon, End};

/// Inode of the initial PID namespace (the kernel's PROC_PID_INIT_INO): PID 1 there is PID 1 of the machine.
const INITIAL_PID_NAMESPACE: &str = "pid:[4026531836]";

/// Everything about our surroundings that others ask for.
#[derive(Debug)]
pub struct Place {
    /// Sockets and state.
    pub runtime: RuntimeDir,
    /// System or user.
    pub mode: Mode,
    /// The unit to boot.
    pub unit: String,
    /// cgroup2 directory below which units get theirs; `None` without a writable one.
    pub cgroup_root: Option<PathBuf>,
    /// `--log-level`, for the daemons too.
    pub log_level: Option<String>,
    /// Whether we are PID 1 of a machine (not of a container), and end it when told so.
    pub is_machine: bool,
    lock: Flock<File>,
}

impl Place {
    /// Takes the runtime directory and prepares it; moves us into `init.scope`.
    pub fn prepare(args: &RunArgs) -> Result<Self, RunError> {
        let runtime = args.common.runtime();
        let mode = args.common.mode();
        let unusable = |source| RunError::RuntimeDir { dir: runtime.path().display().to_string(), source };
        runtime.create().map_err(unusable)?;
        let lock = take_lock(&runtime)?;
        create_dir(&runtime.notify()).map_err(unusable)?;
        forget_earlier_boot(&runtime).map_err(unusable)?;
        for daemon in Daemon::ALL {
            create_dir(&runtime.state(daemon.name())).map_err(unusable)?;
        }
        if mode == Mode::System && nix::unistd::geteuid().is_root() {
            // sd_booted(3): systemctl and many others ask whether this directory is there.
            if let Err(error) = create_dir("/run/systemd/system".as_ref()) {
                tracing::warn!("cannot create /run/systemd/system, systemctl will not talk to us: {error}");
            }
        }
        if let Err(error) = sys::subreaper::enable() {
            tracing::warn!("orphans of services go to another process, some exit statuses will be unknown: {error}");
        }
        raise_file_limit();
        let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        Ok(Self {
            is_machine: std::process::id() == 1 && namespace.as_os_str() == INITIAL_PID_NAMESPACE,
            cgroup_root: enter_init_scope(),
            log_level: args.common.log_level.clone(),
            unit: args.unit.clone(),
            runtime,
            mode,
            lock,
        })
    }

    /// SIGTERM and SIGINT: an exit, but PID 1 of a machine cannot exit; there SIGINT is Ctrl-Alt-Del.
    pub fn end_of_plain_signal(&self, interrupt: bool) -> End {
        match (self.is_machine, interrupt) {
            (false, _) => End::Exit,
            (true, true) => End::Reboot,
            (true, false) => End::PowerOff,
        }
    }

    /// Leaves the runtime directory to the next launcher: what was true of processes is no longer.
    pub fn clean_up(&self) {
        for daemon in Daemon::ALL {
            let _ = std::fs::remove_file(self.runtime.bus(daemon.name()));
            let _ = std::fs::remove_dir_all(self.runtime.state(daemon.name()));
        }
        let _ = std::fs::remove_dir_all(self.runtime.notify());
        let _ = self.lock.set_len(0);
    }
}

/// PID 1's own duties, before anything else; lines for the log.
pub fn become_init() -> Vec<String> {
    if std::process::id() != 1 {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for attempt in sys::mount::api_file_systems() {
        lines.push(match attempt.result {
            Ok(()) => format!("mounted {}", attempt.target),
            Err(error) => format!("cannot mount {}: {error}", attempt.target),
        });
    }
    // Refused in containers, where Ctrl-Alt-Del is not ours.
    let _ = sys::boot::catch_ctrl_alt_del();
    lines
}

/// One launcher a runtime directory. The lock goes with the process, so a stale file means nothing.
fn take_lock(runtime: &RuntimeDir) -> Result<Flock<File>, RunError> {
    let path = runtime.path().join("lock");
    let open = || File::options().read(true).write(true).create(true).truncate(false).open(&path);
    let file = open().map_err(|source| RunError::RuntimeDir { dir: runtime.path().display().to_string(), source })?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(mut lock) => {
            let _ =
                lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| writeln!(lock, "{}", std::process::id()));
            Ok(lock)
        }
        Err((mut file, nix::errno::Errno::EWOULDBLOCK)) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            Err(RunError::Locked(format!(
                "{} is in use: another `quintet run` (PID {}) runs there; --runtime-dir chooses another place",
                runtime.path().display(),
                holder.trim()
            )))
        }
        Err((_, error)) => Err(RunError::System { what: "cannot lock the runtime directory", source: error.into() }),
    }
}

/// State files speak of processes. They outlive a launcher that was killed, and so may the processes; but in a container
/// whose /run is kept on disk they outlive the boot too, and would then be taken for the truth about others' PIDs.
fn forget_earlier_boot(runtime: &RuntimeDir) -> io::Result<()> {
    let path = runtime.path().join("boot");
    let boot = this_boot();
    if std::fs::read_to_string(&path).is_ok_and(|earlier| earlier == boot) {
        return Ok(());
    }
    for daemon in Daemon::ALL {
        match std::fs::remove_dir_all(runtime.state(daemon.name())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    std::fs::write(path, boot)
}

/// The kernel's boot, and the PID namespace's: its PID 1 lives as long as it does.
fn this_boot() -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = sys::process::start_time(1).unwrap_or_default();
    format!("{}\n{namespace}\n", kernel.trim())
}

/// The store holds sockets and pidfds of all units, so we ask for all the descriptors that we may have. What services get
/// is the supervisor's business (LimitNOFILE=).
fn raise_file_limit() {
    let most = sys::limits::most_open_files();
    // Only the system's manager may have more than it got.
    if setrlimit(Resource::RLIMIT_NOFILE, most, most).is_err()
        && let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
    {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// Finds a cgroup2 subtree that is ours and moves us (and so all daemons) into its `init.scope`: processes must be in leaves.
fn enter_init_scope() -> Option<PathBuf> {
    let weaker = "services run without control groups: processes that fork away are found by walking /proc";
    let root = match CgroupRoot::detect() {
        Ok(root) => root,
        Err(error) => {
            tracing::warn!("{weaker} ({error})");
            return None;
        }
    };
    let moved: io::Result<()> = root.create("init.scope").and_then(|scope| scope.attach(0));
    match moved {
        Ok(()) => Some(root.path().to_owned()),
        Err(error) => {
            tracing::warn!("{weaker} (cannot enter init.scope: {error})");
            None
        }
    }
}
