//! Descriptors that came with the start: the launcher passes fixed ones first, then what this daemon stored (sd_listen_fds(3)).

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

/// Passed descriptors by name, in order. Taking one makes the caller its owner; what is left at the end is closed.
#[derive(Debug, Default)]
pub struct PassedFds(VecDeque<(String, OwnedFd)>);

impl PassedFds {
    /// Takes `LISTEN_FDS`; empty when there are none for this process, and on every later call.
    pub fn from_env() -> Self {
        Self(sys::listen_fds().into_iter().map(|passed| (passed.name, passed.fd)).collect())
    }

    /// For tests and for daemons that get descriptors by other ways.
    pub fn from_list(fds: Vec<(String, OwnedFd)>) -> Self {
        Self(fds.into())
    }

    /// The first descriptor of this name.
    pub fn take(&mut self, name: &str) -> Option<OwnedFd> {
        let index = self.0.iter().position(|(have, _)| have == name)?;
        self.0.remove(index).map(|(_, fd)| fd)
    }

    /// All descriptors of this name, in the order in which they were stored.
    pub fn take_all(&mut self, name: &str) -> Vec<OwnedFd> {
        let (taken, left): (Vec<_>, Vec<_>) = self.0.drain(..).partition(|(have, _)| have == name);
        self.0 = left.into();
        taken.into_iter().map(|(_, fd)| fd).collect()
    }

    /// All that is left, in order.
    pub fn take_rest(&mut self) -> Vec<(String, OwnedFd)> {
        self.0.drain(..).collect()
    }

    /// Names of what is left, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fd() -> OwnedFd {
        std::fs::File::open("/dev/null").map(OwnedFd::from).expect("null device")
    }

    #[test]
    fn taken_by_name_and_in_order() {
        let mut fds = PassedFds::from_list(["bus", "a", "b", "a"].map(|name| (name.to_owned(), fd())).into());
        assert!(fds.take("bus").is_some());
        assert!(fds.take("bus").is_none());
        assert_eq!(fds.take_all("a").len(), 2);
        assert_eq!(fds.names().collect::<Vec<_>>(), ["b"]);
        assert_eq!(fds.take_rest().len(), 1);
    }
}
