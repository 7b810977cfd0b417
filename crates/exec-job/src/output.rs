//! Where a unit's output goes when there is no journald: a file per unit, opened for appending by the process itself, so
//! that no daemon's death breaks it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use daemon_runtime::paths::{Mode, create_dir};
use serde::Deserialize;

/// The `[output]` table of a daemon's configuration: where the output of units goes while there is no journald.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutputConfig {
    /// Directory of the files `UNIT.log`; default: `/var/log/quintet`, or `$XDG_STATE_HOME/quintet/log`.
    pub directory: Option<PathBuf>,
    /// Size in bytes at which a file is set aside as `UNIT.log.1` when the next process is started.
    pub limit: u64,
}

impl Default for OutputConfig {
    fn default() -> OutputConfig {
        OutputConfig { directory: None, limit: 8 << 20 }
    }
}

/// journald's stream socket.
const JOURNAL: &str = "/run/systemd/journal/stdout";

/// Whether journald listens.
pub fn journal_is_there() -> bool {
    fs::metadata(JOURNAL).is_ok_and(|metadata| metadata.file_type().is_socket())
}

/// `/var/log/quintet`, or `$XDG_STATE_HOME/quintet/log`.
pub fn default_directory(mode: Mode) -> PathBuf {
    match mode {
        Mode::System => "/var/log/quintet".into(),
        Mode::User => {
            let env = |name| std::env::var_os(name).filter(|dir| !dir.is_empty()).map(PathBuf::from);
            env("XDG_STATE_HOME")
                .or_else(|| env("HOME").map(|home| home.join(".local/state")))
                .unwrap_or_else(std::env::temp_dir)
                .join("quintet/log")
        }
    }
}

/// The log file of a unit. One that has grown beyond the limit is set aside as `UNIT.log.1`.
///
/// # Errors
/// The kernel's.
pub fn open(directory: &Path, unit: &str, limit: u64) -> io::Result<File> {
    let name = file_name(unit);
    let path = directory.join(format!("{name}.log"));
    let open = || OpenOptions::new().append(true).create(true).mode(0o640).open(&path);
    let file = match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_dir(directory)?;
            open()?
        }
        other => other?,
    };
    if file.metadata().is_ok_and(|metadata| metadata.len() > limit) {
        fs::rename(&path, directory.join(format!("{name}.log.1")))?;
        return open();
    }
    Ok(file)
}

/// What a unit's files begin with: its name, or of one that leaves no room for the suffixes the beginning and a number.
fn file_name(unit: &str) -> String {
    const LONGEST: usize = 255 - ".log.1".len();
    const DIGITS: usize = 16;
    if unit.len() <= LONGEST {
        return unit.to_owned();
    }
    // FNV-1a: the same with every version of this program.
    let number = unit
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let cut = (0..LONGEST - DIGITS).rev().find(|cut| unit.is_char_boundary(*cut)).unwrap_or_default();
    format!("{}~{number:016x}", &unit[..cut])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn long_names_fit_and_differ() {
        let (one, other) = (format!("{}a.service", "x".repeat(246)), format!("{}b.service", "x".repeat(246)));
        assert_eq!((file_name(&one).len(), file_name(&other).len()), (249, 249));
        assert_ne!(file_name(&one), file_name(&other));
        let dir = std::env::temp_dir().join(format!("quintet-long-names-{}", std::process::id()));
        for _ in 0..2 {
            open(&dir, &one, 0).unwrap().write_all(b"x").unwrap();
        }
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn set_aside_when_too_big() {
        let dir = std::env::temp_dir().join(format!("quintet-output-{}", std::process::id()));
        open(&dir, "a.service", 3).unwrap().write_all(b"12345").unwrap();
        open(&dir, "a.service", 3).unwrap().write_all(b"x").unwrap();
        assert_eq!(fs::read(dir.join("a.service.log")).unwrap(), b"x");
        assert_eq!(fs::read(dir.join("a.service.log.1")).unwrap(), b"12345");
        fs::remove_dir_all(dir).unwrap();
    }
}
