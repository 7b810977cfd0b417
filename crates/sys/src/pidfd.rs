//! A process held by descriptor: no reuse of its number can be mistaken for it.

use crate::exit::ExitStatus;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// A pidfd and the PID that it was opened for (pidfd_open(2)). Readable once the process has ended.
#[derive(Debug)]
pub struct PidFd {
    fd: OwnedFd,
    pid: i32,
}

impl PidFd {
    /// Opens a process of this PID namespace. ESRCH when there is none.
    pub fn open(pid: i32) -> io::Result<Self> {
        // SAFETY: pidfd_open takes two integers and returns a new descriptor or -1.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        // SAFETY: a non-negative result is a descriptor that nobody else owns.
        cvt(fd).map(|fd| Self { fd: unsafe { OwnedFd::from_raw_fd(fd) }, pid })
    }

    /// Takes over a descriptor that came from elsewhere (SCM_RIGHTS, a fd store, clone3); the PID comes from fdinfo. ESRCH
    /// when the process has been reaped, EINVAL when the descriptor is no pidfd.
    pub fn from_fd(fd: OwnedFd) -> io::Result<Self> {
        match pid_of(fd.as_fd())? {
            pid if pid > 0 => Ok(Self { fd, pid }),
            _ => Err(io::Error::from_raw_os_error(libc::ESRCH)),
        }
    }

    /// As [`PidFd::from_fd`], for a process whose PID is known (it may have been reaped already).
    pub fn from_fd_of(fd: OwnedFd, pid: i32) -> Self {
        Self { fd, pid }
    }

    /// The PID, valid as long as the process is not reaped.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// A number that no other process of this boot has had under this PID: the descriptor's inode where the kernel has a file
    /// system for those (Linux 6.9), else when the process started ([`crate::process::start_time`]).
    ///
    /// # Errors
    /// On older kernels when the process is gone.
    pub fn identity(&self) -> io::Result<u64> {
        /// PID_FS_MAGIC, linux/magic.h
        const PID_FS_MAGIC: i64 = 0x5049_4446;
        let system = nix::sys::statfs::fstatfs(&self.fd)?;
        if system.filesystem_type().0 == PID_FS_MAGIC {
            return Ok(nix::sys::stat::fstat(&self.fd)?.st_ino);
        }
        crate::process::start_time(self.pid)
    }

