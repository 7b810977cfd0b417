//! Byte offsets to lines and columns.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Severity};

/// A file whose places can be named.
pub struct Places<'a> {
    bytes: &'a [u8],
    file: PathBuf,
    line_starts: OnceCell<Vec<usize>>,
}

fn line_starts(bytes: &[u8]) -> Vec<usize> {
    let mut starts = vec![0];
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        // A carriage return and a newline next to each other end one line.
        let width = match (byte, bytes.get(at + 1)) {
            (b'\n', Some(b'\r')) | (b'\r', Some(b'\n')) => 2,
            (b'\n' | b'\r' | 0, _) => 1,
            _ => 0,
        };
        at += width.max(1);
        if width > 0 {
            starts.push(at);
        }
    }
    starts
}

impl<'a> Places<'a> {
    /// The places of this file.
    pub fn new(bytes: &'a [u8], file: &Path) -> Places<'a> {
        Places { bytes, file: file.to_owned(), line_starts: OnceCell::new() }
    }

    /// Line and column, both from 1; columns count characters.
    pub fn locate(&self, offset: usize) -> (u32, u32) {
        let starts = self.line_starts.get_or_init(|| line_starts(self.bytes));
        let line = starts.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = starts.get(line).copied().unwrap_or(0);
        let text = self.bytes.get(start..offset.min(self.bytes.len())).unwrap_or(&[]);
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let characters = String::from_utf8_lossy(text).chars().count();
        let number = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
        (number(line), number(characters))
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
