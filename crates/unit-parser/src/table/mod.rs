//! The directive table: one directive, one row.
//!
//! Parser, defaults, D-Bus properties, `show`, the documentation's support table and `check` are
//! made from these rows; to support another directive, add a row. A row's key is a [`RowId`] that
//! the section's module defines as a constant: [`rows::service::RESTART_SEC`].

pub mod document;
mod kind;
mod row;
mod tables;
mod takes;

pub use kind::{Check, DeviceValue, Kind, RlimitUnit, words};
pub use row::{Property, Row, RowId, Status, Table};
pub use tables::{LEGACY, Legacy, SECTIONS, blocks, rows};

/// The row behind a key.
pub fn row(id: RowId) -> &'static Row {
    id.row()
}

/// The row of a directive as a section accepts it, legacy names included. Sections are named as in
/// files: `Service` finds the exec, kill and resource-control rows too.
pub fn lookup(section: &str, name: &str) -> Option<RowId> {
    find(section, name).and_then(|meaning| meaning.rows().next())
}

/// What a directive means in a section.
#[derive(Debug, Clone, Copy)]
pub enum Meaning {
    /// A row of the table.
    Row(RowId),
    /// A name of old, which stands for these rows, or for nothing any more.
    Old(&'static Legacy),
}

impl Meaning {
    /// The rows that it sets.
    pub fn rows(self) -> impl Iterator<Item = RowId> {
        let (one, many): (Option<RowId>, &[RowId]) = match self {
            Meaning::Row(id) => (Some(id), &[]),
            Meaning::Old(legacy) => (None, legacy.now),
        };
        one.into_iter().chain(many.iter().copied())
    }
}

/// What a directive means in a section; `None` for names that systemd doesn't know either.
pub fn find(section: &str, name: &str) -> Option<Meaning> {
    for table in blocks(section) {
        if let Some(id) = table.find(name) {
            return Some(Meaning::Row(id));
        }
    }
    LEGACY.iter().find(|legacy| legacy.name == name && legacy.sections.contains(&section)).map(Meaning::Old)
}

/// Every row of every table.
pub fn all_rows() -> impl Iterator<Item = (RowId, &'static Row)> {
    Table::ALL.iter().flat_map(|table| table.rows())
}

/// The rows that a section accepts, shared blocks included.
pub fn section_rows(section: &str) -> impl Iterator<Item = (RowId, &'static Row)> {
    blocks(section).iter().flat_map(|table| table.rows())
}
