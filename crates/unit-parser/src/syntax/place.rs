//! Byte offsets to lines and columns.

use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Severity};

/// A file whose places can be named.
pub struct Places<'a> {
    bytes: &'a [u8],
    file: PathBuf,
}

impl<'a> Places<'a> {
    /// The places of this file.
    pub fn new(bytes: &'a [u8], file: &Path) -> Places<'a> {
        Places { bytes, file: file.to_owned() }
    }

    /// Line and column, both from 1; columns count characters.
    pub fn locate(&self, offset: usize) -> (u32, u32) {
        let before = self.bytes.get(..offset).unwrap_or(self.bytes);
        // A carriage return and a newline next to each other end one line.
        let mut line = 1u32;
        let mut start = 0;
        let mut at = 0;
        while let Some(byte) = before.get(at) {
            let next = before.get(at + 1);
            let width = match (byte, next) {
                (b'\n', Some(b'\r')) | (b'\r', Some(b'\n')) => 2,
                (b'\n' | b'\r' | 0, _) => 1,
                _ => {
                    at += 1;
                    continue;
                }
            };
            line = line.saturating_add(1);
            at += width;
            start = at;
        }
        let text = before.get(start..).unwrap_or(&[]);
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let characters = String::from_utf8_lossy(text).chars().count();
        (line, u32::try_from(characters + 1).unwrap_or(u32::MAX))
    }

    /// A complaint about a span of bytes.
    pub fn diagnostic(
        &self,
        start: usize,
        end: usize,
        severity: Severity,
        code: &str,
        message: impl Into<String>,
    ) -> Diagnostic {
        let (line, column) = self.locate(start);
        let byte = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Diagnostic {
            file: self.file.clone(),
            line,
            column,
            span: (byte(start), byte(end)),
            code: code.to_owned(),
            severity,
            message: message.into(),
            hint: None,
        }
    }
}
