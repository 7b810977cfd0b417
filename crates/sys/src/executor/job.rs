//! What the executor is told, in plain data. Every default does nothing: an empty job inherits what its spawner has.

use serde::{Deserialize, Serialize};
use std::os::fd::RawFd;
use std::path::PathBuf;

/// Everything that the executor does before it execs. Descriptors are numbers of the *spawner's* table: it holds them open
/// while it spawns, and [`crate::spawn::spawn`] lets the executor inherit exactly these.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Job {
    /// Unit name, for messages.
    pub unit: String,
    /// Program: an absolute path, or a name that is searched in `search_path`.
    pub path: String,
    /// Directories for a `path` without a slash, ExecSearchPath= or the built-in ones; empty: systemd's default ones.
    pub search_path: Vec<String>,
    /// Arguments with argv[0]. Empty: `path` alone.
    pub argv: Vec<String>,
    /// The whole environment (the spawner's is not inherited). LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES, SYSTEMD_EXEC_PID,
    /// JOURNAL_STREAM, RUNTIME_DIRECTORY & co. come on top.
    pub env: Vec<(String, String)>,
    /// Descriptors from 3 on, in this order, with their LISTEN_FDNAMES.
    pub fds: Vec<PassedFd>,
    /// Whether LISTEN_PID and LISTEN_FDS are set (they are when `fds` is not empty; false hides them).
    pub hide_listen_fds: bool,

    /// Descriptor 0.
    pub stdin: Stdio,
    /// Descriptor 1.
    pub stdout: Stdio,
    /// Descriptor 2.
    pub stderr: Stdio,
    /// Where a failure is told besides exit status and report (a log file, /dev/kmsg): one line. Without it: the new stderr.
    pub log_fd: Option<RawFd>,
    /// Write end of a pipe (CLOEXEC in the spawner as well) that tells what [`crate::executor::ExecReport`] reads.
    pub report_fd: Option<RawFd>,

    /// Set when the spawner already knows that the set-up cannot succeed (an unknown user, a missing credential): the executor
    /// tells this text and exits with this status, so that the failure is a process's, as in systemd.
    pub refusal: Option<(u8, String)>,

    /// Read end of a pipe: nothing happens until its other end is closed, five seconds at most (Type=idle).
    pub wait_fd: Option<RawFd>,

    /// cgroup directory that the executor moves itself to when spawning into it was impossible. Set by `spawn`.
    pub attach_cgroup: Option<PathBuf>,
    /// A session and process group of its own (systemd always makes one; off for tests).
    pub keep_session: bool,
    /// Signal that the process gets when its spawner's thread ends (PR_SET_PDEATHSIG): for helpers that are of no use alone.
    pub parent_death_signal: Option<i32>,
    /// TTYPath= & co.: opened for `Stdio::Tty`, made the controlling terminal.
    pub tty: Option<Tty>,

    /// Who the process runs as.
    pub user: Option<User>,
    /// `+` prefix: user, groups, limits, capabilities and file system protection are left alone.
    pub full_privileges: bool,
    /// `!` or `!!` prefix: user and groups are left alone, everything else is done.
    pub keep_credentials: bool,

    /// WorkingDirectory=; default `/`.
    pub working_directory: Option<WorkingDirectory>,
    /// RootDirectory=.
    pub root_directory: Option<PathBuf>,
    /// UMask=; default 0022.
    pub umask: Option<u32>,
    /// Nice=, -20..=19.
    pub nice: Option<i32>,
    /// OOMScoreAdjust=, -1000..=1000.
    pub oom_score_adjust: Option<i32>,
    /// LimitNOFILE= & co.
    pub rlimits: Vec<Rlimit>,
    /// CPUSchedulingPolicy=, -Priority=, -ResetOnFork=.
    pub cpu_scheduling: Option<CpuScheduling>,
    /// CPUAffinity=: CPU numbers.
    pub cpu_affinity: Vec<usize>,
    /// NUMAPolicy= and NUMAMask=.
    pub numa: Option<NumaPolicy>,
    /// IOSchedulingClass= and -Priority=.
    pub io_scheduling: Option<IoScheduling>,
    /// TimerSlackNSec=.
    pub timer_slack: Option<u64>,
    /// CoredumpFilter=: the mask of /proc/self/coredump_filter.
    pub coredump_filter: Option<u64>,
    /// Personality=: the persona number of personality(2).
    pub personality: Option<u64>,
    /// IgnoreSIGPIPE= (systemd's default is yes, ours is what the spawner says).
    pub ignore_sigpipe: bool,

    /// CapabilityBoundingSet= as a mask of capability bits; `None` keeps all.
    pub capability_bounding_set: Option<u64>,
    /// AmbientCapabilities= as a mask.
    pub ambient_capabilities: u64,
    /// SecureBits= as in prctl(2).
    pub secure_bits: i32,
    /// NoNewPrivileges=.
    pub no_new_privileges: bool,
    /// SystemCallFilter= and all else that needs filters of system calls: programs, installed in this order. They imply
    /// `no_new_privileges` for processes without CAP_SYS_ADMIN.
    pub seccomp: Vec<Vec<Instruction>>,

    /// RuntimeDirectory=, StateDirectory=, CacheDirectory=, LogsDirectory=, ConfigurationDirectory=.
    pub directories: Vec<DirectorySet>,

    /// LoadCredential=, SetCredential=. The spawner sets `$CREDENTIALS_DIRECTORY`, and removes the directory
    /// ([`super::remove_credentials`]) when the unit is down.
    pub credentials: Option<Credentials>,

    /// Mount namespace; `None`: the spawner's.
    pub namespace: Option<MountNamespace>,
    /// PrivateNetwork=, NetworkNamespacePath=.
    pub network: Option<Namespace>,
    /// PrivateIPC=, IPCNamespacePath=.
    pub ipc: Option<Namespace>,
    /// ProtectHostname=: an UTS namespace.
    pub protect_hostname: bool,
    /// PrivateUsers=: a user namespace.
    pub private_users: Option<PrivateUsers>,
}

