//! How a process ended.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How a process ended; `code()` and `status()` are waitid(2)'s `si_code` and `si_status` (D-Bus ExecMainCode, ExecMainStatus).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExitStatus {
    /// It called exit with this status, 0..=255.
    Exited(i32),
    /// This signal ended it.
    Killed(i32),
    /// This signal ended it, and it dumped core.
    Dumped(i32),
}

impl ExitStatus {
    /// `si_code`: CLD_EXITED 1, CLD_KILLED 2, CLD_DUMPED 3.
    pub fn code(self) -> i32 {
        match self {
            Self::Exited(_) => libc::CLD_EXITED,
            Self::Killed(_) => libc::CLD_KILLED,
            Self::Dumped(_) => libc::CLD_DUMPED,
        }
    }

    /// `si_status`: exit status or signal number.
    pub fn status(self) -> i32 {
        match self {
            Self::Exited(n) | Self::Killed(n) | Self::Dumped(n) => n,
        }
    }

    /// From `si_code` and `si_status`; `None` for codes that are not an end (stopped, continued).
    pub fn from_code(code: i32, status: i32) -> Option<Self> {
        match code {
            libc::CLD_EXITED => Some(Self::Exited(status)),
            libc::CLD_KILLED => Some(Self::Killed(status)),
            libc::CLD_DUMPED => Some(Self::Dumped(status)),
            _ => None,
        }
    }

    /// From a wait(2) status word, as /proc/PID/stat and PIDFD_GET_INFO give it.
    pub fn from_wait_word(word: i32) -> Self {
        let signal = word & 0x7f;
        match (signal, word & 0x80 != 0) {
            (0, _) => Self::Exited((word >> 8) & 0xff),
            (signal, false) => Self::Killed(signal),
            (signal, true) => Self::Dumped(signal),
        }
    }

    /// Exit status 0.
    pub fn success(self) -> bool {
        self == Self::Exited(0)
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signal = |n| crate::signals::name(n).unwrap_or_else(|| n.to_string());
        match *self {
            Self::Exited(n) => write!(f, "exited with status {n}"),
            Self::Killed(n) => write!(f, "killed by {}", signal(n)),
            Self::Dumped(n) => write!(f, "killed by {}, core dumped", signal(n)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_words() {
        let table = [
            (0, ExitStatus::Exited(0)),
            (203 << 8, ExitStatus::Exited(203)),
            (9, ExitStatus::Killed(9)),
            (0x80 | 6, ExitStatus::Dumped(6)),
        ];
        for (word, exit) in table {
            assert_eq!(ExitStatus::from_wait_word(word), exit);
            assert_eq!(ExitStatus::from_code(exit.code(), exit.status()), Some(exit));
        }
        assert_eq!(ExitStatus::from_code(libc::CLD_STOPPED, 19), None);
    }
}
