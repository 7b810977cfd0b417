//! What clients on the message bus want to hear of and hold: subscriptions, jobs they asked for, units they reference.
//!
//! A bus client is known by its unique name, which the bus gives to nobody else for as long as it lives; so all this is
//! saved, and is good again for a broker that comes back on the same bus.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use unit_parser::UnitName;

/// What a signal is about.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    /// The manager: for subscribers.
    Manager,
    /// A unit: for whoever references it, too.
    Unit(&'a UnitName),
    /// A job: for whoever asked for it, too.
    Job(u32),
}

/// Interests by unique name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interests {
    /// The bus that the names are of (`GetId`).
    pub bus: String,
    subscribers: BTreeSet<String>,
    jobs: BTreeMap<u32, BTreeSet<String>>,
    references: BTreeMap<UnitName, BTreeMap<String, u32>>,
}

impl Interests {
    /// `Subscribe`; `false` when the client has subscribed already.
    pub fn subscribe(&mut self, client: &str) -> bool {
        self.subscribers.insert(client.to_owned())
    }

    /// `Unsubscribe`; `false` when the client hasn't subscribed.
    pub fn unsubscribe(&mut self, client: &str) -> bool {
        self.subscribers.remove(client)
    }

    /// A client asked for a job: it hears of its end without having subscribed.
    pub fn follow_job(&mut self, job: u32, client: &str) {
        self.jobs.entry(job).or_default().insert(client.to_owned());
    }

    /// A job is over; whether somebody had asked for it.
    pub fn job_removed(&mut self, job: u32) -> bool {
        self.jobs.remove(&job).is_some()
    }

    /// Whether a client asked for a job.
    pub fn asked_for(&self, job: u32, client: &str) -> bool {
        self.jobs.get(&job).is_some_and(|clients| clients.contains(client))
    }

    /// `Ref`: references count.
    pub fn reference(&mut self, unit: &UnitName, client: &str) {
        let count = self.references.entry(unit.clone()).or_default().entry(client.to_owned()).or_default();
        *count = count.saturating_add(1);
    }

    /// `Unref`: how many references the client has left; `None` when it had none.
    pub fn unreference(&mut self, unit: &UnitName, client: &str) -> Option<u32> {
        let clients = self.references.get_mut(unit)?;
        let count = clients.get_mut(client)?;
        *count -= 1;
        let left = *count;
        if left == 0 {
            clients.remove(client);
            if clients.is_empty() {
                self.references.remove(unit);
            }
        }
        Some(left)
    }

    /// A client is gone; whether it had any interest.
    pub fn forget(&mut self, client: &str) -> bool {
        let mut had = self.subscribers.remove(client);
        for clients in self.jobs.values_mut() {
            had |= clients.remove(client);
        }
        self.jobs.retain(|_, clients| !clients.is_empty());
        for clients in self.references.values_mut() {
            had |= clients.remove(client).is_some();
        }
        self.references.retain(|_, clients| !clients.is_empty());
        had
    }

    /// Whether a signal has somebody to hear it.
    pub fn wants(&self, scope: Scope<'_>) -> bool {
        !self.subscribers.is_empty()
            || match scope {
                Scope::Manager => false,
                Scope::Unit(unit) => self.references.contains_key(unit),
                Scope::Job(job) => self.jobs.contains_key(&job),
            }
    }

    /// All clients that have an interest.
    pub fn clients(&self) -> BTreeSet<String> {
        let jobs = self.jobs.values().flatten();
        let references = self.references.values().flat_map(BTreeMap::keys);
        self.subscribers.iter().chain(jobs).chain(references).cloned().collect()
    }

    /// Who references what.
    pub fn references(&self) -> impl Iterator<Item = (&UnitName, &String)> {
        self.references.iter().flat_map(|(unit, clients)| clients.keys().map(move |client| (unit, client)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(name: &str) -> UnitName {
        UnitName::parse(name).unwrap()
    }

    #[test]
    fn who_hears_what() {
        let mut interests = Interests::default();
        let (a, b) = (unit("a.service"), unit("b.service"));
        assert!(!interests.wants(Scope::Manager));
        interests.follow_job(7, ":1.1");
        interests.reference(&a, ":1.2");
        assert!(interests.wants(Scope::Job(7)) && !interests.wants(Scope::Job(8)));
        assert!(interests.wants(Scope::Unit(&a)) && !interests.wants(Scope::Unit(&b)));
        assert!(!interests.wants(Scope::Manager));
        assert!(interests.asked_for(7, ":1.1") && !interests.asked_for(7, ":1.2"));
        assert!(interests.job_removed(7) && !interests.job_removed(7));
        assert!(interests.subscribe(":1.3") && !interests.subscribe(":1.3"));
        assert!(interests.wants(Scope::Manager) && interests.wants(Scope::Job(8)) && interests.wants(Scope::Unit(&b)));
        assert_eq!(interests.clients(), [":1.2".to_owned(), ":1.3".to_owned()].into());
        assert!(interests.unsubscribe(":1.3") && !interests.unsubscribe(":1.3"));
        assert!(!interests.wants(Scope::Manager));
    }

    #[test]
    fn references_count() {
        let mut interests = Interests::default();
        let a = unit("a.service");
        assert_eq!(interests.unreference(&a, ":1.1"), None);
        interests.reference(&a, ":1.1");
        interests.reference(&a, ":1.1");
        interests.reference(&a, ":1.2");
        assert_eq!(interests.unreference(&a, ":1.1"), Some(1));
        assert_eq!(interests.unreference(&a, ":1.1"), Some(0));
        assert_eq!(interests.unreference(&a, ":1.1"), None);
        assert_eq!(interests.references().collect::<Vec<_>>(), [(&a, &":1.2".to_owned())]);
    }

    #[test]
    fn a_client_that_is_gone_wants_nothing() {
        let mut interests = Interests::default();
        interests.subscribe(":1.1");
        interests.follow_job(1, ":1.1");
        interests.reference(&unit("a.service"), ":1.1");
        assert!(interests.forget(":1.1") && !interests.forget(":1.1"));
        assert_eq!(interests, Interests::default());
    }
}
