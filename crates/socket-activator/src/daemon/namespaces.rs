//! The network and IPC namespace of a unit (`PrivateNetwork=`, `NetworkNamespacePath=`, `PrivateIPC=`, `IPCNamespacePath=`,
//! `JoinsNamespaceOf=`): its sockets are opened in the first, its commands run in both. One of each from start to stop, with
//! a copy at the runner.
//!
//! Each belongs to the unit that made it: only that one's name leads others there. A unit finds its own again while another
//! uses it, be that a socket here or a service, whose namespaces come with the start.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use bus_api::message::NamedFd;
use bus_api::namespaces::{self, Offer};
use serde::{Deserialize, Serialize};
use sys::executor::Namespace;
use sys::namespace::Kind;
use unit_parser::rows::unit as rows;

use super::Daemon;
use super::store::{self, Stored};

/// A namespace, and who made it.
#[derive(Debug, Clone)]
pub struct Held {
    /// The unit that made it.
    pub owner: String,
    /// It.
    pub fd: Rc<OwnedFd>,
}

/// Those that a unit has while it is up.
#[derive(Debug, Default)]
pub struct Namespaces {
    /// Where its sockets are.
    pub network: Option<Held>,
    /// Where its commands find System V objects and message queues.
    pub ipc: Option<Held>,
    /// Those of other workers' units that came with the start.
    pub offers: Vec<Offer>,
}

/// Who made those that a unit has, on disk; the unit itself where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Owners {
    network: Option<String>,
    ipc: Option<String>,
}

impl Namespaces {
    /// The place of one kind.
    pub fn place(&mut self, kind: Kind) -> &mut Option<Held> {
        match kind {
            Kind::Network => &mut self.network,
            Kind::Ipc => &mut self.ipc,
        }
    }

    /// That of one kind.
    pub fn of(&self, kind: Kind) -> Option<&Held> {
        match kind {
            Kind::Network => self.network.as_ref(),
            Kind::Ipc => self.ipc.as_ref(),
        }
    }

    /// What goes to disk.
    pub fn owners(&self) -> Owners {
        let owner = |held: &Option<Held>| held.as_ref().map(|held| held.owner.clone());
        Owners { network: owner(&self.network), ipc: owner(&self.ipc) }
    }
}

impl Owners {
    /// Who made the one of that kind, which `unit` has.
    pub fn of(&self, kind: Kind, unit: &str) -> String {
        let owner = match kind {
            Kind::Network => &self.network,
            Kind::Ipc => &self.ipc,
        };
        owner.clone().unwrap_or_else(|| unit.to_owned())
    }
}

impl Daemon {
    /// Finds, makes or opens the namespace that a unit asks for, unless it has it.
    pub(crate) fn need_namespace(&mut self, name: &str, kind: Kind) -> io::Result<()> {
        let Some(unit) = self.units.get(name) else { return Ok(()) };
        let wanted = match kind {
            Kind::Network => exec_job::network(&unit.unit),
            Kind::Ipc => exec_job::ipc(&unit.unit),
        };
        let (Some(wanted), None) = (wanted, unit.namespaces.of(kind)) else { return Ok(()) };
        let held = match self.shared(name, kind) {
            Some(held) => held,
            None => {
                let fd = match wanted {
                    Namespace::New => sys::namespace::create(kind)?,
                    Namespace::Path(path) => sys::namespace::open(kind, path.as_ref())?,
                    Namespace::Fd(_) => return Ok(()),
                };
                Held { owner: name.to_owned(), fd: Rc::new(fd) }
            }
        };
        self.runner.store(&store::name(name, &Stored::Namespace(kind)), &[held.fd.as_fd()], false);
        if let Some(unit) = self.units.get_mut(name) {
            *unit.namespaces.place(kind) = Some(held);
        }
        Ok(())
    }

    /// One that another unit made and this one joins, or its own that somebody else still uses.
    fn shared(&mut self, name: &str, kind: Kind) -> Option<Held> {
        let joined = self.units.get(name)?.unit.units(rows::JOINS_NAMESPACE_OF);
        let names = joined.iter().map(|joined| {
            let alias = self.units.values().find(|other| other.unit.aliases.contains(joined));
            alias.map_or(joined.as_str(), |other| &other.name)
        });
        let found = names.chain([name]).find_map(|owner| self.made_by(owner, kind));
        if let Some(found) = found {
            return Some(found.clone());
        }
        let offers = &mut self.units.get_mut(name)?.namespaces.offers;
        let at = offers.iter().position(|offer| offer.kind == kind.as_str())?;
        let offer = offers.swap_remove(at);
        Some(Held { owner: offer.owner, fd: Rc::new(offer.fd.into()) })
    }

    fn made_by(&self, owner: &str, kind: Kind) -> Option<&Held> {
        self.units.values().filter_map(|unit| unit.namespaces.of(kind)).find(|held| held.owner == owner)
    }

    /// The namespaces that a unit made, as starts of other workers' units take them.
    pub(crate) fn namespaces_of(&self, owner: &str) -> Vec<NamedFd> {
        let found = [Kind::Network, Kind::Ipc].into_iter().filter_map(|kind| {
            let fd = self.made_by(owner, kind)?.fd.try_clone().ok()?;
            Some((namespaces::name(kind.as_str(), owner), fd.into()))
        });
        found.collect()
    }

    /// The unit is down.
    pub(crate) fn release_namespaces(&mut self, name: &str) {
        let Some(unit) = self.units.get_mut(name) else { return };
        unit.namespaces.offers.clear();
        for kind in [Kind::Network, Kind::Ipc] {
            if unit.namespaces.place(kind).take().is_some() {
                self.runner.remove(&store::name(name, &Stored::Namespace(kind)));
            }
        }
    }
}
