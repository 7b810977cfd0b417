//! Mounted file systems, and paths whose mounts a unit needs without saying so (systemd.exec(5), "Implicit Dependencies").

use crate::parse::path;
use crate::specifier::Host;
use crate::table::rows;
use crate::unit::{Origin, Unit};
use crate::unit_type::UnitType;
use crate::value::{Address, ListenKind, Value};

/// Where the units of mounted file systems come from.
pub const TABLE: &str = "/proc/self/mountinfo";

/// One mounted file system (proc_pid_mountinfo(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// What is mounted.
    pub what: String,
    /// Where.
    pub place: String,
    /// The type of the file system.
    pub file_system: String,
    /// Options of the mount and of the file system.
    pub options: String,
}

impl Mounted {
    /// Gives the values to a unit without a file.
    pub(super) fn imply(&self, unit: &mut Unit) {
        use rows::mount as m;
        let origin = Origin { file: Origin::IMPLIED, line: 0 };
        for (id, text) in
            [(m::WHAT, &self.what), (m::WHERE, &self.place), (m::TYPE, &self.file_system), (m::OPTIONS, &self.options)]
        {
            unit.set(id, Value::Str(text.as_str().into()), origin);
        }
        // The root file system has a unit in any case.
        if self.place != "/" {
            unit.source = Some(TABLE.into());
        }
    }
}

/// Adds them to `RequiresMountsFor=`, sorted.
pub(super) fn imply_paths(unit: &mut Unit, host: &Host) {
    let mut implied = Vec::new();
    match unit.name.unit_type() {
        UnitType::Socket => {
            for address in unit.listen() {
                // A message queue's name only looks like a path.
                if let Address::Path(path) = &address.address
                    && address.kind != ListenKind::MessageQueue
                {
                    implied.push(crate::parse::path::simplify(path));
                }
            }
        }
        UnitType::Path => {
            implied.extend(unit.pairs(rows::path::PATH_EXISTS).iter().map(|(_, path)| path.clone()));
        }
        UnitType::Mount => mount(unit, &mut implied),
        UnitType::Automount => implied.extend(parent(unit.str(rows::automount::WHERE))),
        UnitType::Swap => implied.push(unit.str(rows::swap::WHAT).to_owned()),
        UnitType::Timer if unit.bool(rows::timer::PERSISTENT) && !unit.user_manager => {
            implied.push("/var/lib/systemd/timers".to_owned());
        }
        UnitType::Service
        | UnitType::Target
        | UnitType::Device
        | UnitType::Timer
        | UnitType::Slice
        | UnitType::Scope => {}
    }
    if runs_commands(unit) {
        exec(unit, host, &mut implied);
    }
    implied.retain(|path| path.starts_with('/'));
    if implied.is_empty() {
        return;
    }
    let id = rows::unit::REQUIRES_MOUNTS_FOR;
    let origin = unit.setting(id).map_or(Origin { file: Origin::IMPLIED, line: 0 }, |s| s.origin);
    implied.extend_from_slice(unit.list(id));
    implied.sort();
    implied.dedup();
    unit.set(id, Value::List(implied), origin);
}

/// A socket has an environment for commands in any case, but perhaps no command.
fn runs_commands(unit: &Unit) -> bool {
    use rows::socket as s;
    let commands = [s::EXEC_START_PRE, s::EXEC_START_POST, s::EXEC_STOP_PRE, s::EXEC_STOP_POST];
    match unit.name.unit_type() {
        UnitType::Socket => commands.into_iter().any(|id| !unit.exec(id).is_empty()),
        other => other.has_exec(),
    }
}

fn parent(place: &str) -> Option<String> {
    let (parent, _) = place.rsplit_once('/')?;
    match parent {
        "" if place == "/" => None,
        "" => Some("/".to_owned()),
        parent => Some(parent.to_owned()),
    }
}

fn mount(unit: &Unit, implied: &mut Vec<String>) {
    use rows::mount as m;
    implied.extend(parent(unit.str(m::WHERE)));
    let what = unit.str(m::WHAT);
    // Of what is mounted already only the place counts.
    if unit.fragment.is_some() && what.starts_with('/') {
        implied.push(path::simplify(what));
    }
}

fn exec(unit: &Unit, host: &Host, implied: &mut Vec<String>) {
    use rows::exec as e;
    let working = unit.str(e::WORKING_DIRECTORY);
    for path in [working, unit.str(e::ROOT_DIRECTORY), unit.str(e::ROOT_IMAGE)] {
        // A working directory with "-" may be missing, ~ is looked up when it runs.
        if path.starts_with('/') {
            implied.push(path.to_owned());
        }
    }
    for (id, base) in [
        (e::RUNTIME_DIRECTORY, &host.runtime_dir),
        (e::STATE_DIRECTORY, &host.state_dir),
        (e::CACHE_DIRECTORY, &host.cache_dir),
        (e::LOGS_DIRECTORY, &host.log_dir),
        (e::CONFIGURATION_DIRECTORY, &host.config_dir),
    ] {
        for entry in unit.list(id) {
            let name = entry.split_once(':').map_or(entry.as_str(), |(name, _)| name);
            implied.push(format!("{base}/{name}"));
        }
    }
    if !unit.user_manager && !matches!(unit.word(e::PRIVATE_TMP), "no" | "") {
        implied.push("/var/tmp".to_owned());
    }
}
