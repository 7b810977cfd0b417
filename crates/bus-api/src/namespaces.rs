//! Namespaces that units of two workers share (`JoinsNamespaceOf=`): descriptors of a start beside those of the service.
//!
//! They are called `namespace:KIND:OWNER`, after the unit that made it. No other descriptor has a `:` in its name
//! (systemd.socket(5), `FileDescriptorName=`).

use crate::message::NamedFd;

/// A namespace that a unit may join.
#[derive(Debug)]
pub struct Offer {
    /// `network` or `ipc`.
    pub kind: String,
    /// The unit that made it.
    pub owner: String,
    /// It.
    pub fd: zbus::OwnedFd,
}

/// The name of a namespace among descriptors.
pub fn name(kind: &str, owner: &str) -> String {
    format!("namespace:{kind}:{owner}")
}

/// The descriptors for the service, and the namespaces among them.
pub fn split(fds: Vec<NamedFd>) -> (Vec<NamedFd>, Vec<Offer>) {
    let mut offers = Vec::new();
    let mut others = Vec::with_capacity(fds.len());
    for (name, fd) in fds {
        match name.strip_prefix("namespace:").and_then(|rest| rest.split_once(':')) {
            Some((kind, owner)) => offers.push(Offer { kind: kind.to_owned(), owner: owner.to_owned(), fd }),
            None => others.push((name, fd)),
        }
    }
    (others, offers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        let fd = || std::os::fd::OwnedFd::from(std::fs::File::open("/dev/null").unwrap()).into();
        let (others, offers) = split(vec![("a".into(), fd()), (name("ipc", "a@b:c.service"), fd())]);
        assert_eq!(others.len(), 1);
        assert_eq!((offers[0].kind.as_str(), offers[0].owner.as_str()), ("ipc", "a@b:c.service"));
    }
}
