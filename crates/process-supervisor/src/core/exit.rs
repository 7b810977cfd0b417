//! How a process ended, whether that is clean, and what it makes of the service (systemd.service(5), SuccessExitStatus=).

use serde::{Deserialize, Serialize};
use unit_parser::ExitStatusSet;

/// The end of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Exit {
    /// It exited with this status.
    Exited(i32),
    /// A signal ended it.
    Killed(i32),
    /// A signal ended it, and it dumped core.
    Dumped(i32),
}

impl Exit {
    /// From `si_code` (CLD_EXITED 1, CLD_KILLED 2, CLD_DUMPED 3) and `si_status`; `None` for a code that is no end.
    pub fn from_code(code: i32, status: i32) -> Option<Exit> {
        match code {
            1 => Some(Exit::Exited(status)),
            2 => Some(Exit::Killed(status)),
            3 => Some(Exit::Dumped(status)),
            _ => None,
        }
    }

    /// `si_code`, the D-Bus property `ExecMainCode`.
    pub fn code(self) -> i32 {
        match self {
            Exit::Exited(_) => 1,
            Exit::Killed(_) => 2,
            Exit::Dumped(_) => 3,
        }
    }

    /// Exit status or signal number, the D-Bus property `ExecMainStatus`.
    pub fn status(self) -> i32 {
        match self {
            Exit::Exited(n) | Exit::Killed(n) | Exit::Dumped(n) => n,
        }
    }

    /// `$EXIT_CODE` (systemd.exec(5)).
    pub fn word(self) -> &'static str {
        match self {
            Exit::Exited(_) => "exited",
            Exit::Killed(_) => "killed",
            Exit::Dumped(_) => "dumped",
        }
    }

    /// `$EXIT_STATUS`: the number of an exit, the name of a signal without SIG.
    pub fn status_word(self) -> String {
        match self {
            Exit::Exited(n) => n.to_string(),
            Exit::Killed(n) | Exit::Dumped(n) => signal_name(n),
        }
    }

    /// "code=exited, status=203/EXEC", as log lines and `systemctl status` write it.
    pub fn describe(self) -> String {
        match self {
            Exit::Exited(n) => match unit_parser::parse::exit_status::name(n) {
                Some(name) => format!("code=exited, status={n}/{name}"),
                None => format!("code=exited, status={n}"),
            },
            Exit::Killed(n) | Exit::Dumped(n) => format!("code={}, status={n}/{}", self.word(), signal_name(n)),
        }
    }

    /// Whether a set of statuses names this end.
    pub fn is_in(self, set: &ExitStatusSet) -> bool {
        match self {
            Exit::Exited(n) => set.has_code(n),
            Exit::Killed(n) | Exit::Dumped(n) => set.has_signal(n),
        }
    }
}

/// What may count as a clean end: a daemon may be ended by SIGTERM and its like, a command may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clean {
    /// A long-running process.
    Daemon,
    /// A command that should finish by itself.
    Command,
}

/// SIGHUP, SIGINT, SIGPIPE, SIGTERM end a daemon cleanly.
const CLEAN_SIGNALS: [i32; 4] = [1, 2, 13, 15];

/// What the end of a process means for its service.
pub fn judge(exit: Exit, clean: Clean, success: &ExitStatusSet) -> ServiceResult {
    match exit {
        Exit::Exited(0) => ServiceResult::Success,
        Exit::Exited(n) if success.has_code(n) => ServiceResult::Success,
        Exit::Exited(_) => ServiceResult::ExitCode,
        Exit::Killed(n) if clean == Clean::Daemon && CLEAN_SIGNALS.contains(&n) => ServiceResult::Success,
        Exit::Killed(n) if success.has_signal(n) => ServiceResult::Success,
        Exit::Killed(_) => ServiceResult::Signal,
        Exit::Dumped(_) => ServiceResult::CoreDump,
    }
}

/// The `Result` property of a service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceResult {
    /// Nothing went wrong.
    #[default]
    Success,
    /// Something that the start needs could not be had.
    Resources,
    /// The service did not do what its type promises.
    Protocol,
    /// A time-out.
    Timeout,
    /// An unclean exit status.
    ExitCode,
    /// An unclean signal.
    Signal,
    /// A core dump.
    CoreDump,
    /// A missed watchdog.
    Watchdog,
    /// Started too often (decided by whoever coordinates).
    StartLimitHit,
    /// The kernel's out-of-memory killer.
    OomKill,
    /// `ExecCondition=` said no.
    ExecCondition,
}

impl ServiceResult {
    /// From the word on D-Bus.
    pub fn parse(word: &str) -> Option<ServiceResult> {
        const ALL: [ServiceResult; 11] = [
            ServiceResult::Success,
            ServiceResult::Resources,
            ServiceResult::Protocol,
            ServiceResult::Timeout,
            ServiceResult::ExitCode,
            ServiceResult::Signal,
            ServiceResult::CoreDump,
            ServiceResult::Watchdog,
            ServiceResult::StartLimitHit,
            ServiceResult::OomKill,
            ServiceResult::ExecCondition,
        ];
        ALL.into_iter().find(|result| result.as_str() == word)
    }

    /// The word on D-Bus.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Resources => "resources",
            Self::Protocol => "protocol",
            Self::Timeout => "timeout",
            Self::ExitCode => "exit-code",
            Self::Signal => "signal",
            Self::CoreDump => "core-dump",
            Self::Watchdog => "watchdog",
            Self::StartLimitHit => "start-limit-hit",
            Self::OomKill => "oom-kill",
            Self::ExecCondition => "exec-condition",
        }
    }
}

/// A signal's name without SIG; real-time signals as RTMIN+n, others by number.
pub fn signal_name(signal: i32) -> String {
    const NAMES: [&str; 31] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
        "WINCH", "IO", "PWR", "SYS",
    ];
    let by_number = usize::try_from(signal - 1).ok().and_then(|at| NAMES.get(at));
    match by_number {
        Some(name) => (*name).to_owned(),
        None if (34..=64).contains(&signal) => format!("RTMIN+{}", signal - 34),
        None => signal.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judgement_table() {
        let mut set = ExitStatusSet::default();
        set.add_code(3);
        set.add_signal(10);
        let none = ExitStatusSet::default();
        use Clean::{Command, Daemon};
        use ServiceResult::*;
        let table = [
            (Exit::Exited(0), Command, &none, Success),
            (Exit::Exited(3), Daemon, &none, ExitCode),
            (Exit::Exited(3), Daemon, &set, Success),
            (Exit::Killed(15), Daemon, &none, Success),
            (Exit::Killed(15), Command, &none, Signal),
            (Exit::Killed(9), Daemon, &none, Signal),
            (Exit::Killed(10), Command, &set, Success),
            (Exit::Dumped(10), Daemon, &set, CoreDump),
        ];
        for (exit, clean, success, want) in table {
            assert_eq!(judge(exit, clean, success), want, "{exit:?} {clean:?}");
        }
    }

    #[test]
    fn words() {
        assert_eq!(Exit::Exited(203).describe(), "code=exited, status=203/EXEC");
        assert_eq!(Exit::Exited(9).describe(), "code=exited, status=9");
        assert_eq!(Exit::Killed(9).describe(), "code=killed, status=9/KILL");
        assert_eq!(signal_name(37), "RTMIN+3");
        assert_eq!(Exit::Killed(15).status_word(), "TERM");
    }
}