    /// A second descriptor of the same process.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { fd: self.fd.try_clone()?, pid: self.pid })
    }

    /// Sends a signal; 0 only asks whether it could be sent. ESRCH when the process has been reaped.
    pub fn send_signal(&self, signal: i32) -> io::Result<()> {
        // SAFETY: plain integers and a null siginfo, which the kernel then fills in as kill(2) would.
        let r = unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.fd.as_raw_fd(),
                signal,
                std::ptr::null::<libc::siginfo_t>(),
                0,
            )
        };
        cvt(r).map(drop)
    }

    /// Whether the process has ended (a zombie has ended).
    pub fn ended(&self) -> bool {
        let mut poll = [nix::poll::PollFd::new(self.fd.as_fd(), nix::poll::PollFlags::POLLIN)];
        matches!(nix::poll::poll(&mut poll, nix::poll::PollTimeout::ZERO), Ok(n) if n > 0)
    }

    /// Reaps the process if it is our child and has ended. ECHILD when it is not our child (or was reaped already).
    pub fn reap(&self) -> io::Result<Option<ExitStatus>> {
        // SAFETY: zeroed siginfo is a valid value; waitid writes only into it.
        let (r, info) = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let r = libc::waitid(
                libc::P_PIDFD,
                self.fd.as_raw_fd() as libc::id_t,
                &mut info,
                libc::WEXITED | libc::WNOHANG,
            );
            (r, info)
        };
        cvt(i64::from(r))?;
        Ok(crate::reap::from_siginfo(&info).map(|(_, exit)| exit))
    }

    /// How the process ended, whoever reaps it: reaps it if it is our child, else asks the kernel (PIDFD_GET_INFO since
    /// 6.15 for reaped processes; /proc for zombies). `Ok(None)`: it still runs, or it ended and nobody can tell any more:
    /// [`PidFd::ended`] distinguishes.
    pub fn exit_status(&self) -> io::Result<Option<ExitStatus>> {
        if !self.ended() {
            return Ok(None);
        }
        match self.reap() {
            Ok(exit @ Some(_)) => return Ok(exit),
            Ok(None) => {}
            Err(e) if e.raw_os_error() == Some(libc::ECHILD) => {}
            Err(e) => return Err(e),
        }
        if let Some(exit) = self.recorded_exit() {
            return Ok(Some(exit));
        }
        if let Some(exit) = zombie_exit(self.pid)
            && pid_of(self.fd.as_fd()).is_ok_and(|pid| pid == self.pid)
        {
            return Ok(Some(exit));
        }
        Ok(self.recorded_exit()) // reaped between the two questions
    }

    /// The number that this process has for itself until the next boot: the inode of its pidfd. `None` before Linux 6.9,
    /// where all pidfds share one.
    pub fn id(&self) -> Option<u64> {
        let kind = nix::sys::statfs::fstatfs(&self.fd).ok()?.filesystem_type();
        (kind.0 as u64 == PIDFS).then(|| self.inode().ok()).flatten()
    }

    /// The inode of the pidfd: with the boot id it names this process for ever (pidfs, Linux 6.9; before, all share one).
    pub fn inode(&self) -> io::Result<u64> {
        Ok(nix::sys::stat::fstat(&self.fd)?.st_ino)
    }

    /// PIDFD_GET_INFO with PIDFD_INFO_EXIT: present once the process has been reaped, on Linux 6.15 and newer.
    fn recorded_exit(&self) -> Option<ExitStatus> {
        let mut info = PidfdInfo { mask: PIDFD_INFO_EXIT, ..PidfdInfo::default() };
        // SAFETY: the ioctl number encodes the size of PidfdInfo, so the kernel writes at most that many bytes into it.
        let r = unsafe { libc::ioctl(self.fd.as_raw_fd(), PIDFD_GET_INFO as _, &mut info) };
        (r == 0 && info.mask & PIDFD_INFO_EXIT != 0).then(|| ExitStatus::from_wait_word(info.exit_code))
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for PidFd {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl From<PidFd> for OwnedFd {
    fn from(pidfd: PidFd) -> Self {
        pidfd.fd
    }
}

/// PID_FS_MAGIC: the file system that pidfds have inodes of their own on.
pub(crate) const PIDFS: u64 = 0x5049_4446;

/// `struct pidfd_info` of linux/pidfd.h in its first published size, 64 bytes.
#[repr(C)]
#[derive(Default)]
struct PidfdInfo {
    mask: u64,
    cgroupid: u64,
    ids: [u32; 11],
    exit_code: i32,
}

const PIDFD_INFO_EXIT: u64 = 1 << 3;
/// `_IOWR(0xff, 11, struct pidfd_info)`.
const PIDFD_GET_INFO: u64 = (3 << 30) | ((size_of::<PidfdInfo>() as u64) << 16) | (0xff << 8) | 11;

/// The `Pid:` line of fdinfo: -1 when reaped, 0 when outside our PID namespace.
fn pid_of(fd: BorrowedFd<'_>) -> io::Result<i32> {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd()))?;
    info.lines()
        .find_map(|line| line.strip_prefix("Pid:"))
        .and_then(|pid| pid.trim().parse().ok())
        .ok_or_else(|| io::Error::from_raw_os_error(libc::EINVAL))
}

/// The exit code of a zombie. Processes that may not see it (another uid) read 0 there: only root and the same uid ask.
fn zombie_exit(pid: i32) -> Option<ExitStatus> {
    let stat = crate::process::Stat::read(pid).ok()?;
    (stat.state == 'Z').then(|| ExitStatus::from_wait_word(stat.exit_code))
}

/// -1 becomes the error that errno holds.
pub(crate) fn cvt(r: i64) -> io::Result<i32> {
    if r < 0 { Err(io::Error::last_os_error()) } else { Ok(r as i32) }
}
