//! sd_notify(3): telling whoever runs the daemon that it is ready, and giving it descriptors to keep.
//!
//! Without NOTIFY_SOCKET everything here does nothing: the daemon runs, but descriptors do not survive it.

use std::os::fd::BorrowedFd;

use sys::notify::Notifier;

/// How long a message to the runner may take to be handled, ms.
const BARRIER_TIMEOUT: u16 = 5_000;

/// The connection to whoever runs this daemon.
#[derive(Debug)]
pub struct Runner(Option<Notifier>);

impl Runner {
    /// From NOTIFY_SOCKET; a malformed address is logged and counts as none.
    pub fn from_env() -> Self {
        Self(Notifier::from_env().unwrap_or_else(|error| {
            tracing::warn!("NOTIFY_SOCKET is of no use, descriptors will not survive this process: {error}");
            None
        }))
    }

    /// No runner: for standalone commands and tests.
    pub fn none() -> Self {
        Self(None)
    }

    /// Whether there is someone to keep descriptors.
    pub fn is_present(&self) -> bool {
        self.0.is_some()
    }

    /// The daemon serves.
    pub fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={}", one_line(status)));
    }

    /// One line about what it does.
    pub fn status(&self, status: &str) {
        self.send(&format!("STATUS={}", one_line(status)));
    }

    /// It is about to end.
    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// Assignments of our own (`X_QUINTET_REQUEST=...`).
    pub fn send(&self, text: &str) {
        let Some(notifier) = &self.0 else { return };
        if let Err(error) = notifier.send(text) {
            tracing::warn!("cannot notify the runner: {error}");
        }
    }

    /// Puts descriptors into the runner's store under a name (printable ASCII without `:`, at most 255 bytes). They come
    /// back through [`crate::fds::PassedFds`] after a restart. The runner holds its copies once this returns true: the
    /// datagram carries them from then on, whatever happens to us. False when there is no runner or it cannot be reached
    /// (logged).
    ///
    /// `poll`: whether the runner may drop a descriptor by itself when it sees a hang-up on it (`FDPOLL=`).
    pub fn store(&self, name: &str, fds: &[BorrowedFd<'_>], poll: bool) -> bool {
        let Some(notifier) = &self.0 else {
            return false;
        };
        let text = format!("FDSTORE=1\nFDNAME={name}\nFDPOLL={}", u8::from(poll));
        for part in fds.chunks(sys::fdpass::MAX_FDS) {
            if let Err(error) = notifier.send_fds(&text, part) {
                tracing::error!(name, "the runner does not take descriptors, a restart would lose them: {error}");
                return false;
            }
        }
        true
    }

    /// Drops what was stored under a name.
    pub fn remove(&self, name: &str) {
        self.send(&format!("FDSTOREREMOVE=1\nFDNAME={name}"));
    }

    /// Waits until the runner has handled everything sent before (at most 5 s); blocks the thread.
    pub fn barrier(&self) -> bool {
        match &self.0 {
            None => true,
            Some(notifier) => notifier.barrier(BARRIER_TIMEOUT).unwrap_or(false),
        }
    }
}

/// A status is one line; anything else would be read as further assignments.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_cannot_smuggle_assignments() {
        assert_eq!(one_line("a\nFDSTORE=1"), "a FDSTORE=1");
    }

    #[test]
    fn without_a_runner_nothing_is_stored() {
        let file = std::fs::File::open("/dev/null").expect("null device");
        let runner = Runner::none();
        assert!(!runner.store("x", &[std::os::fd::AsFd::as_fd(&file)], true));
        assert!(runner.barrier());
    }
}
