//! Names of descriptors in the runner's store: `UNIT#SLOT` for a socket, `UNIT#c-COOKIE` for an accepted connection,
//! `UNIT#control` for the control process, `UNIT#net` and `UNIT#ipc` for namespaces, `#accept-in` and `#accept-out` for the queue of accepted connections.

use sys::namespace::Kind;

/// What a stored descriptor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// A listening socket.
    Socket(u32),
    /// An accepted connection.
    Connection(u64),
    /// The pidfd of the control process.
    Control,
    /// The namespace of its sockets, or of its commands.
    Namespace(Kind),
}

/// The reading end of the accept queue.
pub const ACCEPT_OUT: &str = "#accept-out";
/// The writing end.
pub const ACCEPT_IN: &str = "#accept-in";

/// Longest unit name that goes into a descriptor's name as it is: that has 255 bytes, with `#c-` and 16 digits.
const MAX_KEY: usize = 230;

/// A unit's name as part of a descriptor's name: without `:`, and not too long. Compared, never turned back.
pub fn key(unit: &str) -> String {
    let key = unit.replace(':', "\\x3a");
    if key.len() <= MAX_KEY {
        return key;
    }
    let hash = unit
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let short: String = key.chars().take(MAX_KEY - 17).collect();
    format!("{short}~{hash:016x}")
}

/// The name of a unit's descriptor.
pub fn name(unit: &str, stored: &Stored) -> String {
    let key = key(unit);
    match stored {
        Stored::Socket(slot) => format!("{key}#{slot}"),
        Stored::Connection(cookie) => format!("{key}#c-{cookie:x}"),
        Stored::Control => format!("{key}#control"),
        Stored::Namespace(Kind::Network) => format!("{key}#net"),
        Stored::Namespace(Kind::Ipc) => format!("{key}#ipc"),
    }
}

/// Key and kind of a name; `None` for names that aren't of a unit.
pub fn parse(name: &str) -> Option<(&str, Stored)> {
    let (key, what) = name.rsplit_once('#')?;
    if key.is_empty() {
        return None;
    }
    let stored = match what.strip_prefix("c-") {
        Some(cookie) => Stored::Connection(u64::from_str_radix(cookie, 16).ok()?),
        None => match what {
            "control" => Stored::Control,
            "net" => Stored::Namespace(Kind::Network),
            "ipc" => Stored::Namespace(Kind::Ipc),
            slot => Stored::Socket(slot.parse().ok()?),
        },
    };
    Some((key, stored))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_come_back() {
        let long = format!("{}.socket", "a:".repeat(124));
        for unit in ["a.socket", "a@x:1.socket", "a@x\\x3a1.socket", long.as_str()] {
            for stored in
                [Stored::Socket(12), Stored::Connection(u64::MAX), Stored::Control, Stored::Namespace(Kind::Ipc)]
            {
                let name = name(unit, &stored);
                assert!(name.len() <= 255 && !name.contains(':'), "{name}");
                assert_eq!(parse(&name), Some((key(unit).as_str(), stored)));
            }
        }
        for other in [ACCEPT_IN, ACCEPT_OUT, "bus", "a.socket#x"] {
            assert_eq!(parse(other), None);
        }
    }
}
