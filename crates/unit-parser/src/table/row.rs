//! One row of the directive table, and its key.

use std::fmt;
use std::sync::OnceLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::kind::Kind;
use super::tables;
use crate::value::Value;

/// What setting a directive leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It does what systemd's manual says.
    Works,
    /// It does so in services. In other units it is read, checked and shown, and has no effect: why.
    Services(&'static str),
    /// It does so in services and slices, but not in the root slice, likewise.
    Groups(&'static str),
    /// It is read, checked and shown, and has no effect: why.
    NoEffect(&'static str),
}

/// A D-Bus property that shows a directive's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Property {
    /// The last word of the interface's name: `Unit`, or empty for the interface of the unit's own type.
    pub interface: &'static str,
    /// The property's name.
    pub name: &'static str,
    /// Its D-Bus signature.
    pub signature: &'static str,
}

/// One directive.
#[derive(Debug)]
pub struct Row {
    /// The section in files; for the shared blocks `exec`, `kill` and `resource-control`.
    pub section: &'static str,
    /// The directive's name.
    pub name: &'static str,
    /// How its text is read.
    pub kind: Kind,
    /// What counts when it isn't set, in the text form of a file; empty for nothing.
    pub default: &'static str,
    /// The D-Bus properties that show it, the most telling one first. Empty: none.
    pub properties: &'static [Property],
    /// Whether several assignments add up.
    pub repeatable: bool,
    /// What setting it leads to.
    pub status: Status,
    /// The systemd version that introduced it where that is later than 252, else 0.
    pub since: u16,
    /// One line of documentation.
    pub doc: &'static str,
}

impl Row {
    /// The first of the D-Bus properties.
    pub fn property(&self) -> Option<Property> {
        self.properties.first().copied()
    }
}

macro_rules! blocks {
    ($($name:ident $module:ident;)*) => {
        /// A block of rows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Table {
            $(#[doc = concat!("The rows of [`super::rows::", stringify!($module), "`].")] $name,)*
        }

        impl Table {
            /// All blocks.
            pub const ALL: &'static [Table] = &[$(Table::$name,)*];

            /// The rows as an array.
            pub fn slice(self) -> &'static [Row] {
                match self { $(Table::$name => tables::rows::$module::ROWS,)* }
            }
        }
    };
}

blocks! {
    Unit unit; Service service; Socket socket; Timer timer; Path path; Mount mount; Automount automount;
    Swap swap; Slice slice; Scope scope; Install install; Exec exec; Kill kill; Cgroup cgroup;
}

impl Table {
    /// The rows with their keys.
    pub fn rows(self) -> impl Iterator<Item = (RowId, &'static Row)> {
        (0u16..).zip(self.slice()).map(move |(index, row)| (RowId::new(self, index), row))
    }

    /// The key of a directive of exactly this name.
    pub fn find(self, name: &str) -> Option<RowId> {
        self.rows().find(|(_, row)| row.name == name).map(|(id, _)| id)
    }
}

/// The key of one row. It is written as `block.Name`, so it can be stored across versions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId(u16);

const INDEX_BITS: u16 = 10;

impl RowId {
    pub(super) const fn new(table: Table, index: u16) -> RowId {
        RowId((table as u16) << INDEX_BITS | index)
    }

    fn table(self) -> Table {
        let at = usize::from(self.0 >> INDEX_BITS);
        Table::ALL.get(at).copied().unwrap_or(Table::Unit)
    }

    /// The row.
    pub fn row(self) -> &'static Row {
        let rows = self.table().slice();
        let index = usize::from(self.0 & ((1 << INDEX_BITS) - 1));
        // Keys are only made from rows that exist, so the index is always in range.
        &rows[index.min(rows.len() - 1)]
    }

    /// The row's default as a value, [`Value::Unset`] if there is none.
    pub fn default_value(self) -> &'static Value {
        static DEFAULTS: OnceLock<Vec<Vec<Value>>> = OnceLock::new();
        let defaults = DEFAULTS.get_or_init(|| {
            let of_row = |row| crate::parse::default_value(row);
            Table::ALL.iter().map(|table| table.slice().iter().map(of_row).collect()).collect()
        });
        defaults
            .get(usize::from(self.0 >> INDEX_BITS))
            .and_then(|table| table.get(usize::from(self.0 & ((1 << INDEX_BITS) - 1))))
            .unwrap_or(&Value::Unset)
    }

    /// The row that holds the value: settings that collect several directives keep them in one list.
    pub fn storage(self) -> RowId {
        use tables::rows;
        match self.row().kind {
            Kind::Condition(..) => rows::unit::CONDITION_PATH_EXISTS,
            Kind::Listen(_) => rows::socket::LISTEN_STREAM,
            Kind::Timer => rows::timer::ON_CALENDAR,
            Kind::WatchedPath => rows::path::PATH_EXISTS,
            _ => self,
        }
    }
}

impl fmt::Debug for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.row().section, self.row().name)
    }
}

impl Serialize for RowId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RowId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RowId, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (section, name) = text.split_once('.').ok_or_else(|| D::Error::custom("no row key"))?;
        super::Table::ALL
            .iter()
            .filter(|table| table.slice().first().is_some_and(|row| row.section == section))
            .find_map(|table| table.find(name))
            .ok_or_else(|| D::Error::custom(format!("unknown directive {text}")))
    }
}
