//! LISTEN_FDS from 3 on, and nothing else.

use super::report::At;
use super::run::Channels;
use super::{Failure, Job, Step};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::os::fd::RawFd;

/// First descriptor after standard input, output and error.
pub(crate) const FIRST: RawFd = 3;

/// Puts the job's descriptors at 3, 4, ... and closes all others but the channels, which move up and close on exec.
///
/// In place: a daemon that gets thousands back must not need room for twice as many.
pub(super) fn arrange(job: &Job, channels: &mut Channels) -> Result<(), Failure> {
    let end = FIRST + job.fds.len() as RawFd;
    let away = |fd: RawFd| above(fd, end).at(Step::Fds, format!("descriptor {fd}"));
    let log = channels.log.map(away).transpose()?;
    let report = channels.report.map(away).transpose()?;
    *channels = Channels { log, report };
    let sources: Vec<RawFd> = job.fds.iter().map(|passed| passed.fd).collect();
    let mut parked = None;
    for step in plan(FIRST, &sources) {
        let name = |target: RawFd| job.fds.get((target - FIRST) as usize).map_or("", |passed| passed.name.as_str());
        match step {
            Move::Keep(target) => {
                // SAFETY: changes a flag of a number, or fails if it is not open.
                cvt(unsafe { libc::fcntl(target, libc::F_SETFD, 0) }).at(Step::Fds, name(target))?;
            }
            Move::Copy(source, target) => {
                // SAFETY: dup2 onto numbers that this program owns; the new descriptor is without CLOEXEC.
                cvt(unsafe { libc::dup2(source, target) }).at(Step::Fds, name(target))?;
            }
            Move::Park(target) => parked = Some(away(target)?),
            Move::Unpark(target) => {
                if let Some(source) = parked.take() {
                    // SAFETY: as above; the parked copy is nobody else's.
                    cvt(unsafe { libc::dup2(source, target) }).at(Step::Fds, name(target))?;
                    // SAFETY: as above.
                    unsafe { libc::close(source) };
                }
            }
        }
    }
    let mut keep: Vec<RawFd> = log.into_iter().chain(report).collect();
    keep.sort_unstable();
    close_others(end, &keep).at(Step::Fds, "close_range")
}

/// One step of putting descriptors in their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    /// It is there already.
    Keep(RawFd),
    /// A copy of the first at the second, whose old content nobody needs any more.
    Copy(RawFd, RawFd),
    /// The content of this one goes out of the way: it is the last of a circle.
    Park(RawFd),
    /// What was parked belongs here.
    Unpark(RawFd),
}

/// The order in which `sources` get to `first`, the next, ... so that no content is overwritten while it is needed.
pub(crate) fn plan(first: RawFd, sources: &[RawFd]) -> Vec<Move> {
    let mut steps = Vec::with_capacity(sources.len());
    let mut users: HashMap<RawFd, usize> = HashMap::with_capacity(sources.len());
    let mut open: BTreeMap<RawFd, RawFd> = BTreeMap::new();
    for (target, source) in (first..).zip(sources.iter().copied()) {
        if source == target {
            steps.push(Move::Keep(target));
        } else {
            open.insert(target, source);
            *users.entry(source).or_default() += 1;
        }
    }
    let needed = |users: &HashMap<RawFd, usize>, fd| users.get(&fd).is_some_and(|count| *count > 0);
    let mut free: Vec<RawFd> = open.keys().copied().filter(|target| !needed(&users, *target)).collect();
    loop {
        while let Some(target) = free.pop() {
            let Some(source) = open.remove(&target) else { continue };
            steps.push(Move::Copy(source, target));
            if let Some(count) = users.get_mut(&source) {
                *count -= 1;
                if *count == 0 && open.contains_key(&source) {
                    free.push(source);
                }
            }
        }
        // What is left goes in circles, every number needed once.
        let Some((first, _)) = open.iter().next() else { return steps };
        let first = *first;
        steps.push(Move::Park(first));
        let mut target = first;
        while let Some(source) = open.remove(&target) {
            if source == first {
                steps.push(Move::Unpark(target));
                break;
            }
            steps.push(Move::Copy(source, target));
            target = source;
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What the numbers hold after the steps, when each began with itself.
    fn after(sources: &[RawFd]) -> Vec<RawFd> {
        let mut content: BTreeMap<RawFd, RawFd> = (0..50).map(|fd| (fd, fd)).collect();
        let mut parked = None;
        for step in plan(FIRST, sources) {
            match step {
                Move::Keep(target) => assert_eq!(content[&target], target),
                Move::Copy(source, target) => drop(content.insert(target, content[&source])),
                Move::Park(target) => assert_eq!(parked.replace(content[&target]), None),
                Move::Unpark(target) => drop(content.insert(target, parked.take().expect("parked"))),
            }
        }
        assert_eq!(parked, None);
        (FIRST..).take(sources.len()).map(|target| content[&target]).collect()
    }

    #[test]
    fn nothing_is_overwritten_while_it_is_needed() {
        let table: [&[RawFd]; 9] = [
            &[],
            &[3, 4],
            &[4, 3],
            &[4, 5, 3],
            &[9, 3, 4],
            &[4, 4, 4],
            &[5, 5, 3, 3],
            &[4, 3, 6, 5, 7, 20],
            &[6, 3, 3, 4, 8, 7, 10, 11, 9],
        ];
        for sources in table {
            assert_eq!(after(sources), sources, "{sources:?}");
        }
    }

    #[test]
    fn any_arrangement() {
        let mut seed = 1u64;
        for _ in 0..2000 {
            let mut next = || {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (seed >> 33) as RawFd
            };
            let count = next() % 12;
            let sources: Vec<RawFd> = (0..count).map(|_| FIRST + next() % 14).collect();
            assert_eq!(after(&sources), sources, "{sources:?}");
        }
    }
}
