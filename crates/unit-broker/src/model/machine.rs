//! The engine's [`World`]: unit files, conditions, random ids, all of the real machine.

use unit_parser::{Condition, Host, Loader, Unit, UnitName};

use super::mounts::MountTable;
use crate::conditions::{self, Surroundings};
use crate::core::{Invocation, Tested, World};

/// The real machine.
pub struct Machine {
    /// Finds and reads unit files.
    pub loader: Loader,
    /// Answers specifiers.
    pub host: Host,
    /// What is mounted.
    pub mounts: MountTable,
    /// What conditions ask besides files.
    pub surroundings: Surroundings,
    /// The machine has got another name: what was read before may contain the old one.
    pub renamed: Renamed,
}

/// Whether definitions are out of date because of the machine's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Renamed {
    /// They are not.
    #[default]
    No,
    /// The name changed, and not all units have been looked at since.
    Yes,
    /// It changed, and a daemon-reload looks at all units.
    Applying,
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine").field("path", &self.loader.load_path().dirs).finish_non_exhaustive()
    }
}

impl World for Machine {
    fn load(&mut self, name: &UnitName) -> Unit {
        let unit = match self.mounts.get(name) {
            Some(mounted) => self.loader.load_mounted(name, mounted),
            None => self.loader.load(name),
        };
        for diagnostic in &unit.diagnostics {
            tracing::warn!(unit = %unit.name, "{diagnostic}");
        }
        unit
    }

    fn begin_event(&mut self) {
        self.loader.begin_batch();
    }

    fn refresh(&mut self) {
        self.loader.refresh();
        if self.renamed == Renamed::Applying {
            self.renamed = Renamed::No;
        }
        if unit_parser::machine::refresh_names(&mut self.host) {
            self.loader.set_host(self.host.clone());
            self.renamed = Renamed::Yes;
        }
    }

    fn is_current(&mut self, unit: &Unit) -> bool {
        if self.renamed != Renamed::No {
            self.renamed = Renamed::Applying;
            return false;
        }
        self.mounts.get(&unit.name).is_none() && self.loader.is_current(unit)
    }

    fn test(&mut self, _unit: &Unit, condition: &Condition) -> Tested {
        conditions::test(condition, &self.surroundings)
    }

    fn random_id(&mut self) -> Invocation {
        let mut id = Invocation::default();
        if let Err(error) = sys::random::fill(&mut id) {
            tracing::error!(%error, "no random numbers: the invocation id will not be unique");
        }
        // The form of a version 4 UUID, as sd_id128_randomize(3) has it.
        id[6] = id[6] & 0x0f | 0x40;
        id[8] = id[8] & 0x3f | 0x80;
        id
    }
}
