//! What a reader of unit files complains about, with its place.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing: a setting without effect here.
    Note,
    /// The line was ignored, the rest counts.
    Warning,
    /// The unit can't be used.
    Error,
}

/// What kind of complaint it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The text is wrong: a mistyped name, a value that can't be read, broken grammar.
    Mistake,
    /// The settings contradict each other or lack something: the unit can't be used.
    Refused,
    /// Known, and without effect here.
    NoEffect,
    /// It needs privileges that the manager doesn't have.
    NeedsPrivilege,
    /// It refers to a unit, program, user, group, file or page of the manual that isn't there.
    Missing,
}

/// One complaint about one place of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// The file, or empty for text that came from elsewhere.
    pub file: PathBuf,
    /// The line, from 1; 0 when the whole file (or its absence) is meant.
    pub line: u32,
    /// The column in characters, from 1; 0 with `line` 0.
    pub column: u32,
    /// Start and end of the culprit in bytes from the start of the file.
    pub span: (u32, u32),
    /// A stable identifier: `unknown-key`, `bad-value`, ...
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to do about it, when that can be said.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// What kind of complaint it is.
    pub fn class(&self) -> Class {
        match self.code.as_str() {
            "no-effect" | "gone" => Class::NoEffect,
            "needs-privilege" => Class::NeedsPrivilege,
            code if code.starts_with("missing-") => Class::Missing,
            // What is said of the whole file is systemd's refusal of it.
            _ if self.line == 0 => Class::Refused,
            _ => Class::Mistake,
        }
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.file.display(), self.message)?;
        } else {
            let (line, column) = (self.line, self.column);
            write!(f, "{}:{line}:{column}: {}", self.file.display(), self.message)?;
        }
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}
