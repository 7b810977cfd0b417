//! Namespaces: PrivateNetwork=, NetworkNamespacePath=, PrivateIPC=, ProtectHostname=, and the mount namespace of the file system directives.

mod apply;
mod devices;
mod plan;

use super::report::At;
use super::{Failure, Job, Step};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// Enters all namespaces that the job asks for. `+` keeps the spawner's file system.
pub(super) fn enter(job: &Job) -> Result<(), Failure> {
    if let Some(path) = &job.network_namespace {
        let opened = File::open(path).map(OwnedFd::from);
        let joined = opened.and_then(|fd| Ok(setns(fd, CloneFlags::CLONE_NEWNET)?));
        joined.at(Step::Network, path.display().to_string())?;
    } else if job.private_network {
        unshare(CloneFlags::CLONE_NEWNET).at(Step::Network, "network namespace")?;
        loopback_up().at(Step::Network, "loopback device")?;
    }
    if job.private_ipc {
        unshare(CloneFlags::CLONE_NEWIPC).at(Step::Namespace, "IPC namespace")?;
    }
    if job.full_privileges {
        return Ok(());
    }
    if job.protect_hostname {
        unshare(CloneFlags::CLONE_NEWUTS).at(Step::Namespace, "UTS namespace")?;
    }
    match &job.namespace {
        Some(wanted) => {
            unshare(CloneFlags::CLONE_NEWNS).at(Step::Namespace, "mount namespace")?;
            apply::apply(&plan::plan(wanted, &job.directories), job.root_directory.as_deref())
        }
        None => Ok(()),
    }
}

/// RootDirectory=.
pub(super) fn change_root(job: &Job) -> Result<(), Failure> {
    let Some(root) = job.root_directory.as_ref().filter(|_| !job.full_privileges) else { return Ok(()) };
    let chroot = nix::unistd::chroot(root).map_err(io::Error::from).and_then(|()| std::env::set_current_dir("/"));
    chroot.at(Step::Chroot, root.display().to_string())
}

/// SIOCSIFFLAGS on `lo`: a new network namespace has it, but down.
fn loopback_up() -> io::Result<()> {
    let any = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    // SAFETY: an all-zero ifreq is valid; only name and flags are set.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: SIOCSIFFLAGS reads one ifreq.
    let r = unsafe { libc::ioctl(any.as_raw_fd(), libc::SIOCSIFFLAGS as _, &request) };
    crate::pidfd::cvt(i64::from(r)).map(drop)
}
