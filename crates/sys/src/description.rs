//! Whether two descriptors are one open file (open(2), "open file description").

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// fcntl(2), Linux 6.10: 1 if the argument is a descriptor of the same open file.
const F_DUPFD_QUERY: libc::c_int = 1024 + 3;
/// kcmp(2).
const KCMP_FILE: libc::c_int = 0;

/// Whether both descriptors are copies of one. Files that were opened twice are not; kernels that can tell nobody (or may not,
/// in a sandbox) have files judged by device and inode, and what has none of its own, such as an eventfd, as different.
pub fn is_same(a: impl AsFd, b: impl AsFd) -> bool {
    let (a, b) = (a.as_fd(), b.as_fd());
    // SAFETY: integers only.
    let answer = unsafe { libc::fcntl(a.as_raw_fd(), F_DUPFD_QUERY, b.as_raw_fd()) };
    if answer >= 0 {
        return answer == 1;
    }
    let own = std::process::id();
    // SAFETY: integers only; kcmp compares the numbers of kernel objects, and changes nothing.
    let order = unsafe { libc::syscall(libc::SYS_kcmp, own, own, KCMP_FILE, a.as_raw_fd(), b.as_raw_fd()) };
    if order >= 0 {
        return order == 0;
    }
    let key = |fd: std::os::fd::BorrowedFd<'_>| -> io::Result<_> {
        let stat = nix::sys::stat::fstat(fd)?;
        Ok((stat.st_mode & libc::S_IFMT, stat.st_dev, stat.st_ino, stat.st_rdev))
    };
    match (key(a), key(b)) {
        // Anonymous inodes have no type.
        (Ok(a), Ok(b)) => a == b && a.0 != 0,
        (Err(_), _) | (_, Err(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn copies_and_others() {
        let file = File::open("/proc/self/exe").unwrap();
        assert!(is_same(&file, file.try_clone().unwrap()));
        assert!(is_same(&file, &file));
        assert!(!is_same(&file, File::open("/dev/null").unwrap()));
        let event = || nix::sys::eventfd::EventFd::new().unwrap();
        assert!(!is_same(event(), event()), "one inode, two files");
    }

    #[test]
    fn opened_twice() {
        // What can't be told apart by inode is by the kernel, where it tells.
        let (one, two) = (File::open("/proc/self/exe").unwrap(), File::open("/proc/self/exe").unwrap());
        // SAFETY: integers only.
        let told = unsafe { libc::fcntl(one.as_raw_fd(), F_DUPFD_QUERY, two.as_raw_fd()) } >= 0;
        if told {
            assert!(!is_same(&one, &two));
        }
    }
}
