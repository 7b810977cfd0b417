//! Lines about units, to journald's own socket: where there is a journal, `systemctl status` shows them.
//!
//! The client looks for what a unit says itself, for what process 1 says of it (`UNIT=`), and for what other daemons of
//! root say of it (`OBJECT_SYSTEMD_UNIT=`); a user's manager is found by `USER_UNIT=`.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use crate::paths::Mode;

/// Where journald listens (systemd-journald.service(8)).
const SOCKET: &str = "/run/systemd/journal/socket";

/// A way to the journal, whether or not there is one at the moment.
#[derive(Debug)]
pub struct Journal {
    socket: Option<UnixDatagram>,
    path: PathBuf,
    mode: Mode,
    identifier: &'static str,
}

impl Journal {
    /// For the daemon of this name.
    pub fn new(mode: Mode, identifier: &'static str) -> Journal {
        Journal::at(Path::new(SOCKET), mode, identifier)
    }

    fn at(path: &Path, mode: Mode, identifier: &'static str) -> Journal {
        // No descriptor left: then there are no lines in the journal, as if there were none.
        let socket = UnixDatagram::unbound().and_then(|socket| socket.set_nonblocking(true).map(|()| socket)).ok();
        Journal { socket, path: path.to_owned(), mode, identifier }
    }

    /// Tells a line about a unit at a syslog(3) priority. False when no journal took it: there is none, or it is busy and a
    /// daemon must not wait for it.
    pub fn tell(&self, unit: &str, priority: u8, text: &str) -> bool {
        let Some(socket) = &self.socket else { return false };
        let line: String = text.chars().map(|c| if c == '\n' { ' ' } else { c }).collect();
        let about = match self.mode {
            Mode::System => format!("UNIT={unit}\nOBJECT_SYSTEMD_UNIT={unit}\n"),
            Mode::User => format!("USER_UNIT={unit}\n"),
        };
        let identifier = self.identifier;
        let entry = format!("MESSAGE={unit}: {line}\nPRIORITY={priority}\nSYSLOG_IDENTIFIER={identifier}\n{about}");
        socket.send_to(entry.as_bytes(), &self.path).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_by_its_unit_and_a_missing_journal_is_no_matter() {
        let path = std::env::temp_dir().join(format!("quintet-journal-{}", std::process::id()));
        let journal = Journal::at(&path, Mode::System, "process-supervisor");
        assert!(!journal.tell("a.service", 4, "nobody listens"));
        let server = UnixDatagram::bind(&path).expect("a socket");
        assert!(journal.tell("a.service", 4, "full\nUNIT=b.service"));
        let mut buffer = [0; 1024];
        let length = server.recv(&mut buffer).expect("an entry");
        let entry = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let fields: Vec<&str> = entry.lines().collect();
        assert_eq!(
            fields,
            [
                "MESSAGE=a.service: full UNIT=b.service",
                "PRIORITY=4",
                "SYSLOG_IDENTIFIER=process-supervisor",
                "UNIT=a.service",
                "OBJECT_SYSTEMD_UNIT=a.service"
            ]
        );
        std::fs::remove_file(path).expect("clean up");
    }
}
