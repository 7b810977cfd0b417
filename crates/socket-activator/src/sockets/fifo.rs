//! `ListenFIFO=`, `ListenSpecial=`: what is opened by path.

use std::fs::{File, OpenOptions as FileOptions};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use sys::net;

use super::error::{OpenError, at};
use super::node;
use crate::settings::OpenOptions;

const FLAGS: i32 = libc::O_CLOEXEC | libc::O_NOCTTY | libc::O_NONBLOCK | libc::O_NOFOLLOW;

/// A FIFO, made if needed; open for both directions, so that it never reports the end of its last writer.
pub fn open(path: &Path, what: &str, options: &OpenOptions) -> Result<OwnedFd, OpenError> {
    node::make_parents(path, options.directory_mode);
    let made = net::with_umask(options.socket_mode, || net::mkfifo(path, options.socket_mode));
    match made {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(at("create FIFO", what)(error)),
        Ok(()) | Err(_) => {}
    }
    let file = open_file(path, true).map_err(at("open FIFO", what))?;
    let metadata = file.metadata().map_err(at("open FIFO", what))?;
    let ours = metadata.file_type().is_fifo()
        && metadata.mode() & 0o7777 == options.socket_mode
        && (metadata.uid(), metadata.gid()) == net::node_owner();
    if !ours {
        return Err(at("use FIFO", what)(exists()));
    }
    if options.pipe_size > 0
        && let Err(error) = net::set_pipe_size(file.as_fd(), options.pipe_size)
    {
        tracing::warn!("{what}: PipeSize= failed, ignoring: {error}");
    }
    Ok(file.into())
}

/// A character device or regular file (in /proc, /sys).
pub fn open_special(path: &Path, what: &str, writable: bool) -> Result<OwnedFd, OpenError> {
    let file = open_file(path, writable).map_err(at("open special file", what))?;
    let kind = file.metadata().map_err(at("open special file", what))?.file_type();
    if !kind.is_file() && !kind.is_char_device() {
        return Err(at("use special file", what)(exists()));
    }
    // Such as /dev/null and files on disk: there is never anything to wait for.
    if let Err(error) = watchable(&file) {
        return Err(at("watch", what)(error));
    }
    Ok(file.into())
}

/// Opens without waiting for anybody, and never by way of a link.
pub(super) fn open_file(path: &Path, writable: bool) -> io::Result<File> {
    FileOptions::new().read(true).write(writable).custom_flags(FLAGS).open(path)
}

/// Whether there can ever be anything to wait for.
pub(super) fn watchable(file: &File) -> io::Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    Ok(epoll.add(file, EpollEvent::new(EpollFlags::EPOLLIN, 0))?)
}

/// systemd's word for "something else is there".
pub(super) fn exists() -> io::Error {
    io::Error::from_raw_os_error(libc::EEXIST)
}
