//! Splitting text into words: white space, quotes, C escapes (systemd.syntax(7), "Quoting").

use thiserror::Error;

/// Which quoting applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// Neither quotes nor backslashes mean anything (lists of units).
    None,
    /// Quotes group, a backslash protects the next character.
    Quotes,
    /// Quotes group, C escapes are replaced; unknown ones stay as they are.
    Escapes,
    /// Quotes group, backslashes stay.
    QuotesKeepEscapes,
}

/// Why no word can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WordError {
    /// A quote without its end, or a lone backslash at the end.
    #[error("unbalanced quoting")]
    Unbalanced,
}

/// White space between words.
pub const SPACE: &[char] = &[' ', '\t', '\n', '\r'];

/// One word with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The text, quotes and escapes resolved.
    pub text: String,
    /// Where it starts, in bytes.
    pub start: usize,
    /// Where it ends, in bytes.
    pub end: usize,
}

/// Reads words from a text one after the other.
#[derive(Debug, Clone)]
pub struct Words<'a> {
    text: &'a str,
    at: usize,
    quoting: Quoting,
}

impl<'a> Words<'a> {
    /// A reader at the start of the text.
    pub fn new(text: &'a str, quoting: Quoting) -> Words<'a> {
        Words { text, at: 0, quoting }
    }

    /// What has not been read yet, without leading white space.
    pub fn rest(&mut self) -> &'a str {
        self.skip_space();
        self.text.get(self.at..).unwrap_or("")
    }

    /// Where [`Words::rest`] starts.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Leaves out so many bytes.
    pub fn skip(&mut self, bytes: usize) {
        self.at = (self.at + bytes).min(self.text.len());
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn skip_space(&mut self) {
        while let Some(c) = self.peek().filter(|c| SPACE.contains(c)) {
            self.at += c.len_utf8();
        }
    }

    /// The next word, `None` at the end.
    pub fn next_word(&mut self) -> Result<Option<Word>, WordError> {
        self.skip_space();
        let start = self.at;
        if self.peek().is_none() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let mut quote = None;
        while let Some(c) = self.peek() {
            if quote.is_none() && SPACE.contains(&c) {
                break;
            }
            self.at += c.len_utf8();
            if self.quoting == Quoting::None {
                push(&mut bytes, c);
            } else if quote == Some(c) {
                quote = None;
            } else if quote.is_none() && matches!(c, '"' | '\'') {
                quote = Some(c);
            } else if c == '\\' && self.quoting != Quoting::QuotesKeepEscapes {
                self.backslash(&mut bytes, quote.is_some())?;
            } else {
                push(&mut bytes, c);
            }
        }
        if quote.is_some() {
            return Err(WordError::Unbalanced);
        }
        // Bytes above 127 that were written as escapes need not be UTF-8; arguments are text here.
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Some(Word { text, start, end: self.at }))
    }

    fn backslash(&mut self, bytes: &mut Vec<u8>, quoted: bool) -> Result<(), WordError> {
        let Some(next) = self.peek() else {
            if self.quoting == Quoting::Escapes && !quoted {
                bytes.push(b'\\');
                return Ok(());
            }
            return Err(WordError::Unbalanced);
        };
        if self.quoting == Quoting::Quotes {
            push(bytes, next);
            self.at += next.len_utf8();
            return Ok(());
        }
        let rest = self.text.get(self.at..).unwrap_or("");
        if let Some((replacement, length)) = c_escape(rest) {
            match replacement {
                Replacement::Byte(byte) => bytes.push(byte),
                Replacement::Char(c) => push(bytes, c),
            }
            self.at += length;
        } else {
            bytes.push(b'\\');
            push(bytes, next);
            self.at += next.len_utf8();
        }
        Ok(())
    }
}

fn push(bytes: &mut Vec<u8>, c: char) {
    let mut buffer = [0; 4];
    bytes.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
}

enum Replacement {
    Byte(u8),
    Char(char),
}

/// The replacement of the C escape whose text after the backslash starts here, and its length.
/// NUL is no valid result.
fn c_escape(rest: &str) -> Option<(Replacement, usize)> {
    let simple = |byte| Some((Replacement::Byte(byte), 1));
    let digits = |skip: usize, count: usize, radix: u32| {
        let text = rest.get(skip..skip + count)?;
        if !text.chars().all(|c| c.is_digit(radix)) {
            return None;
        }
        u32::from_str_radix(text, radix).ok().filter(|n| *n != 0)
    };
    match rest.chars().next()? {
        'a' => simple(7),
        'b' => simple(8),
        'f' => simple(12),
        'n' => simple(b'\n'),
        'r' => simple(b'\r'),
        't' => simple(b'\t'),
        'v' => simple(11),
        '\\' => simple(b'\\'),
        '"' => simple(b'"'),
        '\'' => simple(b'\''),
        's' => simple(b' '),
        'x' => Some((Replacement::Byte(u8::try_from(digits(1, 2, 16)?).ok()?), 3)),
        'u' => Some((Replacement::Char(char::from_u32(digits(1, 4, 16)?)?), 5)),
        'U' => Some((Replacement::Char(char::from_u32(digits(1, 8, 16)?)?), 9)),
        '0'..='7' => Some((Replacement::Byte(u8::try_from(digits(0, 3, 8)?).ok()?), 3)),
        _ => None,
    }
}

/// Resolves C escapes in a whole text, keeping unknown ones.
pub fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or("");
        match (c, c_escape(after)) {
            ('\\', Some((replacement, length))) => {
                match replacement {
                    Replacement::Byte(byte) => bytes.push(byte),
                    Replacement::Char(c) => push(&mut bytes, c),
                }
                rest = after.get(length..).unwrap_or("");
            }
            _ => {
                push(&mut bytes, c);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// All words at once.
pub fn split(text: &str, quoting: Quoting) -> Result<Vec<String>, WordError> {
    let mut words = Words::new(text, quoting);
    let mut all = Vec::new();
    while let Some(word) = words.next_word()? {
        all.push(word.text);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_words() {
        let table: &[(&str, &[&str])] = &[
            ("", &[]),
            ("  a  b\tc ", &["a", "b", "c"]),
            ("'a b' \"c d\"", &["a b", "c d"]),
            ("x'a b'y", &["xa by"]),
            ("''", &[""]),
            (r"back\\slash end\\", &[r"back\slash", r"end\"]),
            (r"a\sb \x41\u0042\103", &["a b", "ABC"]),
            (r"\d+ \x00", &[r"\d+", r"\x00"]),
            ("tail\\", &["tail\\"]),
            (r#""it's" 'say "x"'"#, &["it's", r#"say "x""#]),
            (r#"a\"b"#, &["a\"b"]),
        ];
        for (text, words) in table {
            assert_eq!(split(text, Quoting::Escapes).unwrap(), *words, "{text}");
        }
        for bad in ["'a", "\"", "'a\\"] {
            assert_eq!(split(bad, Quoting::Escapes), Err(WordError::Unbalanced));
        }
    }

    #[test]
    fn other_quoting() {
        assert_eq!(split(r#""a b" \x"#, Quoting::None).unwrap(), ["\"a", "b\"", r"\x"]);
        assert_eq!(split(r"a\ b", Quoting::Quotes).unwrap(), ["a b"]);
        assert_eq!(split(r"'a b' \x2d", Quoting::QuotesKeepEscapes).unwrap(), ["a b", r"\x2d"]);
    }

    #[test]
    fn whole_text() {
        assert_eq!(unescape(r"a\nb\q\\"), "a\nb\\q\\");
    }
}
