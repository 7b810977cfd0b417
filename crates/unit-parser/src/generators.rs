//! Generators (systemd.generator(7)): programs that write units before units are loaded.
//!
//! Which ones there are, how each is run, and the directories around it; waiting for them is the caller's business,
//! who may have other things to do meanwhile.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use thiserror::Error;

use crate::conditions::machine::architecture_name;
use crate::conditions::virtualization::Virtualization;
use crate::load::{Disk, FileKind, LoadPath, Mode, UnitFiles};

/// How long all of them together may take.
pub const TIMEOUT: Duration = Duration::from_secs(90);

/// A directory for their output could not be made.
#[derive(Debug, Error)]
#[error("{}: {error}", path.display())]
pub struct DirectoryError {
    /// The directory.
    pub path: PathBuf,
    /// Why.
    pub error: io::Error,
}

/// Where generators are, and where their units go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generators {
    /// Directories with programs; of equal names the first counts.
    pub programs: Vec<PathBuf>,
    /// Their arguments: the directories for units of normal, of high and of low precedence.
    pub output: [PathBuf; 3],
    /// Whose units these are.
    pub mode: Mode,
}

impl Generators {
    /// A manager's; `variable` looks up `SYSTEMD_GENERATOR_PATH` and `XDG_RUNTIME_DIR`. `None` for a user's manager
    /// without a runtime directory.
    pub fn new(mode: Mode, variable: &dyn Fn(&str) -> Option<String>) -> Option<Generators> {
        let (kind, runtime) = match mode {
            Mode::System => ("system", PathBuf::from("/run")),
            Mode::User => ("user", PathBuf::from(variable("XDG_RUNTIME_DIR").filter(|dir| dir.starts_with('/'))?)),
        };
        let usual = || {
            let above = ["/run/systemd", "/etc/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"];
            above.map(|dir| PathBuf::from(format!("{dir}/{kind}-generators"))).to_vec()
        };
        let programs = match variable("SYSTEMD_GENERATOR_PATH") {
            Some(path) => {
                let mut dirs: Vec<PathBuf> = path.split(':').filter(|d| !d.is_empty()).map(PathBuf::from).collect();
                if path.is_empty() || path.ends_with(':') {
                    dirs.extend(usual());
                }
                dirs
            }
            None => usual(),
        };
        let output = ["generator", "generator.early", "generator.late"].map(|name| runtime.join("systemd").join(name));
        Some(Generators { programs, output, mode })
    }

    /// Whether what they write would be looked at.
    pub fn are_on(&self, path: &LoadPath) -> bool {
        self.output.iter().any(|dir| path.dirs.contains(dir))
    }

    /// The programs that are to be run, by name; a link to /dev/null or an empty file masks those further down.
    pub fn found(&self) -> Vec<PathBuf> {
        let mut by_name: BTreeMap<String, PathBuf> = BTreeMap::new();
        for dir in &self.programs {
            for entry in Disk.entries(dir).into_iter().filter(|entry| entry.kind != FileKind::Directory) {
                by_name.entry(entry.name.clone()).or_insert_with(|| dir.join(entry.name));
            }
        }
        let runs = |path: &PathBuf| {
            let executable = std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
            executable && !Disk.is_null(path)
        };
        by_name.into_values().filter(runs).collect()
    }

    /// Empties the output directories and makes them anew; without programs to run they are only removed.
    ///
    /// # Errors
    /// The directory that can't be removed or made, and why.
    pub fn prepare(&self) -> Result<(), DirectoryError> {
        let wanted = !self.found().is_empty();
        for dir in &self.output {
            let failed = |error| DirectoryError { path: dir.clone(), error };
            match std::fs::remove_dir_all(dir) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                Ok(()) | Err(_) => {}
            }
            if wanted {
                std::fs::create_dir_all(dir).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Removes those output directories that stayed empty.
    pub fn trim(&self) {
        for dir in &self.output {
            // One that isn't empty stays.
            let _ = std::fs::remove_dir(dir);
        }
    }

    /// How a program is run: its arguments, and on top of the manager's environment the variables of
    /// systemd.generator(7).
    pub fn command(&self, path: &Path, environment: &[String]) -> Command {
        let flag = |yes: bool| if yes { "1" } else { "0" };
        let mut command = Command::new(path);
        command.args(&self.output).stdin(Stdio::null()).current_dir("/").env_clear();
        command.envs(environment.iter().filter_map(|assignment| assignment.split_once('=')));
        command.env("SYSTEMD_ARCHITECTURE", architecture_name());
        // Where they look for units is where we do.
        if let Some(path) = std::env::var_os("SYSTEMD_UNIT_PATH") {
            command.env("SYSTEMD_UNIT_PATH", path);
        }
        match self.mode {
            Mode::System => {
                command.env("SYSTEMD_SCOPE", "system");
                command.env("SYSTEMD_IN_INITRD", flag(Path::new("/etc/initrd-release").exists()));
                command.env("SYSTEMD_FIRST_BOOT", flag(Path::new("/run/systemd/first-boot").exists()));
            }
            Mode::User => {
                command.env("SYSTEMD_SCOPE", "user");
            }
        }
        match Virtualization::detect() {
            Virtualization::None => {}
            Virtualization::Machine(word) => {
                command.env("SYSTEMD_VIRTUALIZATION", format!("vm:{word}"));
            }
            Virtualization::Container(word) => {
                command.env("SYSTEMD_VIRTUALIZATION", format!("container:{word}"));
            }
        }
        command
    }
}
