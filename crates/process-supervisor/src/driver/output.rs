//! Where a service's output goes when there is no journald: a file per unit, opened for appending by the service itself, so
//! that no daemon's death breaks it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use daemon_runtime::paths::{Mode, create_dir};

/// journald's stream socket.
const JOURNAL: &str = "/run/systemd/journal/stdout";

/// Whether journald listens.
pub fn journal_is_there() -> bool {
    fs::metadata(JOURNAL).is_ok_and(|metadata| metadata.file_type().is_socket())
}

/// `/var/log/quintet`, or `$XDG_STATE_HOME/quintet/log`.
pub fn default_directory(mode: Mode) -> std::path::PathBuf {
    match mode {
        Mode::System => "/var/log/quintet".into(),
        Mode::User => {
            let env = |name| std::env::var_os(name).filter(|dir| !dir.is_empty()).map(std::path::PathBuf::from);
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
    create_dir(directory)?;
    let path = directory.join(format!("{unit}.log"));
    if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > limit) {
        fs::rename(&path, directory.join(format!("{unit}.log.1")))?;
    }
    OpenOptions::new().append(true).create(true).mode(0o640).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

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
