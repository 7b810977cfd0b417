//! What went wrong, as an exit status and as one line; and the pipe that tells the spawner (Type=exec).

use crate::executor::DirectoryKind;
use std::fmt;
use std::io;
use thiserror::Error;

/// A step of the set-up, with systemd's exit status for its failure (systemd.exec(5), "Process Exit Codes").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// WorkingDirectory=
    Chdir,
    /// Nice=
    Nice,
    /// Passed descriptors
    Fds,
    /// execve itself
    Exec,
    /// LimitNOFILE= & co.
    Limits,
    /// OOMScoreAdjust=
    OomAdjust,
    /// Signal mask and dispositions
    SignalMask,
    /// StandardInput=
    Stdin,
    /// StandardOutput=
    Stdout,
    /// RootDirectory=
    Chroot,
    /// IOSchedulingClass=
    IoPriority,
    /// TimerSlackNSec=
    TimerSlack,
    /// SecureBits=
    SecureBits,
    /// CPUSchedulingPolicy=
    SetScheduler,
    /// CPUAffinity=
    CpuAffinity,
    /// Group=, SupplementaryGroups=
    Group,
    /// User=
    User,
    /// CapabilityBoundingSet=, AmbientCapabilities=
    Capabilities,
    /// The cgroup
    Cgroup,
    /// setsid
    Setsid,
    /// StandardError=
    Stderr,
    /// PrivateNetwork=, NetworkNamespacePath=
    Network,
    /// Mount, IPC, UTS namespaces
    Namespace,
    /// NoNewPrivileges=
    NoNewPrivileges,
    /// SystemCallFilter= & co.
    Seccomp,
    /// Personality=
    Personality,
    /// NUMAPolicy=, NUMAMask=
    NumaPolicy,
    /// LoadCredential=, SetCredential=
    Credentials,
    /// RuntimeDirectory= & co.
    Directory(DirectoryKind),
}

impl Step {
    /// Exit status of the executor when this step fails.
    pub fn status(self) -> i32 {
        self.row().0
    }

    /// Name as in `systemctl status`: `CHDIR`, `EXEC`.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    fn row(self) -> (i32, &'static str) {
        match self {
            Self::Chdir => (200, "CHDIR"),
            Self::Nice => (201, "NICE"),
            Self::Fds => (202, "FDS"),
            Self::Exec => (203, "EXEC"),
            Self::Limits => (205, "LIMITS"),
            Self::OomAdjust => (206, "OOM_ADJUST"),
            Self::SignalMask => (207, "SIGNAL_MASK"),
            Self::Stdin => (208, "STDIN"),
            Self::Stdout => (209, "STDOUT"),
            Self::Chroot => (210, "CHROOT"),
            Self::IoPriority => (211, "IOPRIO"),
            Self::TimerSlack => (212, "TIMERSLACK"),
            Self::SecureBits => (213, "SECUREBITS"),
            Self::SetScheduler => (214, "SETSCHEDULER"),
            Self::CpuAffinity => (215, "CPUAFFINITY"),
            Self::Group => (216, "GROUP"),
            Self::User => (217, "USER"),
            Self::Capabilities => (218, "CAPABILITIES"),
            Self::Cgroup => (219, "CGROUP"),
            Self::Setsid => (220, "SETSID"),
            Self::Stderr => (222, "STDERR"),
            Self::Network => (225, "NETWORK"),
            Self::Namespace => (226, "NAMESPACE"),
            Self::NoNewPrivileges => (227, "NO_NEW_PRIVILEGES"),
            Self::Seccomp => (228, "SECCOMP"),
            Self::Personality => (230, "PERSONALITY"),
            Self::NumaPolicy => (242, "NUMA_POLICY"),
            Self::Credentials => (243, "CREDENTIALS"),
            Self::Directory(DirectoryKind::Runtime) => (233, "RUNTIME_DIRECTORY"),
            Self::Directory(DirectoryKind::State) => (238, "STATE_DIRECTORY"),
            Self::Directory(DirectoryKind::Cache) => (239, "CACHE_DIRECTORY"),
            Self::Directory(DirectoryKind::Logs) => (240, "LOGS_DIRECTORY"),
            Self::Directory(DirectoryKind::Configuration) => (241, "CONFIGURATION_DIRECTORY"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why the executor gave up.
#[derive(Debug, Error)]
#[error("{step}: {what}: {error}")]
pub struct Failure {
    /// Where.
    pub step: Step,
    /// The path, name or call that it was about.
    pub what: String,
    /// What the kernel said.
    pub error: io::Error,
}

/// Names the step that an error belongs to.
pub(super) trait At<T> {
    /// `what` is the path, name or call that failed.
    fn at(self, step: Step, what: impl Into<String>) -> Result<T, Failure>;
}

impl<T, E: Into<io::Error>> At<T> for Result<T, E> {
    fn at(self, step: Step, what: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|error| Failure { step, what: what.into(), error: error.into() })
    }
}

/// What the report pipe ([`crate::executor::Job::report_fd`]) held when its other end was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecReport {
    /// execve succeeded: the program runs (or ran).
    Started,
    /// The executor gave up and exits with a status: text for people, without a newline.
    Failed(String),
    /// The executor ended without a word before execve (killed).
    Vanished,
}

/// Written just before execve. What follows is a failure's text; end of file instead means that execve closed the pipe.
pub(crate) const ABOUT_TO_EXEC: u8 = b'x';

impl ExecReport {
    /// From everything read until end of file.
    pub fn parse(content: &[u8]) -> Self {
        let text = content.strip_prefix(&[ABOUT_TO_EXEC]);
        match (content, text) {
            ([], _) => Self::Vanished,
            (_, Some([])) => Self::Started,
            (all, rest) => Self::Failed(String::from_utf8_lossy(rest.unwrap_or(all)).trim_end().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports() {
        let table: [(&[u8], ExecReport); 4] = [
            (b"", ExecReport::Vanished),
            (b"x", ExecReport::Started),
            (b"xno such file\n", ExecReport::Failed("no such file".into())),
            (b"/nowhere: gone\n", ExecReport::Failed("/nowhere: gone".into())),
        ];
        for (content, expected) in table {
            assert_eq!(ExecReport::parse(content), expected);
        }
    }
}
