//! Reaping of children, known ones and orphans that were handed to us (waitid(2)).

use crate::exit::ExitStatus;
use std::io;

/// Reaps one ended child, whichever. `Ok(None)` when none has ended, or there are no children.
pub fn any() -> io::Result<Option<(i32, ExitStatus)>> {
    wait_any(0)
}

/// Looks at one ended child without reaping it: its PID and /proc entry stay valid until [`any`] or `PidFd::reap`.
pub fn peek_any() -> io::Result<Option<(i32, ExitStatus)>> {
    wait_any(libc::WNOWAIT)
}

fn wait_any(flags: i32) -> io::Result<Option<(i32, ExitStatus)>> {
    // SAFETY: zeroed siginfo is a valid value; waitid writes only into it.
    let (r, info) = unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let r = libc::waitid(libc::P_ALL, 0, &mut info, libc::WEXITED | libc::WNOHANG | flags);
        (r, info)
    };
    match crate::pidfd::cvt(i64::from(r)) {
        Err(e) if e.raw_os_error() == Some(libc::ECHILD) => Ok(None),
        Err(e) => Err(e),
        Ok(_) => Ok(from_siginfo(&info)),
    }
}

/// `None` when waitid returned without a child (si_pid 0).
pub(crate) fn from_siginfo(info: &libc::siginfo_t) -> Option<(i32, ExitStatus)> {
    // SAFETY: waitid fills the SIGCHLD variant, or leaves it zeroed.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    if pid == 0 {
        return None;
    }
    ExitStatus::from_code(info.si_code, status).map(|exit| (pid, exit))
}
