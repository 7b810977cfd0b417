//! The grammar of unit files (systemd.syntax(7)): bytes to sections and assignments.
//!
//! A bad line is a [`Diagnostic`] and the rest counts, but where systemd gives the whole file up
//! (a broken section header, text that isn't UTF-8, a line above 1 MiB) the document says so.

mod lines;
mod nearest;
mod place;

use std::path::Path;

use lines::{Logical, LogicalLines};
pub use nearest::nearest;
pub use place::Places;

use crate::diagnostic::{Diagnostic, Severity};

/// One `Key=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The section that it stands in.
    pub section: String,
    /// The key.
    pub key: String,
    /// The value, continuation lines joined, without white space around it.
    pub value: String,
    /// The line that it starts on, from 1.
    pub line: u32,
    /// Where the key starts in the file, in bytes.
    pub key_offset: usize,
    /// Pairs of an offset in `value` and the offset in the file of what follows there.
    pub pieces: Vec<(usize, usize)>,
}

impl Assignment {
    /// The place in the file of a place in the value.
    pub fn file_offset(&self, in_value: usize) -> usize {
        let piece = self.pieces.iter().rev().find(|(start, _)| *start <= in_value);
        piece.map_or(self.key_offset, |(start, file)| file + (in_value - start))
    }
}

/// A section header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The name between the brackets.
    pub name: String,
    /// The line, from 1.
    pub line: u32,
    /// Where the bracket is in the file, in bytes.
    pub offset: usize,
}

/// A file, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// The section headers, in file order.
    pub sections: Vec<Section>,
    /// The assignments, in file order.
    pub assignments: Vec<Assignment>,
    /// What is wrong with the grammar.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether systemd would give the whole file up.
    pub broken: bool,
}

/// Takes a file apart. Never fails: see [`Document::broken`].
pub fn parse(bytes: &[u8], file: &Path) -> Document {
    let places = Places::new(bytes, file);
    let mut document = Document::default();
    let mut section: Option<String> = None;
    for logical in LogicalLines::new(bytes) {
        match logical {
            Logical::TooLong { offset } => {
                let message = "the line is longer than 1 MiB";
                document.fail(places.diagnostic(offset, offset, Severity::Error, "long-line", message));
                break;
            }
            Logical::Line { text, line, pieces } => {
                let Ok(text) = String::from_utf8(text) else {
                    let offset = pieces.first().map_or(0, |(_, at)| *at);
                    let message = "the line is not valid UTF-8";
                    document.fail(places.diagnostic(offset, offset, Severity::Error, "encoding", message));
                    continue;
                };
                document.line(&text, line, &pieces, &mut section, &places);
            }
        }
    }
    document
}

const SPACE: &[char] = &[' ', '\t', '\n', '\r'];

impl Document {
    fn fail(&mut self, diagnostic: Diagnostic) {
        self.broken = true;
        self.diagnostics.push(diagnostic);
    }

    fn line(
        &mut self,
        text: &str,
        line: u32,
        pieces: &[(usize, usize)],
        section: &mut Option<String>,
        places: &Places<'_>,
    ) {
        let leading = text.len() - text.trim_start_matches(SPACE).len();
        let trimmed = text.trim_matches(SPACE);
        if trimmed.is_empty() {
            return;
        }
        let offset = file_offset(pieces, leading);
        let end = offset + trimmed.len();
        let warn = |code, message| places.diagnostic(offset, end, Severity::Warning, code, message);
        if let Some(rest) = trimmed.strip_prefix('[') {
            match rest.strip_suffix(']') {
                Some(name) => {
                    self.sections.push(Section { name: name.to_owned(), line, offset });
                    *section = Some(name.to_owned());
                }
                None => {
                    let message = "the section header has no closing bracket";
                    self.fail(places.diagnostic(offset, end, Severity::Error, "section-header", message));
                }
            }
            return;
        }
        let Some(section) = section else {
            self.diagnostics.push(warn("outside-section", "the assignment is outside of any section"));
            return;
        };
        let Some((key, value)) = trimmed.split_once('=') else {
            self.diagnostics.push(warn("no-equals", "the line has no = and is ignored"));
            return;
        };
        if key.is_empty() {
            self.diagnostics.push(warn("no-key", "there is no key before the ="));
            return;
        }
        let value_start = leading + key.len() + 1 + (value.len() - value.trim_start_matches(SPACE).len());
        self.assignments.push(Assignment {
            section: section.clone(),
            key: key.trim_end_matches(SPACE).to_owned(),
            value: value.trim_matches(SPACE).to_owned(),
            line,
            key_offset: offset,
            pieces: rebase(pieces, value_start),
        });
    }
}