/// Which users there are in a user namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PrivateUsers {
    /// yes, self: the process's own and the spawner's.
    Own,
    /// identity: the first 65536.
    Identity,
    /// full: all.
    Full,
}

/// `struct sock_filter`: an instruction of the kernel's packet filter machine. Written as four numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u16, u8, u8, u32)", into = "(u16, u8, u8, u32)")]
pub struct Instruction {
    /// What it does.
    pub code: u16,
    /// How many instructions to leave out if its condition holds.
    pub jt: u8,
    /// How many if not.
    pub jf: u8,
    /// Its operand.
    pub k: u32,
}

impl From<(u16, u8, u8, u32)> for Instruction {
    fn from((code, jt, jf, k): (u16, u8, u8, u32)) -> Self {
        Self { code, jt, jf, k }
    }
}

impl From<Instruction> for (u16, u8, u8, u32) {
    fn from(one: Instruction) -> Self {
        (one.code, one.jt, one.jf, one.k)
    }
}

/// Where a namespace comes from that processes can share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Namespace {
    /// A new one, for this process alone; a new network has a loopback device, which is up.
    New,
    /// One that has a path.
    Path(PathBuf),
    /// One that the spawner holds by this descriptor.
    Fd(RawFd),
}

/// A descriptor for LISTEN_FDS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassedFd {
    /// Number in the spawner.
    pub fd: RawFd,
    /// Name for LISTEN_FDNAMES; must not hold `:`.
    pub name: String,
}

/// What a standard descriptor becomes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Stdio {
    /// Whatever the spawner has there.
    #[default]
    Inherit,
    /// /dev/null.
    Null,
    /// What the descriptor before this one became: stdout like stdin, stderr like stdout (`inherit` of StandardOutput=).
    Same,
    /// A descriptor of the spawner (a socket, a pipe, a log file).
    Fd(RawFd),
    /// A file, opened with the spawner's rights before the user changes.
    File {
        /// Absolute path.
        path: PathBuf,
        /// How it is opened.
        mode: FileMode,
    },
    /// The terminal in [`Job::tty`].
    Tty,
    /// A stream to journald at /run/systemd/journal/stdout (systemd-journald's native stream protocol); /dev/null when
    /// nobody listens, as in systemd.
    Journal(JournalStream),
    /// The bytes of StandardInputData= and StandardInputText=.
    Data(Vec<u8>),
}

/// How a `file:` is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileMode {
    /// StandardInput=file:
    Read,
    /// StandardInput=file: of the file that output goes to as well.
    ReadWrite,
    /// StandardOutput=file: written from the start, not truncated.
    Write,
    /// append:
    Append,
    /// truncate:
    Truncate,
}

