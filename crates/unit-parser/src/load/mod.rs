//! From a name to a [`crate::Unit`]: the load path, drop-ins, aliases, masks, templates.

mod apply;
mod current;
mod disk;
mod dropins;
mod finish;
mod index;
mod loader;
mod mounts;
mod path;
mod rooted;
mod shadow;
#[cfg(test)]
mod tests;
mod verify;

pub(crate) use disk::NO_WAITING;
pub use disk::{Disk, Entry, FileKind, UnitFiles};
pub use loader::{Loader, Mode};
pub use mounts::{Mounted, TABLE as MOUNT_TABLE};
pub use path::LoadPath;
pub use rooted::Rooted;
pub use shadow::Shadow;
