//! Reading the notify sockets of services, and their fd stores.

use std::os::fd::{AsFd, OwnedFd};

use sys::notify::{Incoming, NotifyMessage};
use unit_parser::rows::service as rows;

use super::Supervisor;
use super::held::{Held, HeldRecord};
use super::watch::{self, Input};
use crate::core::action::Level;
use crate::core::event::Event;
use crate::core::notification::Notification;
use crate::core::view::{Owner, View};

/// Messages of one service that are read in a row, before others get their turn.
const TURN: usize = 64;
/// Notifications in a second that are a fault.
const FLOOD: u32 = 2000;
/// µs.
const SECOND: u64 = 1_000_000;

impl Supervisor {
    /// Reads what a service told; whether more may be waiting. It is saved once, before anybody hears of it.
    pub(super) fn read_notifications(&mut self, unit: &str) -> bool {
        let more = self.read_turn(unit);
        self.save(unit);
        more
    }

    fn read_turn(&mut self, unit: &str) -> bool {
        for _ in 0..TURN {
            let Some(listener) = self.services.get(unit).and_then(|service| service.listener.as_ref()) else {
                return false;
            };
            match listener.socket.get_ref().recv() {
                Ok(Incoming::Empty) => return false,
                Ok(Incoming::Refused(why)) => {
                    self.count_notification(unit);
                    self.log(unit, Level::Warning, format!("Notification ignored: {why}."));
                }
                Ok(Incoming::Message(message)) => {
                    self.count_notification(unit);
                    self.notified(unit, message);
                }
                Err(error) => {
                    tracing::error!(unit, "cannot read the notify socket: {error}");
                    return false;
                }
            }
        }
        true
    }

    /// Tells of a flood.
    fn count_notification(&mut self, unit: &str) {
        let now = self.host.now().monotonic;
        let Some(service) = self.services.get_mut(unit) else { return };
        let (since, count) = service.notified;
        if now.saturating_sub(since) >= SECOND {
            service.notified = (now, 1);
            return;
        }
        service.notified = (since, count.saturating_add(1));
        if count == FLOOD {
            let text = format!("Notifications come in faster than {FLOOD} a second: others may have to wait.");
            self.log(unit, Level::Warning, text);
        }
    }

    fn notified(&mut self, unit: &str, message: NotifyMessage) {
        let Some(sender) = message.sender else { return };
        let Ok(pid) = u32::try_from(sender.pid) else { return };
        let fields = message.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let notification = Notification::from_fields(fields);
        if notification.barrier {
            if message.fields.len() > 1 {
                let text = "Notification with BARRIER=1 and more ignored: nothing else may be sent with it.";
                self.log(unit, Level::Warning, text.into());
            }
            // Everything before it is handled, and on disk: closing the descriptor says so.
            self.save(unit);
            return;
        }
        let Some(service) = self.services.get_mut(unit) else { return };
        let (machine, view) = service.with_view(&self.host);
        let allowed = machine.may_notify(pid);
        // The socket has a path that others may find: only the service's processes speak for it. One that is gone can't be
        // looked up any more; its user tells then.
        let known = machine.main_pid() == Some(pid) || machine.control_pid() == Some(pid);
        let member = known
            || match view.owner(pid) {
                Owner::Unit => true,
                Owner::Nobody => sender.uid == 0 || service.ids.is_some_and(|(uid, _)| uid == sender.uid),
                Owner::Other | Owner::Manager => false,
            };
        if !member {
            self.log(
                unit,
                Level::Warning,
                format!(
                    "Notification of a stranger ignored: process {pid} of user {} is not the service's.",
                    sender.uid
                ),
            );
            return;
        }
        if allowed && notification.store_remove {
            match &notification.fd_name {
                Some(name) => self.remove_stored(unit, name),
                None => {
                    let text = "FDSTOREREMOVE=1 ignored: it needs a valid FDNAME=.";
                    self.log(unit, Level::Warning, text.into());
                }
            }
        }
        if allowed && notification.store {
            self.store(unit, &notification, message.fds);
        }
        self.feed_unsaved(unit, Event::Notify { sender: pid, uid: sender.uid, message: notification });
    }

