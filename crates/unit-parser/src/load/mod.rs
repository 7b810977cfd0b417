//! From a name to a [`Unit`]: the load path, drop-ins, aliases, masks, templates.

mod disk;
mod loader;
mod path;

pub use disk::{Disk, Entry, FileKind, UnitFiles};
pub use loader::{Loader, Mode};
pub use path::LoadPath;
