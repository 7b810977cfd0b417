//! Signals: names, masks, dispositions, sending.

use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// First real-time signal for applications; glibc keeps two below for itself.
pub fn rtmin() -> i32 {
    libc::SIGRTMIN()
}

/// Name of a signal as systemd prints it: `SIGTERM`, `SIGRTMIN+3`. `None` when there is no such signal.
pub fn name(number: i32) -> Option<String> {
    match number - rtmin() {
        0 => Some("SIGRTMIN".to_owned()),
        n if n > 0 && number <= libc::SIGRTMAX() => Some(format!("SIGRTMIN+{n}")),
        _ => Signal::try_from(number).ok().map(|s| s.as_str().to_owned()),
    }
}

/// Number of a signal by name, with or without `SIG`, or by number: `SIGTERM`, `TERM`, `RTMIN+3`, `15`.
pub fn number(text: &str) -> Option<i32> {
    if let Ok(n) = text.parse::<i32>() {
        return (1..=libc::SIGRTMAX()).contains(&n).then_some(n);
    }
    let short = text.strip_prefix("SIG").unwrap_or(text);
    let offset = |rest: &str| {
        if rest.is_empty() { Some(0) } else { rest.get(1..)?.parse::<i32>().ok() }
    };
    if let Some(rest) = short.strip_prefix("RTMIN") {
        let n = offset(rest).filter(|_| rest.is_empty() || rest.starts_with('+'))?;
        return Some(rtmin() + n).filter(|n| (rtmin()..=libc::SIGRTMAX()).contains(n));
    }
    if let Some(rest) = short.strip_prefix("RTMAX") {
        let n = offset(rest).filter(|_| rest.is_empty() || rest.starts_with('-'))?;
        return Some(libc::SIGRTMAX() - n).filter(|n| (rtmin()..=libc::SIGRTMAX()).contains(n));
    }
    let alias = match short {
        "CLD" => "CHLD",
        "POLL" => "IO",
        "IOT" => "ABRT",
        other => other,
    };
    format!("SIG{alias}").parse::<Signal>().ok().map(|s| s as i32)
}

/// kill(2): a process (> 0) or a process group (< -1). 0 and -1 would hit ourselves or everyone, and are refused.
pub fn kill(pid: i32, signal: i32) -> io::Result<()> {
    if pid == 0 || pid == -1 {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // SAFETY: integers only.
    crate::pidfd::cvt(i64::from(unsafe { libc::kill(pid, signal) })).map(drop)
}

/// sigqueue(3): as [`kill`], to one process, with a value that it can read from its siginfo.
pub fn queue(pid: i32, signal: i32, value: i32) -> io::Result<()> {
    if pid <= 0 {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let value = libc::sigval { sival_ptr: value as usize as *mut libc::c_void };
    // SAFETY: integers only; the pointer is never followed, it carries the number.
    crate::pidfd::cvt(i64::from(unsafe { libc::sigqueue(pid, signal, value) })).map(drop)
}

/// Blocks all signals in this thread for reading them from [`Signals`].
pub fn block_all() -> io::Result<()> {
    Ok(sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)?)
}

/// Unblocks all signals in this thread.
pub fn unblock_all() -> io::Result<()> {
    Ok(sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?)
}

/// Sets every signal back to its default action: the two that glibc keeps for itself too, which a starter may have ignored.
pub fn reset_dispositions() {
    /// Handler (0 is SIG_DFL), flags, restorer, mask.
    const DEFAULT: [u64; 4] = [0; 4];
    for signal in 1..=libc::SIGRTMAX() {
        if signal != libc::SIGKILL && signal != libc::SIGSTOP {
            let (new, old) = (DEFAULT.as_ptr(), std::ptr::null_mut::<u64>());
            // SAFETY: the kernel reads a sigaction, 32 bytes at most, and 8 is the size of its mask. SIG_DFL installs no code.
            unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, new, old, 8) };
        }
    }
}

/// The signals that this process ignores, the two that glibc keeps for itself among them.
pub(crate) fn ignored() -> Vec<i32> {
    let ignores = |signal: &i32| {
        // Handler, flags, restorer, mask.
        let mut action = [0_u64; 4];
        let (new, old) = (std::ptr::null::<u64>(), action.as_mut_ptr());
        // SAFETY: the kernel writes a sigaction, 32 bytes at most, and 8 is the size of its mask.
        let r = unsafe { libc::syscall(libc::SYS_rt_sigaction, *signal, new, old, 8) };
        let [handler, ..] = action;
        r == 0 && handler == libc::SIG_IGN as u64
    };
    (1..=libc::SIGRTMAX()).filter(ignores).collect()
}

/// Ignores a signal (SIG_IGN survives execve).
pub fn ignore(signal: i32) {
    // SAFETY: SIG_IGN installs no code.
    unsafe { libc::signal(signal, libc::SIG_IGN) };
}

/// A signal that arrived through [`Signals`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// Its number.
    pub signal: i32,
    /// Who sent it; 0 for the kernel or another PID namespace.
    pub sender: i32,
}

/// A signalfd(2) of all signals that were blocked with [`block_all`].
#[derive(Debug)]
pub struct Signals(SignalFd);

impl Signals {
    /// Opens it, non-blocking and CLOEXEC.
    pub fn all() -> io::Result<Self> {
        Ok(Self(SignalFd::with_flags(&SigSet::all(), SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?))
    }

    /// The next pending signal, if any.
    pub fn read(&self) -> io::Result<Option<Arrived>> {
        let info = self.0.read_signal()?;
        Ok(info.map(|i| Arrived { signal: i.ssi_signo as i32, sender: i.ssi_pid as i32 }))
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        let table = [
            ("SIGTERM", Some(15)),
            ("TERM", Some(15)),
            ("9", Some(9)),
            ("RTMIN+3", Some(rtmin() + 3)),
            ("SIGRTMAX-1", Some(libc::SIGRTMAX() - 1)),
            ("RTMIN", Some(rtmin())),
        ];
        for (text, expected) in table {
            assert_eq!(number(text), expected, "{text}");
        }
        for bad in ["", "SIG", "SIGNOPE", "0", "-1", "65", "RTMIN-1", "RTMIN+99", "RTMIN3", "RTMAX+1"] {
            assert_eq!(number(bad), None, "{bad}");
        }
        for n in (1..32).chain(rtmin()..=libc::SIGRTMAX()) {
            assert_eq!(name(n).as_deref().and_then(number), Some(n));
        }
    }
}
