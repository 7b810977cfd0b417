//! PrivateUsers=: a user namespace, in which few users but the process's own and the spawner's exist.

use super::report::At;
use super::{Failure, Job, PrivateUsers, Step, capabilities};
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Gid, Uid, fork, getpid, pipe};
use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;

/// Enters the namespace, in which the spawner's user and group exist. Later than all others, which would be less able in it,
/// and before the change of user, which comes with the loss of what the change needs.
pub(super) fn enter(job: &Job, spawner: (Uid, Gid)) -> Result<(), Failure> {
    let Some(wanted) = job.private_users.filter(|_| !job.full_privileges) else { return Ok(()) };
    let user = job.user.as_ref();
    let several = capabilities::can_change_users().at(Step::User, "capget")?;
    let uids = map(wanted, spawner.0.as_raw(), user.and_then(|user| user.uid).filter(|_| several));
    let gids = map(wanted, spawner.1.as_raw(), user.and_then(|user| user.gid).filter(|_| several));
    within(&uids, &gids).at(Step::User, "user namespace")
}

/// Lines of a map: first inside, first outside, how many.
fn map(wanted: PrivateUsers, spawner: u32, own: Option<u32>) -> String {
    match (wanted, own) {
        (PrivateUsers::Identity, _) => "0 0 65536\n".to_owned(),
        (PrivateUsers::Full, _) => format!("0 0 {}\n", u32::MAX),
        (PrivateUsers::Own, Some(own)) if own != spawner => format!("{spawner} {spawner} 1\n{own} {own} 1\n"),
        (PrivateUsers::Own, _) => format!("{spawner} {spawner} 1\n"),
    }
}

/// The maps are written by somebody who stays outside: from the inside only one's own user could be mapped.
fn within(uids: &str, gids: &str) -> io::Result<()> {
    let process = PathBuf::from(format!("/proc/{}", getpid()));
    let (read, write) = pipe()?;
    // SAFETY: this process has one thread.
    match unsafe { fork() }? {
        ForkResult::Child => {
            drop(write);
            // Its end is closed once the namespace is there, or by our death.
            let told = fs::File::from(read).read(&mut [0]);
            let mapped = told.and_then(|count| {
                if count == 0 {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
                }
                fs::write(process.join("uid_map"), uids)?;
                fs::write(process.join("setgroups"), "deny")?;
                fs::write(process.join("gid_map"), gids)
            });
            let status = mapped.err().map_or(0, |error| error.raw_os_error().unwrap_or(libc::EIO));
            // SAFETY: nothing of the parent's is to be run at this end.
            unsafe { libc::_exit(status) }
        }
        ForkResult::Parent { child } => {
            drop(read);
            let entered = unshare(CloneFlags::CLONE_NEWUSER);
            if entered.is_ok() {
                nix::unistd::write(&write, &[1])?;
            }
            drop(write);
            let ended = waitpid(child, None)?;
            entered?;
            match ended {
                WaitStatus::Exited(_, 0) => Ok(()),
                WaitStatus::Exited(_, status) => Err(io::Error::from_raw_os_error(status)),
                other => Err(io::Error::other(format!("the process that maps users: {other:?}"))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps() {
        for (wanted, own, lines) in [
            (PrivateUsers::Own, None, "0 0 1\n"),
            (PrivateUsers::Own, Some(0), "0 0 1\n"),
            (PrivateUsers::Own, Some(7), "0 0 1\n7 7 1\n"),
            (PrivateUsers::Identity, Some(7), "0 0 65536\n"),
            (PrivateUsers::Full, None, "0 0 4294967295\n"),
        ] {
            assert_eq!(map(wanted, 0, own), lines, "{wanted:?} {own:?}");
        }
    }
}
