//! AF_UNIX sockets: their file, its directories and its mode.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use sys::net::{self, Address};

use super::error::{OpenError, at};
use super::node;
use crate::settings::OpenOptions;

/// A bound socket; listening unless it takes datagrams.
pub fn open(address: &Address, kind: i32, what: &str, options: &OpenOptions) -> Result<OwnedFd, OpenError> {
    let socket = net::socket(libc::AF_UNIX, kind, 0).map_err(at("create listening socket", what))?;
    let fd = socket.as_fd();
    net::set_option_int(fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1).map_err(at("set up", what))?;
    match address {
        Address::Path(path) => {
            node::make_parents(path, options.directory_mode);
            let bind = || net::with_umask(options.socket_mode, || net::bind(fd, address));
            match bind() {
                // Whatever is in the way goes: the file of an earlier run looks like that of a living server, and
                // systemd doesn't ask either. A directory stays, and is the error.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    std::fs::remove_file(path).map_err(at("replace", what))?;
                    bind().map_err(at("bind to", what))?;
                }
                result => result.map_err(at("bind to", what))?,
            }
        }
        _ => net::bind(fd, address).map_err(at("bind to", what))?,
    }
    if kind != libc::SOCK_DGRAM {
        net::listen(fd, options.backlog).map_err(at("listen on", what))?;
    }
    if let Address::Path(path) = address {
        // Those who wait for the file with inotify look again, now that somebody listens. Nobody has to be waiting.
        let _ = net::touch(path);
    }
    Ok(socket)
}
