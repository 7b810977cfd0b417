//! `StandardInput=`, `StandardOutput=`, `StandardError=` (systemd.exec(5), "Logging and Standard Input/Output").

use std::os::fd::RawFd;

use sys::executor::{FileMode, JournalStream, Stdio};
use thiserror::Error;
use unit_parser::rows::exec;
use unit_parser::{Unit, Value};

/// Where output goes that the unit leaves to the manager (`journal`, `kmsg`, `syslog`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// journald is there.
    Journal,
    /// A log file, opened for appending: no daemon is between it and the service.
    File(RawFd),
    /// The daemon's own output (it runs in a terminal or a container).
    Own,
}

/// The three standard descriptors.
pub(super) struct Streams {
    pub(super) stdin: Stdio,
    pub(super) stdout: Stdio,
    pub(super) stderr: Stdio,
    /// One of them is a terminal.
    pub(super) tty: bool,
}

/// A stream that cannot be had: the start fails.
#[derive(Debug, Clone, Copy, Error, PartialEq, Eq)]
pub enum StreamError {
    /// `StandardInput=socket` and the like without a socket.
    #[error("a standard stream is to be a socket, and there is none")]
    NoSocket,
    /// The same with several.
    #[error("a standard stream is to be a socket, and there are several")]
    SeveralSockets,
    /// `StandardInput=fd:NAME` and the like without a descriptor of that name.
    #[error("a standard stream is to be a descriptor by its name, and none has that name")]
    NoDescriptor,
}

/// Whether one of the streams is the service's only socket, which is then not passed as well (systemd.exec(5)).
pub(super) fn takes_socket(unit: &Unit) -> bool {
    [exec::STANDARD_INPUT, exec::STANDARD_OUTPUT, exec::STANDARD_ERROR]
        .into_iter()
        .any(|row| unit.word(row) == "socket")
}

/// What they become for one command; `beside_main`: a terminal belongs to another process of the unit.
pub(super) fn streams(
    unit: &Unit,
    program: &str,
    beside_main: bool,
    passed: &[(String, RawFd)],
    output: Output,
) -> Result<Streams, StreamError> {
    let input = unit.word(exec::STANDARD_INPUT);
    let (out, err) = (unit.word(exec::STANDARD_OUTPUT), unit.word(exec::STANDARD_ERROR));
    let context = Context { unit, passed, output, program };
    let stdin = match split(input) {
        ("tty" | "tty-force" | "tty-fail", _) if !beside_main => Stdio::Tty,
        ("socket", _) => context.socket()?,
        ("fd", name) => context.named(name, "stdin")?,
        ("file", path) => {
            let shared = [out, err].into_iter().any(|word| split(word) == ("file", path));
            let mode = if shared { FileMode::ReadWrite } else { FileMode::Read };
            Stdio::File { path: path.into(), mode }
        }
        ("data", _) => match data(unit) {
            bytes if bytes.is_empty() => Stdio::Null,
            bytes => Stdio::Data(bytes),
        },
        _ => Stdio::Null,
    };
    // What is only read is nothing to write to.
    let inheritable = matches!(stdin, Stdio::Fd(_) | Stdio::Tty);
    let stdout = match split(out) {
        ("inherit", _) if inheritable => Stdio::Same,
        ("inherit", _) => context.managed(),
        _ => context.output_of(out, "stdout", &stdin)?,
    };
    let stderr = match split(err) {
        ("inherit", _) => Stdio::Same,
        // One file, one position in it.
        ("file" | "append" | "truncate", _) if err == out => Stdio::Same,
        _ => context.output_of(err, "stderr", &stdin)?,
    };
    let tty = [&stdin, &stdout, &stderr].into_iter().any(|stream| matches!(stream, Stdio::Tty));
    Ok(Streams { stdin, stdout, stderr, tty })
}

struct Context<'a> {
    unit: &'a Unit,
    passed: &'a [(String, RawFd)],
    output: Output,
    program: &'a str,
}

impl Context<'_> {
    fn socket(&self) -> Result<Stdio, StreamError> {
        match self.passed {
            [] => Err(StreamError::NoSocket),
            [(_, fd)] => Ok(Stdio::Fd(*fd)),
            _ => Err(StreamError::SeveralSockets),
        }
    }

    fn named(&self, name: &str, default: &str) -> Result<Stdio, StreamError> {
        let name = if name.is_empty() { default } else { name };
        let found = self.passed.iter().find(|(have, _)| have == name);
        found.map(|(_, fd)| Stdio::Fd(*fd)).ok_or(StreamError::NoDescriptor)
    }

    fn output_of(&self, word: &str, stream: &str, stdin: &Stdio) -> Result<Stdio, StreamError> {
        Ok(match split(word) {
            ("null", _) => Stdio::Null,
            ("tty", _) => Stdio::Tty,
            ("socket", _) => self.socket()?,
            ("fd", name) => self.named(name, stream)?,
            ("file", path) => match stdin {
                Stdio::File { path: input, .. } if input.as_os_str() == path => Stdio::Same,
                _ => Stdio::File { path: path.into(), mode: FileMode::Write },
            },
            ("append", path) => Stdio::File { path: path.into(), mode: FileMode::Append },
            ("truncate", path) => Stdio::File { path: path.into(), mode: FileMode::Truncate },
            _ => self.managed(),
        })
    }

    fn managed(&self) -> Stdio {
        match self.output {
            Output::Own => Stdio::Inherit,
            Output::File(fd) => Stdio::Fd(fd),
            Output::Journal => {
                let number = |row| i32::try_from(self.unit.int(row)).unwrap_or(0);
                let identifier = self.unit.str(exec::SYSLOG_IDENTIFIER);
                let words = [self.unit.word(exec::STANDARD_OUTPUT), self.unit.word(exec::STANDARD_ERROR)];
                Stdio::Journal(JournalStream {
                    identifier: if identifier.is_empty() {
                        default_identifier(self.program)
                    } else {
                        identifier.to_owned()
                    },
                    unit: self.unit.name.as_str().to_owned(),
                    priority: number(exec::SYSLOG_FACILITY) << 3 | number(exec::SYSLOG_LEVEL),
                    level_prefix: self.unit.bool(exec::SYSLOG_LEVEL_PREFIX),
                    forward_to_kmsg: words.iter().any(|word| word.starts_with("kmsg")),
                    forward_to_console: words.iter().any(|word| word.ends_with("+console")),
                })
            }
        }
    }
}

