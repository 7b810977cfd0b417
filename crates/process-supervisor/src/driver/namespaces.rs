//! What the processes of a run share: a private /tmp, network and IPC namespace, its own or those of a service that it joins
//! (`PrivateTmp=`, `PrivateNetwork=`, `PrivateIPC=`, `JoinsNamespaceOf=`).
//!
//! Each belongs to the unit that made it (a socket too, whose namespaces come with the start), which is written down with
//! it: only its name leads others there, so that who joins one that joined another gets one of its own, as in systemd. It
//! lives until the last service that uses it is down, and its owner finds it again if it is started before that.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use bus_api::message::NamedFd;
use bus_api::namespaces::{self, Offer};
use serde::{Deserialize, Serialize};
use sys::executor::{Namespace, PrivateTmp};
use sys::namespace::Kind;
use unit_parser::rows::unit as rows;

use super::Supervisor;
use super::held::{Held, HeldRecord};
use super::service::Service;

/// A private /tmp and /var/tmp.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    /// The service that made it.
    #[serde(default)]
    pub owner: String,
    /// Where it is.
    #[serde(flatten)]
    pub tmp: PrivateTmp,
}

/// What a service shares with others, or could. Of namespaces the name is that of the service that made it.
#[derive(Debug, Default)]
pub struct Shared {
    /// The private /tmp.
    pub tmp: Option<Places>,
    /// The network namespace.
    pub network: Option<Rc<Held>>,
    /// The IPC namespace.
    pub ipc: Option<Rc<Held>>,
    /// Those of other workers' units that came with the start, until it is decided.
    offers: Vec<Offer>,
}

/// What is on disk of that.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct SharedRecord {
    /// The network namespace.
    pub network: Option<HeldRecord>,
    /// The IPC namespace.
    pub ipc: Option<HeldRecord>,
}

impl Shared {
    /// What goes to disk.
    pub fn record(&self) -> SharedRecord {
        let of = |held: &Option<Rc<Held>>| held.as_ref().map(|held| held.record.clone());
        SharedRecord { network: of(&self.network), ipc: of(&self.ipc) }
    }

    fn of(&self, kind: Kind) -> Option<&Rc<Held>> {
        match kind {
            Kind::Network => self.network.as_ref(),
            Kind::Ipc => self.ipc.as_ref(),
        }
    }

    fn namespace(&mut self, kind: Kind) -> &mut Option<Rc<Held>> {
        match kind {
            Kind::Network => &mut self.network,
            Kind::Ipc => &mut self.ipc,
        }
    }
}

impl Supervisor {
    /// A start came with namespaces of sockets.
    pub(super) fn take_offers(&mut self, unit: &str, offers: Vec<Offer>) {
        if let Some(service) = self.services.get_mut(unit) {
            service.shared.offers = offers;
        }
    }

    /// The namespaces that a unit made, as starts of other workers' units take them.
    pub fn namespaces_of(&self, owner: &str) -> Vec<NamedFd> {
        let kinds = [Kind::Network, Kind::Ipc].into_iter();
        let found = kinds.filter_map(|kind| {
            let mut held = self.services.values().filter_map(|service| service.shared.of(kind));
            let fd = held.find(|held| held.record.name == owner)?.fd.try_clone().ok()?;
            Some((namespaces::name(kind.as_str(), owner), fd.into()))
        });
        found.collect()
    }

    /// A start begins: what its processes will share.
    pub(super) fn choose_shared(&mut self, unit: &str) {
        self.choose_private_tmp(unit);
        let Some(service) = self.services.get(unit) else { return };
        let wanted =
            [(Kind::Network, exec_job::network(&service.unit), 'w'), (Kind::Ipc, exec_job::ipc(&service.unit), 'i')];
        for (kind, namespace, letter) in wanted {
            let Some(namespace) = namespace else { continue };
            if self.services.get_mut(unit).is_none_or(|service| service.shared.namespace(kind).is_some()) {
                continue;
            }
            let found = self
                .owned(unit, |other| other.shared.of(kind).map(|held| (held.record.name.as_str(), held)))
                .cloned()
                .or_else(|| self.accept_offer(unit, kind, letter))
                .or_else(|| self.make(unit, kind, &namespace, letter));
            if let Some(service) = self.services.get_mut(unit) {
                *service.shared.namespace(kind) = found;
            }
        }
        self.take_offers(unit, Vec::new());
    }

