//! The listening sockets that outlive the daemons: one private socket each, and the public face.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use daemon_runtime::listen;
use daemon_runtime::paths::{Mode, user_runtime_dir};

use super::place::Place;
use crate::core::Daemon;

/// Bound sockets; a client that connects while a daemon is away waits in the backlog.
#[derive(Debug)]
pub struct Sockets {
    bus: Vec<UnixListener>,
    public: Option<UnixListener>,
}

impl Sockets {
    /// Binds them. The public socket is left out, with a warning, when another manager serves there.
    pub fn bind(place: &Place) -> io::Result<Self> {
        let bus = Daemon::ALL
            .iter()
            .map(|daemon| listen::bind(&place.runtime.bus(daemon.name())))
            .collect::<io::Result<Vec<_>>>()?;
        let path = public_path(place.mode);
        let public = match listen::bind(&path) {
            Ok(listener) => Some(listener),
            Err(error) => {
                tracing::warn!(
                    "no org.freedesktop.systemd1 at {}, only unitctl works ({}): {error}",
                    path.display(),
                    place.runtime.path().display()
                );
                None
            }
        };
        Ok(Self { bus, public })
    }

    /// What a daemon is passed, with names.
    pub fn of(&self, daemon: Daemon) -> Vec<(&'static str, BorrowedFd<'_>)> {
        let bus = self.bus.get(daemon.index()).map(|listener| ("bus", listener.as_fd()));
        let public = match daemon {
            Daemon::UnitBroker => self.public.as_ref().map(|listener| ("private", listener.as_fd())),
            Daemon::DeviceWatcher | Daemon::SocketActivator | Daemon::ProcessSupervisor => None,
        };
        bus.into_iter().chain(public).collect()
    }
}

/// Where systemctl looks for its manager.
fn public_path(mode: Mode) -> PathBuf {
    match mode {
        Mode::System => PathBuf::from("/run/systemd/private"),
        Mode::User => user_runtime_dir().join("systemd/private"),
    }
}
