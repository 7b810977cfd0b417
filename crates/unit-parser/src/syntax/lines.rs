//! Physical lines, comments and continuation: bytes to logical lines.

/// The longest line that systemd reads, in bytes.
const LONGEST: usize = 1 << 20;

/// One logical line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Logical {
    /// Lines joined by backslashes; comments are left out already.
    Line {
        /// The bytes, each backslash at a line's end replaced by a space.
        text: Vec<u8>,
        /// The first physical line, from 1.
        line: u32,
        /// Pairs of an offset in `text` and the offset in the file of what follows there.
        pieces: Vec<(usize, usize)>,
    },
    /// A line that is too long to read.
    TooLong {
        /// Where it starts.
        offset: usize,
    },
}

/// Splits bytes into logical lines.
pub(super) struct LogicalLines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u32,
}

struct Physical<'a> {
    text: &'a [u8],
    offset: usize,
    number: u32,
}

impl<'a> LogicalLines<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> LogicalLines<'a> {
        let at = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        LogicalLines { bytes, at, line: 0 }
    }

    /// The next line up to newline, carriage return, NUL, or a pair of different ones of the first two.
    fn physical(&mut self) -> Option<Physical<'a>> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let end = rest.iter().position(|b| matches!(b, b'\n' | b'\r' | 0)).unwrap_or(rest.len());
        let used = match (rest.get(end), rest.get(end + 1)) {
            (Some(b'\n'), Some(b'\r')) | (Some(b'\r'), Some(b'\n')) => end + 2,
            (Some(_), _) => end + 1,
            (None, _) => end,
        };
        let offset = self.at;
        self.at += used;
        self.line += 1;
        Some(Physical { text: rest.get(..end).unwrap_or(rest), offset, number: self.line })
    }
}

fn is_comment(text: &[u8]) -> bool {
    let first = text.iter().find(|b| !matches!(b, b' ' | b'\t'));
    matches!(first, Some(b'#' | b';'))
}

/// An odd number of backslashes at the end.
fn continues(text: &[u8]) -> bool {
    text.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1
}

impl Iterator for LogicalLines<'_> {
    type Item = Logical;

    fn next(&mut self) -> Option<Logical> {
        let mut text: Vec<u8> = Vec::new();
        let mut pieces: Vec<(usize, usize)> = Vec::new();
        let mut first = 0;
        while let Some(physical) = self.physical() {
            if is_comment(physical.text) {
                continue;
            }
            if text.len() + physical.text.len() > LONGEST {
                return Some(Logical::TooLong { offset: physical.offset });
            }
            if pieces.is_empty() {
                first = physical.number;
            }
            pieces.push((text.len(), physical.offset));
            text.extend_from_slice(physical.text);
            if !continues(physical.text) {
                return Some(Logical::Line { text, line: first, pieces });
            }
            text.pop();
            text.push(b' ');
        }
        (!pieces.is_empty()).then_some(Logical::Line { text, line: first, pieces })
    }
}
