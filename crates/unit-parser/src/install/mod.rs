//! Installation state of unit files: what `systemctl enable`, `mask`, `preset`, `is-enabled` and their kin do
//! (systemctl(1), "Unit File Commands"; systemd.unit(5), "[INSTALL] SECTION OPTIONS").
//!
//! [`Installer`] works on a set of directories ([`InstallPaths`], also below another root) and reports what it did as
//! [`Change`]s, in the order and with the words of the D-Bus API, so that systemctl prints what it prints with systemd.
//! Links are made and replaced atomically. Where the manual leaves things open, systemd 252 decides; the scenarios in
//! `tests/install` were recorded from it.
//!
//! | file | what |
//! |---|---|
//! | `paths` | which directory is persistent, volatile, generated, the vendor's |
//! | `section` | the `[Install]` section, its words and specifiers |
//! | `search` | from a name over links, templates and drop-ins to the file that counts |
//! | `alias` | which names may be an alias of which |
//! | `links` | making and removing links |
//! | `verbs` | enable, disable, mask, link, revert, add-wants, set-default |
//! | `preset` | preset files, and applying them |
//! | `state` | is-enabled and list-unit-files |

mod alias;
mod change;
mod links;
mod paths;
mod preset;
mod search;
mod section;
mod state;
mod verbs;

use crate::specifier::Host;

pub use change::{Change, ChangeKind, InstallError, InstallFailure, Outcome};
pub use paths::InstallPaths;
pub use preset::{PresetMode, PresetState, Presets};
pub use state::{FileState, ListedFile};
pub use verbs::Dependency;

/// How links are made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    /// In the directory that is gone after a boot (`--runtime`).
    pub runtime: bool,
    /// Over links that point elsewhere (`--force`).
    pub force: bool,
}

/// Changes and reads the installation state of unit files.
#[derive(Debug, Clone)]
pub struct Installer {
    paths: InstallPaths,
    host: Host,
}

impl Installer {
    /// An installer on these directories; `host` answers the specifiers of `[Install]` sections.
    pub fn new(paths: InstallPaths, host: Host) -> Installer {
        Installer { paths, host }
    }

    /// The directories.
    pub fn paths(&self) -> &InstallPaths {
        &self.paths
    }
}