/// The name of the program.
fn default_identifier(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

fn split(word: &str) -> (&str, &str) {
    word.split_once(':').unwrap_or((word, ""))
}

/// `StandardInputText=` and `StandardInputData=` in the order of systemd: the text lines, then the data.
fn data(unit: &Unit) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Value::Str(text) = unit.value(exec::STANDARD_INPUT_TEXT) {
        bytes.extend_from_slice(text.as_bytes());
    }
    for text in unit.list(exec::STANDARD_INPUT_TEXT) {
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(b'\n');
    }
    for text in unit.list(exec::STANDARD_INPUT_DATA) {
        bytes.extend(base64(text));
    }
    bytes
}

/// Base64 with or without padding; other characters are skipped.
fn base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let mut buffer: u32 = 0;
    let mut bits = 0;
    for c in text.bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        buffer = (buffer << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits) as u8);
            buffer &= (1 << bits) - 1;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use unit_parser::{Origin, UnitName};

    fn unit(input: &str, out: &str, err: &str) -> Unit {
        let mut unit = Unit::new(UnitName::parse("a.service").unwrap());
        for (row, word) in [(exec::STANDARD_INPUT, input), (exec::STANDARD_OUTPUT, out), (exec::STANDARD_ERROR, err)] {
            if !word.is_empty() {
                unit.set(row, Value::Word(word.into()), Origin::default());
            }
        }
        unit
    }

    #[test]
    fn defaults_go_to_the_log() {
        let it = streams(&unit("", "", ""), "/bin/x", false, &[], Output::File(9)).unwrap();
        assert_eq!((it.stdin, it.stdout, it.stderr), (Stdio::Null, Stdio::Fd(9), Stdio::Same));
    }

    #[test]
    fn sockets_names_and_files() {
        let one = [("web".to_owned(), 5)];
        let it = streams(&unit("socket", "inherit", "journal"), "/bin/x", false, &one, Output::File(9)).unwrap();
        assert_eq!((it.stdin, it.stdout, it.stderr), (Stdio::Fd(5), Stdio::Same, Stdio::Fd(9)));
        let passed = [("web".to_owned(), 5), ("stdout".to_owned(), 6)];
        let it = streams(&unit("fd:web", "fd", "null"), "/bin/x", false, &passed, Output::Own).unwrap();
        assert_eq!((it.stdin, it.stdout, it.stderr), (Stdio::Fd(5), Stdio::Fd(6), Stdio::Null));
        let it = streams(&unit("null", "append:/x", "append:/x"), "/bin/x", false, &[], Output::Own).unwrap();
        assert_eq!(it.stdout, Stdio::File { path: "/x".into(), mode: FileMode::Append });
        assert_eq!(it.stderr, Stdio::Same);
    }

    #[test]
    fn streams_that_cannot_be_had() {
        let two = [("web".to_owned(), 5), ("db".to_owned(), 6)];
        let refused = |input: &str, out: &str, passed: &[(String, RawFd)]| {
            streams(&unit(input, out, ""), "/bin/x", false, passed, Output::Own).err()
        };
        assert_eq!(refused("socket", "", &[]), Some(StreamError::NoSocket));
        assert_eq!(refused("null", "socket", &two), Some(StreamError::SeveralSockets));
        assert_eq!(refused("fd:x", "", &two), Some(StreamError::NoDescriptor));
        assert_eq!(refused("fd:db", "fd", &two), Some(StreamError::NoDescriptor));
    }

    #[test]
    fn files_that_are_read_and_written() {
        let it = streams(&unit("file:/x", "file:/x", "inherit"), "/bin/x", false, &[], Output::Own).unwrap();
        assert_eq!(it.stdin, Stdio::File { path: "/x".into(), mode: FileMode::ReadWrite });
        assert_eq!((it.stdout, it.stderr), (Stdio::Same, Stdio::Same));
        let it = streams(&unit("file:/x", "inherit", "inherit"), "/bin/x", false, &[], Output::File(9)).unwrap();
        assert_eq!((it.stdout, it.stderr), (Stdio::Fd(9), Stdio::Same));
    }

    #[test]
    fn no_terminal_beside_the_main_process() {
        let it = streams(&unit("tty", "inherit", "inherit"), "/bin/x", false, &[], Output::Own).unwrap();
        assert!(it.tty && it.stdin == Stdio::Tty);
        let it = streams(&unit("tty", "inherit", "inherit"), "/bin/x", true, &[], Output::Own).unwrap();
        assert!(!it.tty && it.stdin == Stdio::Null);
    }

    #[test]
    fn base64_decodes() {
        assert_eq!(base64("aGVsbG8gZGF0YQo="), b"hello data\n");
        assert_eq!(base64("aGVs\n bG8"), b"hello");
    }
}
