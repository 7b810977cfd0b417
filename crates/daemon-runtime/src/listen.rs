//! The daemon's own sockets: passed by the launcher (which keeps them while the daemon is away), or bound here.

use std::fs::Permissions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use crate::paths::create_dir;

/// The listening socket behind a passed descriptor, non-blocking.
///
/// # Errors
/// When the descriptor is not a socket.
pub fn from_fd(fd: OwnedFd) -> io::Result<UnixListener> {
    let listener = UnixListener::from(fd);
    listener.local_addr()?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Binds a socket of mode 0600. A stale file is replaced; one that somebody answers on is left alone.
///
/// # Errors
/// `AddrInUse` when another process listens there; the kernel's else.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    if let Some(parent) = path.parent() {
        create_dir(parent)?;
    }
    // Bound under another name first: between bind() and chmod() nobody can connect, and the old file stays until then.
    let temporary = path.with_extension(format!("new-{}", std::process::id()));
    match UnixStream::connect(path) {
        Ok(_) => {
            return Err(io::Error::new(
                io::ErrorKind::AddrInUse,
                format!("{}: another process serves there", path.display()),
            ));
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {}
        Err(error) => {
            return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display())));
        }
    }
    let _ = std::fs::remove_file(&temporary);
    let listener = UnixListener::bind(&temporary)?;
    std::fs::set_permissions(&temporary, Permissions::from_mode(0o600))?;
    std::fs::rename(&temporary, path)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_socket_is_replaced_and_a_live_one_refused() {
        let dir = std::env::temp_dir().join(format!("quintet-listen-{}", std::process::id()));
        let path = dir.join("d.bus");
        let first = bind(&path).expect("first bind");
        assert_eq!(bind(&path).expect_err("live").kind(), io::ErrorKind::AddrInUse);
        drop(first);
        let second = bind(&path).expect("second bind");
        assert_eq!(std::fs::metadata(&path).expect("socket").permissions().mode() & 0o777, 0o600);
        drop(second);
        std::fs::remove_dir_all(&dir).expect("clean up");
    }
}
