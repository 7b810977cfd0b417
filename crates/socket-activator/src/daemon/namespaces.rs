//! The network and IPC namespace of a unit (`PrivateNetwork=`, `NetworkNamespacePath=`, `PrivateIPC=`, `IPCNamespacePath=`):
//! its sockets are opened in the first, its commands run in both. One of each from start to stop, with a copy at the runner.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use sys::executor::Namespace;
use sys::namespace::Kind;

use super::Daemon;
use super::store::{self, Stored};

/// Those that a unit has while it is up.
#[derive(Debug, Default)]
pub struct Namespaces {
    /// Where its sockets are.
    pub network: Option<OwnedFd>,
    /// Where its commands find System V objects and message queues.
    pub ipc: Option<OwnedFd>,
}

impl Namespaces {
    /// The place of one kind.
    pub fn of(&mut self, kind: Kind) -> &mut Option<OwnedFd> {
        match kind {
            Kind::Network => &mut self.network,
            Kind::Ipc => &mut self.ipc,
        }
    }
}

impl Daemon {
    /// Makes or opens the namespace that a unit asks for, unless it has it.
    pub(crate) fn need_namespace(&mut self, name: &str, kind: Kind) -> io::Result<()> {
        let Some(unit) = self.units.get_mut(name) else { return Ok(()) };
        let wanted = match kind {
            Kind::Network => exec_job::network(&unit.unit),
            Kind::Ipc => exec_job::ipc(&unit.unit),
        };
        let place = unit.namespaces.of(kind);
        let (Some(wanted), None) = (wanted, &place) else { return Ok(()) };
        let fd = match wanted {
            Namespace::New => sys::namespace::create(kind)?,
            Namespace::Path(path) => sys::namespace::open(kind, path.as_ref())?,
            Namespace::Fd(_) => return Ok(()),
        };
        self.runner.store(&store::name(name, &Stored::Namespace(kind)), &[fd.as_fd()], false);
        *place = Some(fd);
        Ok(())
    }

    /// The unit is down.
    pub(crate) fn release_namespaces(&mut self, name: &str) {
        let Some(unit) = self.units.get_mut(name) else { return };
        for kind in [Kind::Network, Kind::Ipc] {
            if unit.namespaces.of(kind).take().is_some() {
                self.runner.remove(&store::name(name, &Stored::Namespace(kind)));
            }
        }
    }
}
