//! Where unit files are looked for (systemd.unit(5), "Unit File Load Path").

use std::path::PathBuf;

use super::Mode;

/// The directories, the first one wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadPath {
    /// The directories in order of precedence.
    pub dirs: Vec<PathBuf>,
}

impl LoadPath {
    /// The system manager's.
    pub fn system() -> LoadPath {
        let dirs = [
            "/etc/systemd/system.control",
            "/run/systemd/system.control",
            "/run/systemd/transient",
            "/run/systemd/generator.early",
            "/etc/systemd/system",
            "/etc/systemd/system.attached",
            "/run/systemd/system",
            "/run/systemd/system.attached",
            "/run/systemd/generator",
            "/usr/local/lib/systemd/system",
            "/usr/lib/systemd/system",
            "/lib/systemd/system",
            "/run/systemd/generator.late",
        ];
        LoadPath { dirs: dirs.map(PathBuf::from).to_vec() }
    }

    /// A user manager's, from its environment variables (`variable` looks one up).
    pub fn user(_variable: &dyn Fn(&str) -> Option<String>) -> LoadPath {
        LoadPath { dirs: Vec::new() }
    }

    /// A manager's: `SYSTEMD_UNIT_PATH` if set (a trailing colon adds the usual directories), else the usual ones.
    pub fn from_variables(mode: Mode, variable: &dyn Fn(&str) -> Option<String>) -> LoadPath {
        let usual = match mode {
            Mode::System => LoadPath::system(),
            Mode::User => LoadPath::user(variable),
        };
        let Some(given) = variable("SYSTEMD_UNIT_PATH") else {
            return usual;
        };
        let mut dirs: Vec<PathBuf> = given.split(':').filter(|d| !d.is_empty()).map(PathBuf::from).collect();
        if given.is_empty() || given.ends_with(':') {
            dirs.extend(usual.dirs);
        }
        LoadPath { dirs }
    }

    /// Like [`LoadPath::from_variables`] with this process's environment.
    pub fn from_env(mode: Mode) -> LoadPath {
        LoadPath::from_variables(mode, &|name| std::env::var(name).ok())
    }
}
