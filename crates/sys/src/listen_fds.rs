//! The receiving side of socket activation (sd_listen_fds(3)).

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::sync::Mutex;

/// First passed descriptor, SD_LISTEN_FDS_START.
pub const START: RawFd = 3;

/// Variable of our launcher: the first passed descriptor is a file with the names, since no variable can hold the names of
/// thousands ([`NAMES_LIMIT`]). It is none of the descriptors that [`listen_fds`] returns.
pub const NAMES_FILE: &str = "QUINTET_FDNAMES_FILE";

/// What fits into a variable, in bytes: the kernel allows 128 KiB, name and NUL included (execve(2)).
pub const NAMES_LIMIT: usize = 96 * 1024;

/// A descriptor that our starter passed, with its name from LISTEN_FDNAMES (`unknown` when it has none).
#[derive(Debug)]
pub struct NamedFd {
    /// Name: `FileDescriptorName=`, or what was stored with FDNAME=.
    pub name: String,
    /// The descriptor, made CLOEXEC.
    pub fd: OwnedFd,
}

/// Takes the descriptors in LISTEN_FDS, in order, if LISTEN_PID is our PID. Works once: later calls return nothing, so that
/// no descriptor gets two owners. The variables stay in the environment (whoever execs children clears theirs).
pub fn listen_fds() -> Vec<NamedFd> {
    static TAKEN: Mutex<bool> = Mutex::new(false);
    let Ok(mut taken) = TAKEN.lock() else {
        return Vec::new();
    };
    if std::mem::replace(&mut *taken, true) {
        return Vec::new();
    }
    let var = |name| std::env::var(name).ok();
    let names = parse(var("LISTEN_PID"), var("LISTEN_FDS"), var("LISTEN_FDNAMES"), std::process::id());
    let mut fds = take(names);
    if var(NAMES_FILE).is_some() && !fds.is_empty() {
        let mut text = String::new();
        if File::from(fds.remove(0).fd).read_to_string(&mut text).is_ok() {
            for (passed, name) in fds.iter_mut().zip(text.split(':')) {
                name.clone_into(&mut passed.name);
            }
        }
    }
    fds
}

/// Whatever else our starter left open beyond standard error stays with us: no program that we start gets it.
///
/// # Errors
/// Without close_range(2) (Linux 5.11) and without /proc.
pub fn keep_others() -> io::Result<()> {
    // SAFETY: no pointers; nothing is closed before an exec.
    if unsafe { libc::syscall(libc::SYS_close_range, START, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) } == 0 {
        return Ok(());
    }
    for entry in std::fs::read_dir("/proc/self/fd")?.flatten() {
        let fd = entry.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok());
        if let Some(fd) = fd.filter(|fd| *fd >= START) {
            // SAFETY: no pointers; a number that isn't open is an error, which changes nothing.
            unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
    Ok(())
}

fn take(names: Vec<String>) -> Vec<NamedFd> {
    let mut fds = Vec::with_capacity(names.len());
    for (fd, name) in (START..).zip(names) {
        // A variable can lie: only what is open is taken.
        // SAFETY: F_SETFD on a number; fails with EBADF when it is not open.
        if unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
            continue;
        }
        // SAFETY: the descriptor is open, was made by our starter, and listen_fds makes this its only owner.
        fds.push(NamedFd { name, fd: unsafe { OwnedFd::from_raw_fd(fd) } });
    }
    fds
}

/// No process has more descriptors (fs.nr_open).
const MOST: u32 = 1 << 20;

/// One name per descriptor; empty when the variables are not for us.
fn parse(pid: Option<String>, count: Option<String>, names: Option<String>, own_pid: u32) -> Vec<String> {
    let number = |text: Option<String>| text.and_then(|t| t.parse::<u32>().ok());
    if number(pid) != Some(own_pid) {
        return Vec::new();
    }
    let count = number(count).unwrap_or(0).min(MOST) as usize;
    let names = names.unwrap_or_default();
    let mut given = names.split(':').map(str::to_owned);
    let next = |_| given.next().filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned());
    (0..count).map(next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_counts() {
        let table: [(&str, &str, Option<&str>, &[&str]); 5] = [
            ("7", "2", Some("a:b"), &["a", "b"]),
            ("7", "2", Some("a"), &["a", "unknown"]),
            ("7", "1", None, &["unknown"]),
            ("8", "2", Some("a:b"), &[]),
            ("7", "-1", Some("a"), &[]),
        ];
        for (pid, count, names, expected) in table {
            let got = parse(Some(pid.into()), Some(count.into()), names.map(Into::into), 7);
            assert_eq!(got, expected, "{pid} {count} {names:?}");
        }
    }
}
