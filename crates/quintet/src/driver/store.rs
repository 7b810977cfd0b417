//! The daemons' descriptor stores (FDSTORE=1, sd_pid_notify_with_fds(3)): what must survive a daemon lives here.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use nix::sys::resource::{Resource, getrlimit};
use sys::notify::NotifyMessage;

use crate::core::Daemon;

/// The most descriptors that one daemon may store.
const LIMIT: usize = 200_000;
/// Of the limit of open files, this much is for something else.
const RESERVE: usize = 256;
/// Longest name, as in systemd.
const NAME_LIMIT: usize = 255;

/// A stored descriptor.
#[derive(Debug)]
struct Stored {
    token: u64,
    name: String,
    fd: OwnedFd,
}

/// The stores of all daemons.
#[derive(Debug)]
pub struct Stores {
    next_token: u64,
    limit: usize,
    of: [Vec<Stored>; Daemon::ALL.len()],
}

impl Stores {
    /// Empty stores; epoll tokens count from `first_token`.
    pub fn new(first_token: u64) -> Self {
        Self { next_token: first_token, limit: limit(), of: Default::default() }
    }

    /// What a daemon gets back, in the order in which it was stored.
    pub fn of(&self, daemon: Daemon) -> impl Iterator<Item = (&str, BorrowedFd<'_>)> {
        self.of[daemon.index()].iter().map(|stored| (stored.name.as_str(), stored.fd.as_fd()))
    }

    /// Acts on the store fields of a message. Descriptors of other messages (BARRIER=1) are closed, which answers them.
    pub fn take(&mut self, daemon: Daemon, message: NotifyMessage, epoll: &Epoll) {
        let name = message.field("FDNAME").unwrap_or("stored").to_owned();
        if message.is_set("FDSTOREREMOVE") {
            // Dropping an OwnedFd closes it; epoll forgets it when no other copy is open, else its token is unknown.
            self.of[daemon.index()].retain(|stored| {
                let keep = stored.name != name;
                if !keep {
                    let _ = epoll.delete(&stored.fd);
                }
                keep
            });
        }
        if !message.is_set("FDSTORE") {
            return;
        }
        if !is_name(&name) {
            tracing::warn!("{} stores descriptors under a bad name, dropped", daemon.name());
            return;
        }
        let watch = message.field("FDPOLL") != Some("0");
        for fd in message.fds {
            let store = &mut self.of[daemon.index()];
            if store.len() >= self.limit {
                tracing::error!("{} stores more than {} descriptors, dropped", daemon.name(), self.limit);
                return;
            }
            let token = self.next_token;
            self.next_token += 1;
            if watch {
                // No interest but hang-ups, which are always told. Plain files cannot be watched and never hang up.
                let _ = epoll.add(&fd, EpollEvent::new(EpollFlags::EPOLLET, token));
            }
            store.push(Stored { token, name: name.clone(), fd });
        }
    }

    /// A watched descriptor hung up: it is of no use to anyone.
    pub fn hung_up(&mut self, token: u64, epoll: &Epoll) {
        for store in &mut self.of {
            if let Some(index) = store.iter().position(|stored| stored.token == token) {
                let stored = store.remove(index);
                let _ = epoll.delete(&stored.fd);
                tracing::debug!(name = stored.name, "stored descriptor hung up, dropped");
                return;
            }
        }
    }
}

/// A daemon can have back no more than it may have open files.
fn limit() -> usize {
    let open = getrlimit(Resource::RLIMIT_NOFILE).map_or(LIMIT, |(soft, _)| usize::try_from(soft).unwrap_or(LIMIT));
    open.saturating_sub(RESERVE).min(LIMIT)
}

/// Names as FileDescriptorName= allows them: printable ASCII without a colon.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_LIMIT && name.bytes().all(|b| (b' '..0x7f).contains(&b) && b != b':')
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::epoll::{EpollCreateFlags, EpollTimeout};
    use std::os::unix::net::UnixStream;

    fn message(fields: &[(&str, &str)], fds: Vec<OwnedFd>) -> NotifyMessage {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        NotifyMessage { sender: None, fields, fds }
    }

    #[test]
    fn stored_kept_in_order_removed_by_name_and_dropped_on_hang_up() {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).expect("epoll");
        let mut stores = Stores::new(16);
        let (near, far) = UnixStream::pair().expect("pair");
        let file = || OwnedFd::from(std::fs::File::open("/dev/null").expect("null device"));
        let daemon = Daemon::SocketActivator;
        for (name, fd) in [("b", file()), ("a", near.into()), ("b", file())] {
            stores.take(daemon, message(&[("FDSTORE", "1"), ("FDNAME", name)], vec![fd]), &epoll);
        }
        stores.take(daemon, message(&[("FDSTORE", "1"), ("FDNAME", "x:y")], vec![file()]), &epoll);
        let names = |stores: &Stores| stores.of(daemon).map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(names(&stores), ["b", "a", "b"]);
        assert_eq!(stores.of(Daemon::UnitBroker).count(), 0);
        drop(far);
        let mut events = [EpollEvent::empty(); 4];
        let count = epoll.wait(&mut events, EpollTimeout::NONE).expect("hang-up");
        events.iter().take(count).for_each(|event| stores.hung_up(event.data(), &epoll));
        assert_eq!(names(&stores), ["b", "b"]);
        stores.take(daemon, message(&[("FDSTOREREMOVE", "1"), ("FDNAME", "b")], vec![]), &epoll);
        assert!(names(&stores).is_empty());
    }
}
