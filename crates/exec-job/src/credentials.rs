//! LoadCredential=, SetCredential=: what a unit is given, and where.

use std::path::{Path, PathBuf};

use daemon_runtime::paths::{Mode, user_runtime_dir};
use sys::executor::Credentials;
use unit_parser::Unit;
use unit_parser::rows::exec;

/// `$CREDENTIALS_DIRECTORY` of a unit that has credentials; what `%d` is.
pub fn credentials_directory(unit: &Unit, mode: Mode) -> Option<PathBuf> {
    let any = !unit.pairs(exec::LOAD_CREDENTIAL).is_empty() || !unit.pairs(exec::SET_CREDENTIAL).is_empty();
    let base = match mode {
        Mode::System => PathBuf::from("/run"),
        Mode::User => user_runtime_dir(),
    };
    any.then(|| base.join("credentials").join(unit.name.as_str()))
}

/// Removes the credentials of a unit that is down.
pub fn remove_credentials(unit: &Unit, mode: Mode) {
    if let Some(directory) = credentials_directory(unit, mode)
        && let Err(error) = sys::executor::remove_credentials(&directory)
    {
        tracing::warn!("cannot remove {}: {error}", directory.display());
    }
}

/// What the executor puts there.
pub(super) fn of(unit: &Unit, directory: &str) -> Credentials {
    let load = unit.pairs(exec::LOAD_CREDENTIAL).iter().map(|(id, source)| {
        // A name alone is one of the manager's own.
        let source = if source.is_empty() { id } else { source };
        (id.clone(), source.clone())
    });
    let set = unit.pairs(exec::SET_CREDENTIAL).iter();
    Credentials {
        directory: Path::new(directory).to_owned(),
        unit: unit.name.as_str().to_owned(),
        load: load.collect(),
        set: set.map(|(id, text)| (id.clone(), unescape(text))).collect(),
        inherited: std::env::var_os("CREDENTIALS_DIRECTORY").filter(|dir| !dir.is_empty()).map(PathBuf::from),
    }
}

/// C escapes, which may stand for bytes that are no text. One that is none stays as it is written.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        match escape(tail).filter(|_| *first == b'\\') {
            Some((byte, length)) => {
                bytes.push(byte);
                rest = tail.get(length..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

/// What follows a backslash: the byte, and how many characters stand for it.
fn escape(tail: &[u8]) -> Option<(u8, usize)> {
    let number = |from: usize, to: usize, radix: u32| {
        let digits = std::str::from_utf8(tail.get(from..to)?).ok()?;
        let plain = digits.chars().all(|digit| digit.is_digit(radix));
        u8::from_str_radix(digits, radix).ok().filter(|_| plain)
    };
    let byte = match tail.first()? {
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b's' => b' ',
        b'\\' => b'\\',
        b'"' => b'"',
        b'\'' => b'\'',
        b'x' => return number(1, 3, 16).map(|byte| (byte, 3)),
        b'0'..=b'3' => return number(0, 3, 8).map(|byte| (byte, 3)),
        _ => return None,
    };
    Some((byte, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        let table: [(&str, &[u8]); 6] = [
            ("plain", b"plain"),
            (r"a\x20b\n", b"a b\n"),
            (r"\xff\001", b"\xff\x01"),
            (r"\\x20", br"\x20"),
            (r"\q\x+1", br"\q\x+1"),
            ("end\\", b"end\\"),
        ];
        for (text, bytes) in table {
            assert_eq!(unescape(text), bytes, "{text}");
        }
    }
}
