//! The runtime directory and what lies in it.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Whether units are the system's or a user's (systemd.unit(5), "Unit File Load Path").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The system's units.
    System,
    /// One user's units.
    User,
}

impl Mode {
    /// From `QUINTET_MODE` (`system` or `user`), else by effective uid.
    pub fn from_env() -> Self {
        match std::env::var("QUINTET_MODE").as_deref() {
            Ok("system") => Mode::System,
            Ok("user") => Mode::User,
            Ok(_) | Err(_) if nix::unistd::geteuid().as_raw() == 0 => Mode::System,
            Ok(_) | Err(_) => Mode::User,
        }
    }

    /// `system` or `user`.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::System => "system",
            Mode::User => "user",
        }
    }
}

/// Directory of sockets, notify sockets and state files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeDir(PathBuf);

impl RuntimeDir {
    /// This directory.
    pub fn new(dir: PathBuf) -> Self {
        Self(dir)
    }

    /// `QUINTET_RUNTIME_DIR`, else `/run/quintet`, or `$XDG_RUNTIME_DIR/quintet` (`/run/user/UID` when unset) for a user.
    pub fn from_env(mode: Mode) -> Self {
        if let Some(dir) = std::env::var_os("QUINTET_RUNTIME_DIR").filter(|dir| !dir.is_empty()) {
            return Self(dir.into());
        }
        Self(match mode {
            Mode::System => PathBuf::from("/run/quintet"),
            Mode::User => user_runtime_dir().join("quintet"),
        })
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The private D-Bus socket of a daemon (`<runtime>/<daemon>.bus`).
    pub fn bus(&self, daemon: &str) -> PathBuf {
        self.0.join(format!("{daemon}.bus"))
    }

    /// State files of a daemon (`<runtime>/state/<daemon>`).
    pub fn state(&self, daemon: &str) -> PathBuf {
        self.0.join("state").join(daemon)
    }

    /// Notify sockets (`<runtime>/notify`).
    pub fn notify(&self) -> PathBuf {
        self.0.join("notify")
    }

    /// Creates the directory and its parents, mode 0755 for what is new.
    ///
    /// # Errors
    /// The kernel's.
    pub fn create(&self) -> io::Result<()> {
        create_dir(&self.0)
    }
}

/// `$XDG_RUNTIME_DIR`, or `/run/user/UID`.
pub fn user_runtime_dir() -> PathBuf {
    std::env::var_os("XDG_RUNTIME_DIR")
        .filter(|dir| !dir.is_empty())
        .map_or_else(|| PathBuf::from(format!("/run/user/{}", nix::unistd::geteuid().as_raw())), PathBuf::from)
}

/// Creates a directory and its parents (0755); one that exists is fine.
///
/// # Errors
/// The kernel's.
pub fn create_dir(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o755).create(path)
}
