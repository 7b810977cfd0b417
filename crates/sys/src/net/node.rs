//! FIFOs, POSIX message queues and the umask they are made with.

use std::ffi::CString;
use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, FcntlArg, fcntl};
use nix::sys::stat::{Mode, UtimensatFlags, umask, utimensat};
use nix::sys::time::TimeSpec;

/// Runs `make` under a umask that leaves exactly the bits of `mode`, and puts the old one back. For single-threaded
/// daemons: the umask belongs to the process.
pub fn with_umask<T>(mode: u32, make: impl FnOnce() -> T) -> T {
    let old = umask(Mode::from_bits_truncate(!mode & 0o777));
    let made = make();
    umask(old);
    made
}

/// mkfifo(3), subject to the umask.
pub fn mkfifo(path: &Path, mode: u32) -> io::Result<()> {
    Ok(nix::unistd::mkfifo(path, Mode::from_bits_truncate(mode))?)
}

/// Capacity of a pipe or FIFO in bytes (`F_SETPIPE_SZ`; rounded up by the kernel).
pub fn set_pipe_size(fd: BorrowedFd<'_>, bytes: usize) -> io::Result<()> {
    let bytes = i32::try_from(bytes).map_err(|_| Errno::EINVAL)?;
    fcntl(fd, FcntlArg::F_SETPIPE_SZ(bytes))?;
    Ok(())
}

/// mq_open(3) for reading, made if needed; `attributes` are maximal messages and message size (both or none).
pub fn mq_open(name: &str, mode: u32, attributes: Option<(i64, i64)>) -> io::Result<OwnedFd> {
    let name = CString::new(name).map_err(|_| Errno::EINVAL)?;
    let flags = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_CREAT;
    // SAFETY: mq_attr is plain data for which all zeroes is a value.
    let mut attr: libc::mq_attr = unsafe { std::mem::zeroed() };
    if let Some((messages, size)) = attributes {
        attr.mq_maxmsg = messages as _;
        attr.mq_msgsize = size as _;
    }
    let attr = attributes.map_or(std::ptr::null(), |_| &raw const attr);
    // SAFETY: name is a C string, attr null or valid, both live through the call; mode is passed as C promotes it.
    let fd = unsafe { libc::mq_open(name.as_ptr(), flags, mode as libc::c_uint, attr) };
    // SAFETY: on Linux a message queue descriptor is a file descriptor (mq_overview(7)); fresh, nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(Errno::result(fd)?) })
}

/// mq_unlink(3).
pub fn mq_unlink(name: &str) -> io::Result<()> {
    let name = CString::new(name).map_err(|_| Errno::EINVAL)?;
    // SAFETY: name is a C string that lives through the call.
    Errno::result(unsafe { libc::mq_unlink(name.as_ptr()) })?;
    Ok(())
}

/// Owner and group of the files that this process makes (effective uid and gid).
pub fn node_owner() -> (u32, u32) {
    (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw())
}

/// Sets a file's times to now, which wakes those who watch it with inotify. Doesn't open it, so it works on sockets.
pub fn touch(path: &Path) -> io::Result<()> {
    let now = TimeSpec::new(0, libc::UTIME_NOW);
    Ok(utimensat(AT_FDCWD, path, &now, &now, UtimensatFlags::NoFollowSymlink)?)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_fifos_size_and_mode() {
        let dir = std::env::temp_dir().join(format!("sys-node-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("f");
        with_umask(0o640, || mkfifo(&path, 0o640)).unwrap();
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        let file = std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
        set_pipe_size(file.as_fd(), 8192).unwrap();
        assert_eq!(fcntl(&file, FcntlArg::F_GETPIPE_SZ).unwrap(), 8192);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
