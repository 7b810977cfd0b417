//! D-Bus SASL, both sides, as strings in and strings out (D-Bus specification, "Authentication Protocol").
//!
//! Who the client is was settled by SO_PEERCRED before the first line; EXTERNAL only has to agree with it.

/// How long a client may take until `BEGIN`.
pub const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);
/// How many bytes it may send until then.
pub const LIMIT: usize = 16 * 1024;

/// What to do after a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this (with its line end) and read on.
    Reply(String),
    /// Messages follow.
    Begin,
    /// Not a client that we can talk to.
    Hangup(&'static str),
}

/// Where the server's side of the handshake is.
#[derive(Debug)]
enum State {
    /// Waiting for `AUTH`.
    Idle,
    /// EXTERNAL without initial response: waiting for `DATA`.
    Data,
    /// Authenticated.
    Authenticated,
}

/// The server's side.
#[derive(Debug)]
pub struct Server {
    state: State,
    uid: u32,
    guid: String,
    rejections: u8,
}

impl Server {
    /// A handshake with a client of this uid (from SO_PEERCRED); `guid` is 32 hex digits.
    pub fn new(uid: u32, guid: &str) -> Server {
        Server { state: State::Idle, uid, guid: guid.to_owned(), rejections: 0 }
    }

    /// Takes one line without its line end.
    pub fn line(&mut self, line: &[u8]) -> Step {
        let Ok(line) = std::str::from_utf8(line) else {
            return Step::Hangup("SASL line is not text");
        };
        let mut words = line.split_ascii_whitespace();
        let (command, first, second) = (words.next().unwrap_or_default(), words.next(), words.next());
        match (&self.state, command) {
            (State::Idle, "AUTH") => match (first, second) {
                (Some("EXTERNAL"), None) => {
                    self.state = State::Data;
                    Step::Reply("DATA\r\n".to_owned())
                }
                (Some("EXTERNAL"), Some(identity)) => self.external(identity),
                (Some(_) | None, _) => self.reject(),
            },
            (State::Data, "DATA") => self.external(first.unwrap_or_default()),
            (State::Authenticated, "NEGOTIATE_UNIX_FD") => Step::Reply("AGREE_UNIX_FD\r\n".to_owned()),
            (State::Authenticated, "BEGIN") => Step::Begin,
            (State::Idle | State::Data, "BEGIN") => Step::Hangup("BEGIN before authentication"),
            (State::Idle | State::Data | State::Authenticated, "CANCEL" | "ERROR") => self.reject(),
            (State::Idle | State::Data | State::Authenticated, _) => Step::Reply("ERROR\r\n".to_owned()),
        }
    }

    /// EXTERNAL with the identity as hex: empty, or the decimal uid, and then that of the peer.
    fn external(&mut self, identity: &str) -> Step {
        let agrees = identity.is_empty() || decode_hex(identity).is_some_and(|text| text == self.uid.to_string());
        if !agrees {
            return self.reject();
        }
        self.state = State::Authenticated;
        Step::Reply(format!("OK {}\r\n", self.guid))
    }

    fn reject(&mut self) -> Step {
        self.state = State::Idle;
        self.rejections += 1;
        if self.rejections > 3 {
            return Step::Hangup("too many rejected authentications");
        }
        Step::Reply("REJECTED EXTERNAL\r\n".to_owned())
    }
}

/// All that a client sends, pipelined.
pub fn client_greeting(uid: u32) -> String {
    let identity: String = uid.to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("\0AUTH EXTERNAL {identity}\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n")
}

/// Checks the two lines that a server answers the greeting with, in order.
pub fn check_server_line(index: usize, line: &[u8]) -> Result<(), &'static str> {
    match index {
        0 if line.starts_with(b"OK ") => Ok(()),
        0 => Err("the server rejected the authentication"),
        _ if line == b"AGREE_UNIX_FD" => Ok(()),
        _ => Err("the server does not pass descriptors"),
    }
}

fn decode_hex(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    let decoded: Option<Vec<u8>> = bytes
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    String::from_utf8(decoded?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "0123456789abcdef0123456789abcdef";

    fn run(lines: &[&str]) -> Vec<Step> {
        let mut server = Server::new(1000, GUID);
        lines.iter().map(|line| server.line(line.as_bytes())).collect()
    }

    fn reply(text: &str) -> Step {
        Step::Reply(format!("{text}\r\n"))
    }

    #[test]
    fn handshakes() {
        let ok = format!("OK {GUID}");
        let cases: &[(&[&str], Vec<Step>)] = &[
            // sd-bus
            (
                &["AUTH EXTERNAL", "DATA", "NEGOTIATE_UNIX_FD", "BEGIN"],
                vec![reply("DATA"), reply(&ok), reply("AGREE_UNIX_FD"), Step::Begin],
            ),
            // libdbus, GDBus, godbus, zbus
            (&["AUTH EXTERNAL 31303030", "BEGIN"], vec![reply(&ok), Step::Begin]),
            (&["AUTH", "AUTH EXTERNAL 31303030"], vec![reply("REJECTED EXTERNAL"), reply(&ok)]),
            // another uid than the socket says
            (&["AUTH EXTERNAL 30"], vec![reply("REJECTED EXTERNAL")]),
            (&["AUTH EXTERNAL 3"], vec![reply("REJECTED EXTERNAL")]),
            (&["AUTH ANONYMOUS"], vec![reply("REJECTED EXTERNAL")]),
            (&["BEGIN"], vec![Step::Hangup("BEGIN before authentication")]),
            (&["NEGOTIATE_UNIX_FD", "NONSENSE", ""], vec![reply("ERROR"), reply("ERROR"), reply("ERROR")]),
        ];
        for (lines, expected) in cases {
            assert_eq!(&run(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn rejections_end() {
        assert!(matches!(run(&["AUTH"; 4]).last(), Some(Step::Hangup(_))));
        assert!(matches!(Server::new(0, GUID).line(b"\xff\xfe"), Step::Hangup(_)));
    }

    #[test]
    fn our_client_satisfies_our_server() {
        let greeting = client_greeting(1000);
        let steps = run(&greeting.trim_start_matches('\0').trim_end().split("\r\n").collect::<Vec<_>>());
        assert_eq!(steps.last(), Some(&Step::Begin));
        for (index, step) in steps.iter().take(2).enumerate() {
            let Step::Reply(line) = step else { panic!("no reply") };
            assert_eq!(check_server_line(index, line.trim_end().as_bytes()), Ok(()));
        }
    }
}
