//! LISTEN_FDS from 3 on, and nothing else.

use super::report::At;
use super::run::Channels;
use super::{Failure, Job, Step};
use std::io;
use std::os::fd::RawFd;

/// First descriptor after standard input, output and error.
const FIRST: RawFd = 3;

/// Puts the job's descriptors at 3, 4, ... and closes all others but the channels, which move up and close on exec.
pub(super) fn arrange(job: &Job, channels: &mut Channels) -> Result<(), Failure> {
    let end = FIRST + job.fds.len() as RawFd;
    let away = |fd: RawFd| above(fd, end).at(Step::Fds, format!("descriptor {fd}"));
    // First everything goes out of the way, so that no target is still somebody's source.
    let mut sources = Vec::with_capacity(job.fds.len());
    for passed in &job.fds {
        sources.push(above(passed.fd, end).at(Step::Fds, &passed.name)?);
    }
    let log = channels.log.map(away).transpose()?;
    let report = channels.report.map(away).transpose()?;
    for (target, (source, passed)) in (FIRST..).zip(sources.iter().zip(&job.fds)) {
        // SAFETY: dup2 onto numbers that this program owns; the new descriptor is without CLOEXEC.
        cvt(unsafe { libc::dup2(*source, target) }).at(Step::Fds, &passed.name)?;
    }
    *channels = Channels { log, report };
    let mut keep: Vec<RawFd> = log.into_iter().chain(report).collect();
    keep.sort_unstable();
    close_others(end, &keep).at(Step::Fds, "close_range")
}

/// A CLOEXEC copy at `floor` or above.
fn above(fd: RawFd, floor: RawFd) -> io::Result<RawFd> {
    // SAFETY: makes a new descriptor, or fails for a number that is not open.
    cvt(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, floor) })
}

/// Closes everything from `from` on that is not in `keep` (sorted, all >= from).
fn close_others(from: RawFd, keep: &[RawFd]) -> io::Result<()> {
    let mut start = from;
    for fd in keep.iter().copied() {
        if fd > start {
            close_range(start as u32, fd as u32 - 1)?;
        }
        start = fd + 1;
    }
    close_range(start as u32, u32::MAX)
}

/// close_range(2) (Linux 5.9), else one by one.
fn close_range(first: u32, last: u32) -> io::Result<()> {
    // SAFETY: everything in the range belongs to this program, and no owned type refers to it any more.
    if unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } == 0 {
        return Ok(());
    }
    let open: Vec<u32> =
        std::fs::read_dir("/proc/self/fd")?.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
    for fd in open.into_iter().filter(|fd| (first..=last).contains(fd)) {
        // SAFETY: as above; the directory's own descriptor is closed already and answers EBADF.
        unsafe { libc::close(fd as RawFd) };
    }
    Ok(())
}

fn cvt(r: i32) -> io::Result<RawFd> {
    crate::pidfd::cvt(i64::from(r))
}