/// Header of a journal stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalStream {
    /// SyslogIdentifier=.
    pub identifier: String,
    /// Unit that the lines belong to.
    pub unit: String,
    /// SyslogLevel= with SyslogFacility=: a syslog priority number.
    pub priority: i32,
    /// SyslogLevelPrefix=.
    pub level_prefix: bool,
    /// Copy to kmsg, to the console (`journal+console`).
    pub forward_to_kmsg: bool,
    /// Copy to the console.
    pub forward_to_console: bool,
}

/// A terminal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tty {
    /// TTYPath=.
    pub path: PathBuf,
    /// TTYReset=.
    pub reset: bool,
    /// TTYVHangup=.
    pub vhangup: bool,
    /// StandardInput=tty-force: taken even from another session.
    pub force: bool,
}

/// Numeric identity, looked up by the spawner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// User id; `None`: only groups change.
    pub uid: Option<u32>,
    /// Primary group id.
    pub gid: Option<u32>,
    /// Supplementary groups, all of them (of the user database and SupplementaryGroups=); `None`: they stay. They are set for
    /// every command, also with a prefix that leaves the identity alone.
    pub groups: Option<Vec<u32>>,
    /// Home directory, for WorkingDirectory=~.
    pub home: Option<PathBuf>,
}

/// WorkingDirectory=.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkingDirectory {
    /// Absolute path; `None` is `~`.
    pub path: Option<PathBuf>,
    /// `-`: a missing one is not an error, `/` is used.
    pub missing_ok: bool,
}

/// One resource limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rlimit {
    /// Name without prefix as in LimitNOFILE=: `NOFILE`.
    pub resource: String,
    /// Soft limit; u64::MAX is infinity.
    pub soft: u64,
    /// Hard limit; u64::MAX is infinity.
    pub hard: u64,
}

/// sched_setscheduler(2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuScheduling {
    /// SCHED_OTHER 0, SCHED_FIFO 1, SCHED_RR 2, SCHED_BATCH 3, SCHED_IDLE 5.
    pub policy: i32,
    /// 1..=99 for FIFO and RR, else 0.
    pub priority: i32,
    /// SCHED_RESET_ON_FORK.
    pub reset_on_fork: bool,
}

/// set_mempolicy(2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumaPolicy {
    /// MPOL_DEFAULT 0, MPOL_PREFERRED 1, MPOL_BIND 2, MPOL_INTERLEAVE 3, MPOL_LOCAL 4.
    pub policy: i32,
    /// Numbers of nodes; of no account for the default and the local policy.
    pub nodes: Vec<u32>,
}

/// ioprio_set(2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IoScheduling {
    /// 0 none, 1 realtime, 2 best-effort, 3 idle.
    pub class: i32,
    /// 0 (highest) ..= 7.
    pub priority: i32,
}

/// One of the five kinds of directories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectorySet {
    /// Which kind.
    pub kind: DirectoryKind,
    /// Where they are made: `/run`, `/var/lib`, ... or the user's.
    pub base: PathBuf,
    /// Relative names.
    pub names: Vec<String>,
    /// Relative names of directories, and of symbolic links to them.
    #[serde(default)]
    pub links: Vec<(String, String)>,
    /// DynamicUser=: they are made in `base`/private, which only root can enter, with links where they would be otherwise.
    #[serde(default)]
    pub private: bool,
    /// RuntimeDirectoryMode= & co.; systemd's default is 0755.
    pub mode: u32,
}

/// What a unit is given to keep secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Where they are put.
    pub directory: PathBuf,
    /// The unit, for sockets that credentials are read from.
    pub unit: String,
    /// LoadCredential=: name and source. A source that is no absolute path is one of the manager's own, or in a credstore
    /// directory, and may be missing.
    pub load: Vec<(String, String)>,
    /// SetCredential=: name and content, for those that were not loaded.
    pub set: Vec<(String, Vec<u8>)>,
    /// The manager's own.
    pub inherited: Option<PathBuf>,
}

/// Kinds of directories, with their environment variable and exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DirectoryKind {
    /// RuntimeDirectory=
    Runtime,
    /// StateDirectory=
    State,
    /// CacheDirectory=
    Cache,
    /// LogsDirectory=
    Logs,
    /// ConfigurationDirectory=
    Configuration,
}