    /// `FDSTORE=1`
    fn store(&mut self, unit: &str, notification: &Notification, fds: Vec<OwnedFd>) {
        let Some(service) = self.services.get_mut(unit) else { return };
        let limit = usize::try_from(service.unit.uint(rows::FILE_DESCRIPTOR_STORE_MAX)).unwrap_or(usize::MAX);
        let name = notification.fd_name.clone().unwrap_or_else(|| "stored".into());
        let mut refused = 0;
        for fd in fds {
            if service.store.len() >= limit {
                refused += 1;
                continue;
            }
            // One descriptor is stored once, under whatever name; a file that was opened twice is two.
            if service.store.iter().any(|(held, _)| sys::description::is_same(&held.fd, &fd)) {
                continue;
            }
            let record = HeldRecord { id: service.fd_id('f'), name: name.clone(), poll: !notification.no_poll };
            let held = Held::new(&self.host.runner, record, fd);
            let task = watch_hangup(unit, &held, &self.inputs);
            service.store.push((held, task));
        }
        if refused > 0 {
            let text = if limit == 0 {
                "File descriptors not stored: FileDescriptorStoreMax= is 0.".to_owned()
            } else {
                format!("{refused} file descriptors not stored: FileDescriptorStoreMax={limit} is reached.")
            };
            self.log(unit, Level::Warning, text);
        }
        self.tell_store(unit);
        self.save(unit);
    }

    /// `NFileDescriptorStore` is another: no transition tells that.
    fn tell_store(&mut self, unit: &str) {
        if let Some(service) = self.services.get(unit) {
            let status = service.machine.status();
            self.tell_change(unit, Box::new(status));
        }
    }

    /// `FDSTOREREMOVE=1`
    fn remove_stored(&mut self, unit: &str, name: &str) {
        let Some(service) = self.services.get_mut(unit) else { return };
        let (gone, kept) =
            std::mem::take(&mut service.store).into_iter().partition(|(held, _)| held.record.name == name);
        service.store = kept;
        let gone: Vec<_> = gone;
        for (held, _) in gone {
            held.release(&self.host.runner);
        }
        self.tell_store(unit);
    }

    /// A stored descriptor was hung up.
    pub(super) fn drop_stored(&mut self, unit: &str, id: &str) {
        let Some(service) = self.services.get_mut(unit) else { return };
        if let Some(at) = service.store.iter().position(|(held, _)| held.record.id == id) {
            let (held, _) = service.store.remove(at);
            let name = held.record.name.clone();
            held.release(&self.host.runner);
            self.log(unit, Level::Debug, format!("Stored file descriptor {name} was hung up, closed."));
            self.tell_store(unit);
            self.save(unit);
        }
    }
}

/// Waits for a hang-up, where that is wanted and the descriptor can tell (files can't).
pub(super) fn watch_hangup(unit: &str, held: &Held, inputs: &tokio::sync::mpsc::Sender<Input>) -> Option<watch::Task> {
    if !held.record.poll {
        return None;
    }
    let fd = held.fd.try_clone().ok()?;
    let inputs = inputs.clone();
    let input = Input::Hangup { unit: unit.to_owned(), id: held.record.id.clone() };
    // Errors and hang-ups are told whatever is asked for; data is not what we wait for.
    let fd = watch::watched(fd, tokio::io::Interest::PRIORITY).ok()?;
    Some(watch::task(async move {
        loop {
            let Ok(mut guard) = fd.ready(tokio::io::Interest::PRIORITY | tokio::io::Interest::ERROR).await else {
                return;
            };
            if hung_up(fd.get_ref()) {
                let _ = inputs.send(input).await;
                return;
            }
            guard.clear_ready();
        }
    }))
}

fn hung_up(fd: &OwnedFd) -> bool {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::empty())];
    poll(&mut fds, PollTimeout::ZERO).is_ok_and(|n| n > 0)
}
