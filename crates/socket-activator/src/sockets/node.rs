//! Files of sockets and FIFOs: parent directories, links, removal.

use std::fs::DirBuilder;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::Path;

use crate::settings::OpenOptions;

/// Makes missing parent directories. An error shows when the file itself is made.
pub fn make_parents(path: &Path, mode: u32) {
    let Some(parent) = path.parent() else { return };
    let made = sys::net::with_umask(mode, || DirBuilder::new().recursive(true).mode(mode).create(parent));
    if let Err(error) = made {
        tracing::debug!("cannot create {}: {error}", parent.display());
    }
}

/// Makes the links of `Symlinks=`. A link that can't be made is no failure (systemd.socket(5)).
pub fn make_links(target: &Path, options: &OpenOptions) {
    for link in &options.symlinks {
        let link = Path::new(link);
        make_parents(link, options.directory_mode);
        let mut made = make_link(target, link);
        if options.remove_on_stop
            && let Err(error) = &made
            && error.kind() == ErrorKind::AlreadyExists
            && std::fs::remove_file(link).is_ok()
        {
            made = make_link(target, link);
        }
        if let Err(error) = made {
            tracing::warn!("cannot link {} to {}, ignoring: {error}", link.display(), target.display());
        }
    }
}

/// A link that is there already is fine.
fn make_link(target: &Path, link: &Path) -> io::Result<()> {
    match symlink(target, link) {
        Err(error)
            if error.kind() == ErrorKind::AlreadyExists
                && std::fs::read_link(link).is_ok_and(|there| there == target) =>
        {
            Ok(())
        }
        result => result,
    }
}

/// Removes a file or link; a missing one is fine.
pub fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            tracing::debug!("cannot remove {}: {error}", path.display());
        }
        Ok(()) | Err(_) => {}
    }
}
