//! Escaping of strings and paths for unit names (systemd.unit(5), "String Escaping for Inclusion in
//! Unit Names"), and of unit names for D-Bus object paths.

use thiserror::Error;

/// Why a string can't be turned into, or read back from, a part of a unit name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EscapeError {
    /// A backslash is not followed by `x` and two hexadecimal digits.
    #[error("invalid escape sequence")]
    Sequence,
    /// The text behind the escapes is not UTF-8 (or holds a NUL byte).
    #[error("not valid UTF-8")]
    Encoding,
    /// The path is empty, or has `..` in it, or doesn't come out normalized.
    #[error("not a normalized path")]
    Path,
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'.')
}

/// Escapes any bytes for use in a unit name.
pub fn escape_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for (index, &byte) in bytes.iter().enumerate() {
        if byte == b'/' {
            out.push('-');
        } else if is_plain(byte) && !(index == 0 && byte == b'.') {
            out.push(char::from(byte));
        } else {
            push_hex(&mut out, "\\x", byte);
        }
    }
    out
}

fn push_hex(out: &mut String, lead: &str, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push_str(lead);
    for nibble in [byte >> 4, byte & 15] {
        out.push(DIGITS.get(usize::from(nibble)).map_or('0', |d| char::from(*d)));
    }
}

fn hex_value(byte: Option<&u8>) -> Option<u8> {
    let digit = char::from(*byte?).to_digit(16)?;
    u8::try_from(digit).ok()
}

/// Escapes any text for use in a unit name: `/` becomes `-`, other special bytes `\xNN`.
pub fn escape(text: &str) -> String {
    escape_bytes(text.as_bytes())
}

/// Undoes [`escape`], to bytes: what was escaped need not have been UTF-8.
pub fn unescape_bytes(text: &str) -> Result<Vec<u8>, EscapeError> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'-' => out.push(b'/'),
            b'\\' => {
                if bytes.get(at + 1) != Some(&b'x') {
                    return Err(EscapeError::Sequence);
                }
                let high = hex_value(bytes.get(at + 2)).ok_or(EscapeError::Sequence)?;
                let low = hex_value(bytes.get(at + 3)).ok_or(EscapeError::Sequence)?;
                out.push(high << 4 | low);
                at += 3;
            }
            other => out.push(other),
        }
        at += 1;
    }
    Ok(out)
}

/// Undoes [`escape`].
pub fn unescape(text: &str) -> Result<String, EscapeError> {
    let bytes = unescape_bytes(text)?;
    if bytes.contains(&0) {
        return Err(EscapeError::Encoding);
    }
    String::from_utf8(bytes).map_err(|_| EscapeError::Encoding)
}

/// The components of a path without empty ones and `.`; `None` if `..` occurs or nothing is there.
fn components(path: &str) -> Option<Vec<&str>> {
    if path.is_empty() {
        return None;
    }
    let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty() && *p != ".").collect();
    (!parts.contains(&"..")).then_some(parts)
}

/// Escapes a path: the root becomes `-`, leading, trailing and doubled slashes are dropped.
pub fn path_escape(path: &str) -> Result<String, EscapeError> {
    let parts = components(path).ok_or(EscapeError::Path)?;
    if parts.is_empty() {
        return if path.starts_with('/') { Ok("-".to_owned()) } else { Err(EscapeError::Path) };
    }
    Ok(escape(&parts.join("/")))
}

/// Undoes [`path_escape`], to bytes: the result is absolute.
pub fn path_unescape_bytes(text: &str) -> Result<Vec<u8>, EscapeError> {
    if text == "-" {
        return Ok(b"/".to_vec());
    }
    let inner = unescape_bytes(text)?;
    // systemd looks at a C string's path: up to a NUL.
    let path = inner.split(|byte| *byte == 0).next().unwrap_or(&inner);
    let mut parts = path.split(|byte| *byte == b'/');
    if parts.any(|part| matches!(part, b"" | b"." | b"..")) {
        return Err(EscapeError::Path);
    }
    Ok([b"/", inner.as_slice()].concat())
}

/// Undoes [`path_escape`]: the result is absolute.
pub fn path_unescape(text: &str) -> Result<String, EscapeError> {
    let bytes = path_unescape_bytes(text)?;
    if bytes.contains(&0) {
        return Err(EscapeError::Encoding);
    }
    String::from_utf8(bytes).map_err(|_| EscapeError::Encoding)
}

/// Escapes a text as one label of a D-Bus object path: `foo.service` becomes `foo_2eservice`.
pub fn bus_label_escape(text: &str) -> String {
    if text.is_empty() {
        return "_".to_owned();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for (index, byte) in text.bytes().enumerate() {
        let plain = byte.is_ascii_alphabetic() || (index > 0 && byte.is_ascii_digit());
        if plain {
            out.push(char::from(byte));
        } else {
            push_hex(&mut out, "_", byte);
        }
    }
    out
}

/// Undoes [`bus_label_escape`]; an underscore without two hexadecimal digits stands for itself, as in
/// systemd.
pub fn bus_label_unescape(label: &str) -> Result<String, EscapeError> {
    if label == "_" {
        return Ok(String::new());
    }
    let bytes = label.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let pair = (hex_value(bytes.get(at + 1)), hex_value(bytes.get(at + 2)));
        if let (b'_', (Some(high), Some(low))) = (byte, pair) {
            out.push(high << 4 | low);
            at += 3;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    String::from_utf8(out).map_err(|_| EscapeError::Encoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_both_ways() {
        for (plain, escaped) in [
            ("foo", "foo"),
            ("a/b", "a-b"),
            ("a-b", r"a\x2db"),
            (".hidden", r"\x2ehidden"),
            ("x.y", "x.y"),
            ("ü", r"\xc3\xbc"),
            (r"a\b", r"a\x5cb"),
            ("Hallöchen, Meister", r"Hall\xc3\xb6chen\x2c\x20Meister"),
        ] {
            assert_eq!(escape(plain), escaped);
            assert_eq!(unescape(escaped).as_deref(), Ok(plain));
        }
        assert_eq!(unescape(r"a\y20"), Err(EscapeError::Sequence));
        assert_eq!(unescape(r"a\x2"), Err(EscapeError::Sequence));
        assert_eq!(unescape(r"a\xff"), Err(EscapeError::Encoding));
    }

    #[test]
    fn paths_both_ways() {
        for (path, escaped) in [
            ("/", "-"),
            ("/dev/sda", "dev-sda"),
            ("/dev//by-id/", r"dev-by\x2did"),
            ("/./a/.b", "a-.b"),
            ("/.b", r"\x2eb"),
        ] {
            assert_eq!(path_escape(path).as_deref(), Ok(escaped));
        }
        assert_eq!(path_escape("/a/../b"), Err(EscapeError::Path));
        assert_eq!(path_escape(""), Err(EscapeError::Path));
        assert_eq!(path_unescape("dev-sda").as_deref(), Ok("/dev/sda"));
        assert_eq!(path_unescape("-").as_deref(), Ok("/"));
        assert_eq!(path_unescape("-a"), Err(EscapeError::Path));
        assert_eq!(path_unescape("a--b"), Err(EscapeError::Path));
    }

    #[test]
    fn bus_labels() {
        for (plain, label) in
            [("", "_"), ("foo.service", "foo_2eservice"), ("5a", "_35a"), ("a_b", "a_5fb"), ("a@b-c", "a_40b_2dc")]
        {
            assert_eq!(bus_label_escape(plain), label);
            assert_eq!(bus_label_unescape(label).as_deref(), Ok(plain));
        }
    }
}
