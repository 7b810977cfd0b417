//! Where the message bus is, and noticing that it appears there.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use bus_api::message_bus::sockets;
use daemon_runtime::paths::user_runtime_dir;
use daemon_runtime::readiness;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Where the system bus is unless `$DBUS_SYSTEM_BUS_ADDRESS` says otherwise (D-Bus specification, "System message bus").
const SYSTEM_BUS: &str = "/run/dbus/system_bus_socket";

/// The sockets of our bus.
#[must_use]
pub fn bus_sockets(user: bool) -> Vec<PathBuf> {
    let (variable, default) = if user {
        ("DBUS_SESSION_BUS_ADDRESS", user_runtime_dir().join("bus"))
    } else {
        ("DBUS_SYSTEM_BUS_ADDRESS", PathBuf::from(SYSTEM_BUS))
    };
    match std::env::var(variable) {
        Ok(addresses) if !addresses.is_empty() => sockets(&addresses),
        Ok(_) | Err(_) => vec![default],
    }
}

/// Whether one of the sockets is there. An abstract one has no file: only connecting tells, so it counts as there.
#[must_use]
pub fn any_exists(sockets: &[PathBuf]) -> bool {
    sockets.iter().any(|socket| socket.as_os_str().as_encoded_bytes().starts_with(b"\0") || socket.exists())
}

/// Notices that a socket, or a directory on the way to it, is made.
#[derive(Debug)]
pub struct Watch {
    inotify: Inotify,
    readiness: AsyncFd<OwnedFd>,
    /// By watch: the name that matters there.
    wanted: Vec<(WatchDescriptor, std::ffi::OsString)>,
}

impl Watch {
    /// Watches the nearest directories that exist.
    ///
    /// # Errors
    /// When inotify isn't to be had.
    pub fn start(sockets: &[PathBuf]) -> io::Result<Watch> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        let flags = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_ONLYDIR;
        let mut wanted = Vec::new();
        for socket in sockets {
            if let Some((directory, name)) = nearest(socket) {
                wanted.push((inotify.add_watch(directory, flags)?, name.to_owned()));
            }
        }
        let readiness = readiness::watch(&inotify, Interest::READABLE)?;
        Ok(Watch { inotify, readiness, wanted })
    }

    /// Waits for it.
    ///
    /// # Errors
    /// When inotify fails.
    pub async fn changed(&self) -> io::Result<()> {
        loop {
            let mut guard = self.readiness.readable().await?;
            let events = guard.try_io(|_| self.inotify.read_events().map_err(io::Error::from));
            let Ok(events) = events else { continue };
            let concerned = events?.iter().any(|event| {
                let is = |(watch, name): &(WatchDescriptor, std::ffi::OsString)| {
                    *watch == event.wd && event.name.as_ref() == Some(name)
                };
                self.wanted.iter().any(is)
                    || event.mask.intersects(AddWatchFlags::IN_IGNORED | AddWatchFlags::IN_Q_OVERFLOW)
            });
            if concerned {
                return Ok(());
            }
        }
    }
}

/// The deepest directory above a path that exists, and the name that is wanted in it.
fn nearest(path: &Path) -> Option<(&Path, &std::ffi::OsStr)> {
    if !path.is_absolute() {
        return None;
    }
    let mut below = path;
    loop {
        let directory = below.parent()?;
        if directory.is_dir() {
            return Some((directory, below.file_name()?));
        }
        below = directory;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_directory_is_watched() {
        let base = std::env::temp_dir().join(format!("quintet-bus-place-{}", std::process::id()));
        let socket = base.join("dbus/socket");
        assert_eq!(nearest(Path::new("\0abstract")), None);
        let above = std::env::temp_dir();
        assert_eq!(nearest(&socket), Some((above.as_path(), base.file_name().unwrap())));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let sockets = [socket.clone()];
            for made in [&base, &base.join("dbus"), &socket] {
                let watch = Watch::start(&sockets).unwrap();
                std::fs::write(made.parent().unwrap().join("quintet-other-name"), "").unwrap();
                std::fs::remove_file(made.parent().unwrap().join("quintet-other-name")).unwrap();
                if made == &socket {
                    std::fs::write(made, "").unwrap();
                } else {
                    std::fs::create_dir(made).unwrap();
                }
                watch.changed().await.unwrap();
                assert_eq!(any_exists(&sockets), made == &socket);
            }
        });
        std::fs::remove_dir_all(&base).unwrap();
    }
}
