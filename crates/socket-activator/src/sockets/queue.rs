//! `ListenMessageQueue=`: POSIX message queues (mq_overview(7)).

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sys::net;

use super::error::{OpenError, at};
use crate::settings::OpenOptions;

/// A queue, made if needed.
pub fn open(name: &Path, what: &str, options: &OpenOptions) -> Result<OwnedFd, OpenError> {
    let name = name.to_str().unwrap_or_default();
    let queue = net::with_umask(options.socket_mode, || net::mq_open(name, options.socket_mode, options.message_queue))
        .map_err(at("open message queue", what))?;
    let file = File::from(queue);
    let metadata = file.metadata().map_err(at("open message queue", what))?;
    let ours =
        metadata.mode() & 0o777 == options.socket_mode & 0o777 && (metadata.uid(), metadata.gid()) == net::node_owner();
    if !ours {
        return Err(at("use message queue", what)(io::Error::from_raw_os_error(libc::EEXIST)));
    }
    Ok(file.into())
}
