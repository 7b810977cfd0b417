//! Namespaces: those of network and IPC that the processes of a unit share, ProtectHostname=, and the mount namespace of the
//! file system directives.

mod apply;
mod devices;
mod plan;

use super::report::At;
use super::{Failure, Job, Namespace, Step};
use crate::namespace::Kind;
use nix::sched::{CloneFlags, setns, unshare};
use std::io;
use std::os::fd::BorrowedFd;

/// Enters all namespaces that the job asks for. `+` keeps the spawner's file system.
pub(super) fn enter(job: &Job) -> Result<(), Failure> {
    if let Some(wanted) = &job.network {
        share(Kind::Network, wanted).at(Step::Network, name("network namespace", wanted))?;
    }
    if let Some(wanted) = &job.ipc {
        share(Kind::Ipc, wanted).at(Step::Namespace, name("IPC namespace", wanted))?;
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
            apply::apply(&plan::plan(wanted, &job.directories), job.root_directory.as_deref(), wanted.propagation)
        }
        None => Ok(()),
    }
}

fn share(kind: Kind, wanted: &Namespace) -> io::Result<()> {
    match wanted {
        Namespace::New => crate::namespace::enter_new(kind),
        Namespace::Path(path) => Ok(setns(crate::namespace::open(kind, path)?, kind.flag())?),
        Namespace::Fd(fd) => {
            // SAFETY: the spawner keeps it open for us, and nothing closes it before the service's descriptors are arranged.
            let fd = unsafe { BorrowedFd::borrow_raw(*fd) };
            Ok(setns(fd, kind.flag())?)
        }
    }
}

fn name(kind: &str, wanted: &Namespace) -> String {
    match wanted {
        Namespace::New | Namespace::Fd(_) => kind.to_owned(),
        Namespace::Path(path) => path.display().to_string(),
    }
}

/// RootDirectory=.
pub(super) fn change_root(job: &Job) -> Result<(), Failure> {
    let Some(root) = job.root_directory.as_ref().filter(|_| !job.full_privileges) else { return Ok(()) };
    let chroot = nix::unistd::chroot(root).map_err(io::Error::from).and_then(|()| std::env::set_current_dir("/"));
    chroot.at(Step::Chroot, root.display().to_string())
}