    fn choose_private_tmp(&mut self, unit: &str) {
        let Some(service) = self.services.get(unit).filter(|service| service.shared.tmp.is_none()) else { return };
        let Some(tmp) = exec_job::private_tmp(&service.unit, &self.host.boot_id, &service.invocation) else { return };
        let found = self.owned(unit, |other| other.shared.tmp.as_ref().map(|places| (places.owner.as_str(), places)));
        let places = found.cloned().unwrap_or_else(|| Places { owner: unit.to_owned(), tmp });
        if let Some(service) = self.services.get_mut(unit) {
            service.shared.tmp = Some(places);
        }
    }

    /// What a service gets from others: that of one whose name it knows, or its own that somebody else still uses.
    fn owned<'a, T>(&'a self, unit: &str, of: impl Fn(&'a Service) -> Option<(&'a str, &'a T)>) -> Option<&'a T> {
        let joined = self.services.get(unit)?.unit.units(rows::JOINS_NAMESPACE_OF);
        let names = joined.iter().map(|name| {
            let alias = self.services.values().find(|other| other.unit.aliases.contains(name));
            alias.map_or(name, |other| &other.unit.name).as_str()
        });
        names.chain([unit]).find_map(|name| {
            let mut there = self.services.values().map(|service| &**service).filter_map(&of);
            there.find_map(|(owner, found)| (owner == name).then_some(found))
        })
    }

    /// One that came with the start.
    fn accept_offer(&mut self, unit: &str, kind: Kind, letter: char) -> Option<Rc<Held>> {
        let service = self.services.get_mut(unit)?;
        let at = service.shared.offers.iter().position(|offer| offer.kind == kind.as_str())?;
        let offer = service.shared.offers.swap_remove(at);
        let record = HeldRecord { id: service.fd_id(letter), name: offer.owner, poll: false };
        Some(Rc::new(Held::new(&self.host.runner, record, offer.fd.into())))
    }

    /// A new one, or the one that has a path. Where that fails, the executor tries again, and its process tells why.
    fn make(&mut self, unit: &str, kind: Kind, wanted: &Namespace, letter: char) -> Option<Rc<Held>> {
        let fd = match wanted {
            Namespace::New => sys::namespace::create(kind),
            Namespace::Path(path) => sys::namespace::open(kind, path),
            Namespace::Fd(_) => return None,
        };
        let fd = fd.inspect_err(|error| tracing::debug!(unit, "no {kind:?} namespace: {error}")).ok()?;
        let id = self.services.get_mut(unit)?.fd_id(letter);
        let record = HeldRecord { id, name: unit.to_owned(), poll: false };
        Some(Rc::new(Held::new(&self.host.runner, record, fd)))
    }

    /// A run is over: what it shared, unless somebody uses it.
    pub(super) fn release_shared(&mut self, unit: &str) {
        let Some(service) = self.services.get_mut(unit) else { return };
        let Shared { tmp, network, ipc, offers: _ } = std::mem::take(&mut service.shared);
        for held in [network, ipc].into_iter().flatten().filter_map(Rc::into_inner) {
            held.release(&self.host.runner);
        }
        let Some(places) = tmp else { return };
        if self.services.values().all(|other| other.shared.tmp.as_ref().is_none_or(|used| used.tmp != places.tmp)) {
            let PrivateTmp { tmp, var_tmp } = places.tmp;
            exec_job::remove_runtime(&[tmp, var_tmp]);
        }
    }

    /// Takes up the namespaces of a saved service: from the runner, from a service that shares them, or from a process.
    pub(super) fn restore_shared(&mut self, unit: &str, saved: SharedRecord, kept: &mut HashMap<String, OwnedFd>) {
        for (kind, record) in [(Kind::Network, saved.network), (Kind::Ipc, saved.ipc)] {
            let Some(record) = record else { continue };
            let known = self.services.values_mut().find_map(|other| {
                other.shared.namespace(kind).as_ref().filter(|held| held.record.id == record.id).cloned()
            });
            let held = known.or_else(|| match kept.remove(&record.id) {
                Some(fd) => Some(Rc::new(Held { record, fd })),
                None => {
                    let fd = self
                        .services
                        .get(unit)?
                        .processes
                        .keys()
                        .find_map(|pid| sys::namespace::of_process(kind, *pid).ok());
                    Some(Rc::new(Held::new(&self.host.runner, record, fd?)))
                }
            });
            if held.is_none() {
                tracing::warn!(unit, "its {kind:?} namespace did not come back");
            }
            if let Some(service) = self.services.get_mut(unit) {
                *service.shared.namespace(kind) = held;
            }
        }
    }
}
