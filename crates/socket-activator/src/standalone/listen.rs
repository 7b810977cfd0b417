//! The sockets of `--listen`, after those that were passed to us.

use std::os::fd::OwnedFd;

use unit_parser::parse::listen;
use unit_parser::{ListenAddress, ListenKind, Unit, UnitName};

use crate::cli::ActivateArgs;
use crate::settings::Settings;
use crate::sockets::open;

/// Opens them, in order; a failure as a sentence.
pub fn sockets(args: &ActivateArgs) -> Result<Vec<OwnedFd>, String> {
    let kind = match (args.datagram, args.seqpacket) {
        (true, _) => ListenKind::Datagram,
        (false, true) => ListenKind::SequentialPacket,
        (false, false) => ListenKind::Stream,
    };
    let mut fds: Vec<OwnedFd> = sys::listen_fds().into_iter().map(|passed| passed.fd).collect();
    sys::listen_fds::keep_others().map_err(|error| format!("Failed to look at what was passed: {error}"))?;
    if !fds.is_empty() {
        eprintln!("Received {} descriptors", fds.len());
    }
    // What a socket unit without any setting does.
    let name = UnitName::parse("command-line.socket").map_err(|error| error.to_string())?;
    let settings = Settings::from_unit(&Unit::new(name));
    for text in &args.listen {
        let (address, text) =
            listen::parse(kind, text).map_err(|error| format!("Failed to parse address '{text}': {error}"))?;
        let listen = ListenAddress { kind, text, address, line: 0 };
        fds.push(open(&listen, &settings.open).map_err(|error| error.to_string())?);
        eprintln!("Listening on {} as {}.", listen.text, fds.len() + 2);
    }
    if fds.is_empty() {
        return Err("No socket to listen on: use --listen, or pass one in LISTEN_FDS".to_owned());
    }
    Ok(fds)
}