fn file_offset(pieces: &[(usize, usize)], at: usize) -> usize {
    let piece = pieces.iter().rev().find(|(start, _)| *start <= at);
    piece.map_or(0, |(start, file)| file + (at - start))
}

/// The pieces as seen from a later start.
fn rebase(pieces: &[(usize, usize)], from: usize) -> Vec<(usize, usize)> {
    let later = pieces.iter().filter(|(start, _)| *start > from);
    let mut out = vec![(0, file_offset(pieces, from))];
    out.extend(later.map(|(start, file)| (start - from, *file)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(bytes: &[u8]) -> Vec<String> {
        let document = parse(bytes, Path::new("x"));
        let mut out: Vec<String> =
            document.assignments.iter().map(|a| format!("{} [{}] {}={}", a.line, a.section, a.key, a.value)).collect();
        out.extend(document.diagnostics.iter().map(|d| format!("{}:{} {}", d.line, d.column, d.code)));
        if document.broken {
            out.push("broken".to_owned());
        }
        out
    }

    #[test]
    fn grammar() {
        let table: &[(&[u8], &[&str])] = &[
            (b"", &[]),
            (b"[A]\nk = v \n", &["2 [A] k=v"]),
            (b"# c\n ; c\n[A]\nk=v#x", &["4 [A] k=v#x"]),
            (b"[A]\nk=one \\\ntwo \\\n   three\n", &["2 [A] k=one  two     three"]),
            (b"[A]\nk=a \\\n# comment\n  b \\\n; c\n\nl=1", &["2 [A] k=a    b", "7 [A] l=1"]),
            (b"[A]\nk=tail \\", &["2 [A] k=tail"]),
            (b"[A]\nk=x\\\\\nl=y", &["2 [A] k=x\\\\", "3 [A] l=y"]),
            (b"[A]\r\nk=one \\\r\ntwo\r\n", &["2 [A] k=one  two"]),
            (b"\xef\xbb\xbf[A]\nk=v", &["2 [A] k=v"]),
            (b"k=v\n[A]", &["1:1 outside-section"]),
            (b"[A]\nnothing\n=v\nk=v", &["4 [A] k=v", "2:1 no-equals", "3:1 no-key"]),
            (b"[A]\nk=v\n[B\nl=w", &["2 [A] k=v", "4 [A] l=w", "3:1 section-header", "broken"]),
            (b"[A]\nk=\xff\nl=w", &["3 [A] l=w", "2:1 encoding", "broken"]),
            (b"[A]\nk=v\0l=w\n", &["2 [A] k=v", "3 [A] l=w"]),
            (b"[A]\n  k=v=w\n", &["2 [A] k=v=w"]),
            (b"[A]\n\xc3\xa4=v", &["2 [A] \u{e4}=v"]),
        ];
        for (bytes, expected) in table {
            assert_eq!(seen(bytes), *expected, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_line_above_the_limit() {
        let mut text = b"[A]\nk=v\nl=".to_vec();
        text.resize(text.len() + (1 << 20) + 1, b'x');
        assert_eq!(seen(&text), ["2 [A] k=v", "3:1 long-line", "broken"]);
    }

    #[test]
    fn places_in_continued_values() {
        let text = b"[A]\nkey = a \\\n  bad";
        let document = parse(text, Path::new("x"));
        let assignment = document.assignments.first().unwrap();
        let at = assignment.file_offset(assignment.value.find("bad").unwrap());
        assert_eq!(text.get(at..), Some(&b"bad"[..]));
    }
}