/// File system protection; paths that start with `-` may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MountNamespace {
    /// PrivateTmp=: own /tmp and /var/tmp. The spawner chooses the places, since all processes of a unit share them, and
    /// removes them when the unit has stopped.
    pub private_tmp: Option<PrivateTmp>,
    /// MountAPIVFS=: /proc, /sys, /dev and /run below the root directory.
    pub api: bool,
    /// PrivateDevices=: a /dev with null, zero, full, random, urandom, tty, pts, shm alone.
    pub private_devices: bool,
    /// ProtectSystem=.
    pub protect_system: ProtectSystem,
    /// ProtectHome=.
    pub protect_home: ProtectHome,
    /// ProtectKernelTunables=: /proc/sys, /sys & co. read-only.
    pub protect_kernel_tunables: bool,
    /// ProtectHostname=: the files that hold the names are read-only.
    pub protect_hostname: bool,
    /// ProtectKernelModules=: /usr/lib/modules inaccessible (the capability is the spawner's business).
    pub protect_kernel_modules: bool,
    /// ProtectControlGroups=: /sys/fs/cgroup read-only.
    pub protect_control_groups: bool,
    /// PrivateIPC=: a /dev/mqueue that shows the queues of the IPC namespace.
    pub message_queues: bool,
    /// ProtectProc=, ProcSubset=: options of a /proc of its own (`hidepid=invisible,subset=pid`).
    pub proc_options: Option<String>,
    /// ReadOnlyPaths=.
    pub read_only: Vec<String>,
    /// ReadWritePaths=.
    pub read_write: Vec<String>,
    /// InaccessiblePaths=.
    pub inaccessible: Vec<String>,
    /// ExecPaths= (true) and NoExecPaths= (false).
    pub executable: Vec<(String, bool)>,
    /// TemporaryFileSystem=: path and mount options.
    pub temporary: Vec<(String, String)>,
    /// BindPaths=, BindReadOnlyPaths=.
    pub binds: Vec<Bind>,
    /// MountFlags=: the flag of mount(2) that says how mounts propagate; 0 is shared.
    pub propagation: u64,
}

/// Where a unit's private /tmp and /var/tmp live, such as `/tmp/systemd-private-ID-UNIT-RANDOM`. The executor makes missing
/// ones (0700), and in each a directory `tmp` (1777) that is what the unit sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivateTmp {
    /// Directory behind /tmp.
    pub tmp: PathBuf,
    /// Directory behind /var/tmp.
    pub var_tmp: PathBuf,
}

/// One bind mount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    /// From.
    pub source: PathBuf,
    /// To.
    pub target: PathBuf,
    /// BindReadOnlyPaths=.
    pub read_only: bool,
    /// Without the mounts below (`norbind`).
    pub not_recursive: bool,
    /// `-`: skip when the source is missing.
    pub missing_ok: bool,
}

/// ProtectSystem=.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProtectSystem {
    /// no
    #[default]
    No,
    /// yes: /usr, /boot and /efi read-only
    Yes,
    /// full: /etc too
    Full,
    /// strict: everything but /dev, /proc, /sys
    Strict,
}

/// ProtectHome=.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProtectHome {
    /// no
    #[default]
    No,
    /// yes: /home, /root and /run/user empty and inaccessible
    Yes,
    /// read-only
    ReadOnly,
    /// tmpfs
    Tmpfs,
}

impl Job {
    /// All descriptors of the spawner that the executor needs.
    pub fn inherited_fds(&self) -> Vec<RawFd> {
        let stdio = [&self.stdin, &self.stdout, &self.stderr].into_iter().filter_map(|s| match s {
            Stdio::Fd(fd) => Some(*fd),
            Stdio::Inherit
            | Stdio::Null
            | Stdio::Same
            | Stdio::File { .. }
            | Stdio::Tty
            | Stdio::Journal(_)
            | Stdio::Data(_) => None,
        });
        let mut fds: Vec<RawFd> = self
            .fds
            .iter()
            .map(|p| p.fd)
            .chain(stdio)
            .chain(self.log_fd)
            .chain(self.wait_fd)
            .chain(self.report_fd)
            .chain([&self.network, &self.ipc].into_iter().filter_map(|wanted| match wanted {
                Some(Namespace::Fd(fd)) => Some(*fd),
                Some(Namespace::New | Namespace::Path(_)) | None => None,
            }))
            .collect();
        fds.sort_unstable();
        fds.dedup();
        fds
    }
}
