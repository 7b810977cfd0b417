//! Generators (systemd.generator(7)): programs that write units before units are loaded.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::conditions::machine::architecture_name;
use crate::conditions::virtualization::Virtualization;
use crate::load::{Disk, FileKind, Mode, UnitFiles};

/// How long all of them together may take.
const TIMEOUT: Duration = Duration::from_secs(90);

/// How often it is looked whether they have ended.
const POLL: Duration = Duration::from_millis(5);

/// What went wrong with one generator; the others count.
#[derive(Debug, Error)]
pub enum GeneratorError {
    /// It could not be started.
    #[error("{}: {error}", path.display())]
    Start {
        /// The program.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It failed.
    #[error("{}: {status}", path.display())]
    Failed {
        /// The program.
        path: PathBuf,
        /// How it ended.
        status: ExitStatus,
    },
    /// It took too long and was killed.
    #[error("{}: killed after {} s", path.display(), TIMEOUT.as_secs())]
    Timeout {
        /// The program.
        path: PathBuf,
    },
    /// A directory for their output could not be made.
    #[error("{}: {error}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
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

    /// Empties the output directories and runs all programs at the same time; waits for them. What they
    /// wrote is there for the next [`crate::Loader::refresh`].
    pub fn run(&self) -> Vec<GeneratorError> {
        let mut errors = Vec::new();
        for dir in &self.output {
            let emptied = match std::fs::remove_dir_all(dir) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                Ok(()) | Err(_) => std::fs::create_dir_all(dir),
            };
            if let Err(error) = emptied {
                errors.push(GeneratorError::Directory { path: dir.clone(), error });
                return errors;
            }
        }
        let mut children = Vec::new();
        for path in self.found() {
            match self.command(&path).spawn() {
                Ok(child) => children.push((path, child)),
                Err(error) => errors.push(GeneratorError::Start { path, error }),
            }
        }
        errors.extend(wait(children));
        for dir in &self.output {
            // Only removes those that stayed empty.
            let _ = std::fs::remove_dir(dir);
        }
        errors
    }

    fn command(&self, path: &Path) -> Command {
        let scope = if self.mode == Mode::System { "system" } else { "user" };
        let flag = |yes: bool| if yes { "1" } else { "0" };
        let mut command = Command::new(path);
        command.args(&self.output).stdin(Stdio::null()).current_dir("/");
        command.env("SYSTEMD_SCOPE", scope).env("SYSTEMD_ARCHITECTURE", architecture_name());
        command.env("SYSTEMD_IN_INITRD", flag(Path::new("/etc/initrd-release").exists()));
        if self.mode == Mode::System {
            command.env("SYSTEMD_FIRST_BOOT", flag(Path::new("/run/systemd/first-boot").exists()));
        }
        let kind = match Virtualization::detect() {
            Virtualization::None => return command,
            Virtualization::Machine(word) => format!("vm:{word}"),
            Virtualization::Container(word) => format!("container:{word}"),
        };
        command.env("SYSTEMD_VIRTUALIZATION", kind);
        command
    }
}

fn wait(children: Vec<(PathBuf, Child)>) -> Vec<GeneratorError> {
    let deadline = Instant::now() + TIMEOUT;
    let mut errors = Vec::new();
    let mut open = children;
    while !open.is_empty() {
        let late = Instant::now() >= deadline;
        let mut still = Vec::new();
        for (path, mut child) in open {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => {}
                Ok(Some(status)) => errors.push(GeneratorError::Failed { path, status }),
                Ok(None) if late => {
                    // It may have ended in between; either way it is gone afterwards.
                    let _ = child.kill();
                    let _ = child.wait();
                    errors.push(GeneratorError::Timeout { path });
                }
                Ok(None) => still.push((path, child)),
                Err(error) => errors.push(GeneratorError::Start { path, error }),
            }
        }
        open = still;
        if !open.is_empty() {
            std::thread::sleep(POLL);
        }
    }
    errors
}
