//! Text to typed values. Pure; the host's facts come in through [`Specifiers`].

mod assign;
mod checked;
pub mod errno;
pub mod exec;
pub mod exit_status;
pub mod listen;
mod lists;
pub mod mask;
mod network;
pub mod number;
pub mod path;
pub mod rlimit;
mod scalars;
pub mod signal;
pub mod timespan;
pub mod words;

pub use assign::{Assigned, assign};

use crate::name::UnitName;
use crate::specifier::{Host, Scope, Specifiers};
use crate::table::Row;
use crate::unit::Origin;
use crate::value::Value;

/// Something wrong with a part of an assignment's right side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What, one sentence.
    pub message: String,
    /// Where, in bytes from the start of the right side; `None` is all of it.
    pub span: Option<(usize, usize)>,
    /// Whether the unit can't be used, as systemd decides it for this directive.
    pub fatal: bool,
    /// A stable identifier.
    pub code: &'static str,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// A warning about the whole right side.
    pub fn new(message: impl Into<String>) -> Problem {
        Problem { message: message.into(), span: None, fatal: false, code: "bad-value", hint: None }
    }

    /// The same about a part.
    pub fn at(mut self, start: usize, end: usize) -> Problem {
        self.span = Some((start, end));
        self
    }

    /// The same, and the unit can't be used.
    pub fn fatal(mut self) -> Problem {
        self.fatal = true;
        self
    }
}

/// What reading a right side needs to know, and where complaints go.
pub struct Context<'a> {
    /// What specifiers stand for.
    pub specifiers: Specifiers<'a>,
    /// The place of the assignment.
    pub origin: Origin,
    /// Complaints so far.
    pub problems: Vec<Problem>,
}

impl Context<'_> {
    fn text(&self, text: &str) -> Result<String, Problem> {
        self.specifiers.expand(text, Scope::Text).map_err(Problem::new)
    }

    fn warn(&mut self, problem: Problem) {
        self.problems.push(problem);
    }
}

/// A row's default as a value.
pub(crate) fn default_value(row: &Row) -> Value {
    if row.default.is_empty() {
        return Value::Unset;
    }
    let Ok(name) = UnitName::parse("default.target") else {
        return Value::Unset;
    };
    let host = Host::default();
    let specifiers = Specifiers { name: &name, fragment: None, slice: None, host: &host };
    let mut context = Context { specifiers, origin: Origin::default(), problems: Vec::new() };
    match assign(row, row.default, None, &mut context) {
        Assigned::Set(value) | Assigned::Add(value) => value,
        Assigned::Unset | Assigned::Keep => Value::Unset,
    }
}

#[cfg(test)]
mod tests {
    use crate::table::all_rows;
    use crate::value::Value;

    #[test]
    fn every_default_can_be_read() {
        for (id, row) in all_rows() {
            let unset = matches!(id.default_value(), Value::Unset);
            assert_eq!(unset, row.default.is_empty(), "{id}");
        }
    }
}
