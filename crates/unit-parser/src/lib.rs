//! systemd's unit files as typed units.
//!
//! [`Loader`] finds a unit's files on the load path and reads them into a [`Unit`]; a `Unit` answers
//! typed questions by [`RowId`], the key of one line of the directive table ([`rows`], [`row`],
//! [`lookup`]). A directive that isn't set answers with its default. Everything but the file access
//! behind [`UnitFiles`] ([`Disk`]), [`machine`], [`zoneinfo`], [`conditions`], [`generators`] and [`install`]
//! is pure: text in, values out.
#![forbid(unsafe_code)]

pub mod address_families;
pub mod calendar;
pub mod conditions;
pub mod dependencies;
mod diagnostic;
pub mod escape;
pub mod format;
pub mod generators;
pub mod install;
pub mod load;
mod long_name;
pub mod machine;
mod name;
pub mod parse;
pub mod references;
pub mod specifier;
pub mod syntax;
pub mod system_calls;
pub mod table;
pub mod timestamp;
mod unit;
mod unit_type;
mod value;
pub mod zoneinfo;

pub use dependencies::{DependencyKind, Edge, Rule, Source};
pub use diagnostic::{Class, Diagnostic, Severity};
pub use load::{Disk, LoadPath, Loader, MOUNT_TABLE, Mode, Mounted, UnitFiles};
pub use name::{BUS_PREFIX, MAX_LENGTH, NameError, UnitName};
pub use specifier::Host;
pub use table::{Kind, Property, Row, RowId, Status, all_rows, lookup, row, rows};
pub use unit::{DirectoryLink, LoadState, Origin, Setting, Unit};
pub use unit_type::UnitType;
pub use value::{
    Address as ListenTarget, Condition, ConditionKind, ExecCommand, ExitStatusSet, ListenAddress, ListenKind, Rlimit,
    SharedNames, Tested, UnitList, Value,
};
