//! `StandardInput=`, `StandardOutput=`, `StandardError=` (systemd.exec(5), "Logging and Standard Input/Output").

use std::os::fd::RawFd;

use sys::executor::{FileMode, JournalStream, Stdio};
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

/// What they become for one command; `beside_main`: a terminal belongs to another process of the unit.
pub(super) fn streams(
    unit: &Unit,
    program: &str,
    beside_main: bool,
    passed: &[(String, RawFd)],
    output: Output,
) -> Streams {
    let input = unit.word(exec::STANDARD_INPUT);
    let (out, err) = (unit.word(exec::STANDARD_OUTPUT), unit.word(exec::STANDARD_ERROR));
    let context = Context { unit, passed, output, program };
    let stdin = match split(input) {
        ("tty" | "tty-force" | "tty-fail", _) if !beside_main => Stdio::Tty,
        ("socket", _) => context.socket().unwrap_or(Stdio::Null),
        ("fd", name) => context.named(name, "stdin").unwrap_or(Stdio::Null),
        ("file", path) => Stdio::File { path: path.into(), mode: FileMode::Read },
        ("data", _) => Stdio::Data(data(unit)),
        _ => Stdio::Null,
    };
    let quiet_input = matches!(stdin, Stdio::Null | Stdio::Data(_));
    let stdout = match split(out) {
        // Nothing to inherit from: as with systemd, whose own output is no place for services.
        ("inherit", _) if quiet_input => match output {
            Output::Own => Stdio::Inherit,
            Output::Journal | Output::File(_) => Stdio::Null,
        },
        ("inherit", _) => Stdio::Same,
        _ => context.output_of(out, "stdout", &stdin),
    };
    let stderr = match split(err) {
        ("inherit", _) => Stdio::Same,
        // One file, one position in it.
        ("file" | "append" | "truncate", _) if err == out => Stdio::Same,
        _ => context.output_of(err, "stderr", &stdin),
    };
    let tty = [&stdin, &stdout, &stderr].into_iter().any(|stream| matches!(stream, Stdio::Tty));
    Streams { stdin, stdout, stderr, tty }
}

struct Context<'a> {
    unit: &'a Unit,
    passed: &'a [(String, RawFd)],
    output: Output,
    program: &'a str,
}

impl Context<'_> {
    fn socket(&self) -> Option<Stdio> {
        self.passed.first().map(|(_, fd)| Stdio::Fd(*fd))
    }

    fn named(&self, name: &str, default: &str) -> Option<Stdio> {
        let name = if name.is_empty() { default } else { name };
        self.passed.iter().find(|(have, _)| have == name).map(|(_, fd)| Stdio::Fd(*fd))
    }

    fn output_of(&self, word: &str, stream: &str, stdin: &Stdio) -> Stdio {
        match split(word) {
            ("null", _) => Stdio::Null,
            ("tty", _) => Stdio::Tty,
            ("socket", _) => self.socket().unwrap_or_else(|| self.managed()),
            ("fd", name) => self.named(name, stream).unwrap_or_else(|| self.managed()),
            ("file", path) => match stdin {
                Stdio::File { path: input, .. } if input.as_os_str() == path => Stdio::Same,
                _ => Stdio::File { path: path.into(), mode: FileMode::Write },
            },
            ("append", path) => Stdio::File { path: path.into(), mode: FileMode::Append },
            ("truncate", path) => Stdio::File { path: path.into(), mode: FileMode::Truncate },
            _ => self.managed(),
        }
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
        let it = streams(&unit("", "", ""), "/bin/x", false, &[], Output::File(9));
        assert_eq!((it.stdin, it.stdout, it.stderr), (Stdio::Null, Stdio::Fd(9), Stdio::Same));
    }

    #[test]
    fn sockets_names_and_files() {
        let passed = [("web".to_owned(), 5), ("stdout".to_owned(), 6)];
        let it = streams(&unit("socket", "inherit", "journal"), "/bin/x", false, &passed, Output::File(9));
        assert_eq!((it.stdin, it.stdout, it.stderr), (Stdio::Fd(5), Stdio::Same, Stdio::Fd(9)));
        let it = streams(&unit("fd:web", "fd", "null"), "/bin/x", false, &passed, Output::Own);
        assert_eq!((it.stdin, it.stdout, it.stderr), (Stdio::Fd(5), Stdio::Fd(6), Stdio::Null));
        let it = streams(&unit("null", "append:/x", "append:/x"), "/bin/x", false, &[], Output::Own);
        assert_eq!(it.stdout, Stdio::File { path: "/x".into(), mode: FileMode::Append });
        assert_eq!(it.stderr, Stdio::Same);
    }

    #[test]
    fn no_terminal_beside_the_main_process() {
        let it = streams(&unit("tty", "inherit", "inherit"), "/bin/x", false, &[], Output::Own);
        assert!(it.tty && it.stdin == Stdio::Tty);
        let it = streams(&unit("tty", "inherit", "inherit"), "/bin/x", true, &[], Output::Own);
        assert!(!it.tty && it.stdin == Stdio::Null);
    }

    #[test]
    fn base64_decodes() {
        assert_eq!(base64("aGVsbG8gZGF0YQo="), b"hello data\n");
        assert_eq!(base64("aGVs\n bG8"), b"hello");
    }
}
