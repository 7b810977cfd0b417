//! The rows themselves, a file per section, and the names that are only kept for old files.

#[macro_use]
mod macros;
mod legacy;

/// The keys of all rows: a module per section, and one for each block that sections share.
pub mod rows {
    pub use super::automount;
    pub use super::cgroup;
    pub use super::exec;
    pub use super::install;
    pub use super::kill;
    pub use super::mount;
    pub use super::path;
    pub use super::scope;
    pub use super::service;
    pub use super::slice;
    pub use super::socket;
    pub use super::swap;
    pub use super::timer;
    pub use super::unit;
}

pub mod automount;
pub mod cgroup;
pub mod exec;
pub mod install;
pub mod kill;
pub mod mount;
pub mod path;
pub mod scope;
pub mod service;
pub mod slice;
pub mod socket;
pub mod swap;
pub mod timer;
pub mod unit;

pub use legacy::{LEGACY, Legacy};

use super::row::Table;

/// The sections that unit files have.
pub const SECTIONS: &[&str] =
    &["Unit", "Install", "Service", "Socket", "Timer", "Path", "Mount", "Automount", "Swap", "Slice", "Scope"];

/// The blocks of rows that a section accepts, its own first.
pub fn blocks(section: &str) -> &'static [Table] {
    use Table::{Cgroup, Exec, Kill};
    match section {
        "Unit" => &[Table::Unit],
        "Install" => &[Table::Install],
        "Service" => &[Table::Service, Exec, Kill, Cgroup],
        "Socket" => &[Table::Socket, Exec, Kill, Cgroup],
        "Mount" => &[Table::Mount, Exec, Kill, Cgroup],
        "Swap" => &[Table::Swap, Exec, Kill, Cgroup],
        "Timer" => &[Table::Timer],
        "Path" => &[Table::Path],
        "Automount" => &[Table::Automount],
        "Slice" => &[Table::Slice, Cgroup],
        "Scope" => &[Table::Scope, Kill, Cgroup],
        _ => &[],
    }
}
