//! udev as the table sees it: events, the database, whether udev runs, and which nodes the kernel has mounted.

pub mod database;
pub mod monitor;
pub mod mounts;
pub mod presence;
