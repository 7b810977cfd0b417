//! `RuntimeDirectory=` and its kin, `PrivateTmp=`: where they are, and what is removed when a service is down.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use daemon_runtime::paths::{Mode, user_runtime_dir};
use sys::executor::{DirectoryKind, DirectorySet, PrivateTmp};
use unit_parser::rows::exec;
use unit_parser::{RowId, Unit};

const SETS: [(DirectoryKind, RowId, Option<RowId>); 5] = [
    (DirectoryKind::Runtime, exec::RUNTIME_DIRECTORY, Some(exec::RUNTIME_DIRECTORY_MODE)),
    (DirectoryKind::State, exec::STATE_DIRECTORY, Some(exec::STATE_DIRECTORY_MODE)),
    (DirectoryKind::Cache, exec::CACHE_DIRECTORY, Some(exec::CACHE_DIRECTORY_MODE)),
    (DirectoryKind::Logs, exec::LOGS_DIRECTORY, Some(exec::LOGS_DIRECTORY_MODE)),
    (DirectoryKind::Configuration, exec::CONFIGURATION_DIRECTORY, Some(exec::CONFIGURATION_DIRECTORY_MODE)),
];

/// All five, as far as they are set.
pub(super) fn sets(unit: &Unit, mode: Mode) -> Vec<DirectorySet> {
    SETS.iter()
        .filter(|(_, row, _)| !unit.list(*row).is_empty())
        .map(|(kind, row, mode_row)| DirectorySet {
            kind: *kind,
            base: base(*kind, mode),
            names: unit.list(*row).to_vec(),
            mode: mode_row.and_then(|row| u32::try_from(unit.uint(row)).ok()).unwrap_or(0o755),
        })
        .collect()
}

/// systemd.exec(5)'s table of roots, for the system and for users.
fn base(kind: DirectoryKind, mode: Mode) -> PathBuf {
    let xdg = |variable: &str, fallback: &str| {
        std::env::var_os(variable).filter(|dir| !dir.is_empty()).map_or_else(
            || PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/".into())).join(fallback),
            PathBuf::from,
        )
    };
    match (mode, kind) {
        (Mode::System, DirectoryKind::Runtime) => "/run".into(),
        (Mode::System, DirectoryKind::State) => "/var/lib".into(),
        (Mode::System, DirectoryKind::Cache) => "/var/cache".into(),
        (Mode::System, DirectoryKind::Logs) => "/var/log".into(),
        (Mode::System, DirectoryKind::Configuration) => "/etc".into(),
        (Mode::User, DirectoryKind::Runtime) => user_runtime_dir(),
        (Mode::User, DirectoryKind::State) => xdg("XDG_STATE_HOME", ".local/state"),
        (Mode::User, DirectoryKind::Cache) => xdg("XDG_CACHE_HOME", ".cache"),
        (Mode::User, DirectoryKind::Logs) => xdg("XDG_STATE_HOME", ".local/state").join("log"),
        (Mode::User, DirectoryKind::Configuration) => xdg("XDG_CONFIG_HOME", ".config"),
    }
}

/// The runtime directories of a unit that are removed when it is down; none with `RuntimeDirectoryPreserve=yes`, or with
/// `restart` while it comes back.
pub fn runtime_directories(unit: &Unit, mode: Mode, comes_back: bool) -> Vec<PathBuf> {
    match unit.word(exec::RUNTIME_DIRECTORY_PRESERVE) {
        "yes" => return Vec::new(),
        "restart" if comes_back => return Vec::new(),
        _ => {}
    }
    let base = base(DirectoryKind::Runtime, mode);
    unit.list(exec::RUNTIME_DIRECTORY)
        .iter()
        .filter_map(|entry| entry.split(':').next())
        .filter(|name| !name.is_empty() && !Path::new(name).components().any(|c| c.as_os_str() == ".."))
        .map(|name| base.join(name))
        .collect()
}

/// Removes trees; a missing one is fine. Symbolic links are removed, not followed.
pub fn remove_runtime(directories: &[PathBuf]) {
    for directory in directories {
        match fs::remove_dir_all(directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!("cannot remove {}: {error}", directory.display());
            }
            Ok(()) | Err(_) => {}
        }
    }
}

/// The private /tmp and /var/tmp of one run: their names hold boot id and invocation, so that all processes of the run share
/// them and a new supervisor finds them.
pub fn private_tmp(unit: &Unit, boot_id: &str, invocation: &str) -> Option<PrivateTmp> {
    let word = unit.word(exec::PRIVATE_TMP);
    if !unit.bool(exec::PRIVATE_TMP) && !matches!(word, "yes" | "disconnected") {
        return None;
    }
    let short = invocation.get(..6).unwrap_or("000000");
    let name = format!("systemd-private-{boot_id}-{}-{short}", unit.name.as_str());
    Some(PrivateTmp { tmp: Path::new("/tmp").join(&name), var_tmp: Path::new("/var/tmp").join(&name) })
}
