//! Typed values of directives.

mod compact;
mod condition;
mod exec;
mod exit_status;
mod listen;
mod rlimit;

use serde::{Deserialize, Serialize};

pub use compact::SharedNames;
pub use condition::{Condition, ConditionKind, Tested};
pub use exec::ExecCommand;
pub use exit_status::ExitStatusSet;
pub use listen::{Address, ListenAddress, ListenKind};
pub use rlimit::Rlimit;

use crate::name::UnitName;
use crate::unit::Origin;

/// The value of one directive of one unit, by the shape that its [`crate::Kind`] says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Nothing: the directive has no default, and nothing was assigned.
    Unset,
    /// Yes or no.
    Bool(bool),
    /// A signed number.
    Int(i64),
    /// An unsigned number, `u64::MAX` for "infinity" where that is allowed.
    Uint(u64),
    /// Microseconds, `u64::MAX` for "infinity".
    Usec(u64),
    /// Bytes, `u64::MAX` for "infinity".
    Size(u64),
    /// A share of something in units of 1/10000, where a percentage was given instead of a [`Value::Size`]
    /// or [`Value::Uint`].
    Permyriad(u32),
    /// Access mode bits.
    Mode(u32),
    /// A signal's number.
    Signal(i32),
    /// One text.
    Str(Box<str>),
    /// One of a fixed set of words (checked), or for `StandardInput=` and its like such a word with its argument.
    Word(Box<str>),
    /// Several texts, in order.
    List(Vec<String>),
    /// Unit names, in order, without duplicates.
    Units(Box<UnitList>),
    /// Command lines, in order.
    Exec(Vec<ExecCommand>),
    /// Exit codes and signals.
    ExitStatus(Box<ExitStatusSet>),
    /// Variables and their values, in order of first assignment.
    Environment(Vec<(String, String)>),
    /// Conditions and asserts, in file order.
    Conditions(Vec<Condition>),
    /// Listening addresses, in order.
    Listen(Vec<ListenAddress>),
    /// A pair of resource limits.
    Rlimit(Rlimit),
    /// Pairs of texts, in order: (directive or key, value) for settings that collect several
    /// directives (timers, watched paths) or take two words (device rules).
    Pairs(Vec<(String, String)>),
}

impl Value {
    /// Adds the items of a list of the same shape; a value of another shape takes this one's place.
    pub(crate) fn extend(&mut self, more: Value) {
        match (self, more) {
            (Value::Exec(list), Value::Exec(more)) => list.extend(more),
            (Value::Conditions(list), Value::Conditions(more)) => list.extend(more),
            (Value::Listen(list), Value::Listen(more)) => list.extend(more),
            (Value::Pairs(list), Value::Pairs(more)) => list.extend(more),
            (other, more) => *other = more,
        }
    }
}

/// Unit names with the place that each was read from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UnitList {
    /// The names, in order of first mention.
    pub names: Vec<UnitName>,
    /// For each name the place of its first mention.
    pub origins: Vec<Origin>,
}

impl UnitList {
    /// Adds a name unless it is there already.
    pub fn add(&mut self, name: UnitName, origin: Origin) {
        if !self.names.contains(&name) {
            self.names.push(name);
            self.origins.push(origin);
        }
    }
}
