//! What was done, and why something was not: the words of `org.freedesktop.systemd1.Manager`'s `a(sss)`.

use thiserror::Error;

/// What kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// `path` is a new link to `source`.
    Symlink,
    /// `path` was removed.
    Unlink,
    /// The unit `path` is masked and was left out.
    Masked,
    /// The unit `path` is masked by a generator and cannot be unmasked.
    MaskedByGenerator,
    /// The unit `path` is an alias to a unit that is not there, and was left out.
    Dangling,
    /// The unit file `source` now depends on the unit `path`, which is not there.
    DestinationNotPresent,
    /// The unit `path`, named in another's `Also=`, could not be enabled.
    AuxiliaryFailed,
}

impl ChangeKind {
    /// The word on the bus.
    pub fn as_str(self) -> &'static str {
        match self {
            ChangeKind::Symlink => "symlink",
            ChangeKind::Unlink => "unlink",
            ChangeKind::Masked => "masked",
            ChangeKind::MaskedByGenerator => "masked by generator",
            ChangeKind::Dangling => "dangling",
            ChangeKind::DestinationNotPresent => "destination not present",
            ChangeKind::AuxiliaryFailed => "auxiliary unit failed",
        }
    }

    /// The kind behind a word on the bus.
    pub fn from_word(word: &str) -> Option<ChangeKind> {
        [
            ChangeKind::Symlink,
            ChangeKind::Unlink,
            ChangeKind::Masked,
            ChangeKind::MaskedByGenerator,
            ChangeKind::Dangling,
            ChangeKind::DestinationNotPresent,
            ChangeKind::AuxiliaryFailed,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == word)
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Change {
    /// What kind.
    pub kind: ChangeKind,
    /// A path or a unit name: see [`ChangeKind`].
    pub path: String,
    /// What a link points to, or empty.
    pub source: String,
}

impl Change {
    /// What systemctl prints about the change.
    pub fn message(&self) -> String {
        let (path, source) = (&self.path, &self.source);
        match self.kind {
            ChangeKind::Symlink => format!("Created symlink {path} → {source}."),
            ChangeKind::Unlink => format!("Removed \"{path}\"."),
            ChangeKind::Masked => format!("Unit {path} is masked, ignoring."),
            ChangeKind::MaskedByGenerator => {
                format!("Unit {path} is masked via a generator and cannot be unmasked.")
            }
            ChangeKind::Dangling => format!("Unit {path} is an alias to a unit that is not present, ignoring."),
            ChangeKind::DestinationNotPresent => {
                format!("Unit {source} is added as a dependency to a non-existent unit {path}.")
            }
            ChangeKind::AuxiliaryFailed => format!("Failed to enable auxiliary unit {path}, ignoring."),
        }
    }
}

/// What a verb did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the files say anything about their installation; if not, systemctl explains that at length.
    pub carries_install_info: bool,
    /// What was done, in order.
    pub changes: Vec<Change>,
}

/// Why a verb failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InstallError {
    /// Something else is there already.
    #[error("File {path} already exists.")]
    Exists {
        /// Where.
        path: String,
    },
    /// A link to something else is there already.
    #[error("File {path} already exists and is a symlink to {target}.")]
    ExistsAsLink {
        /// Where.
        path: String,
        /// Where it points.
        target: String,
    },
    /// The unit is masked.
    #[error("Unit file {0} is masked.")]
    Masked(String),
    /// The unit is transient, or made by a generator.
    #[error("Unit {0} is transient or generated.")]
    Generated(String),
    /// The name is a link, and the verb wants the file itself.
    #[error("Refusing to operate on alias name or linked unit file: {0}")]
    Linked(String),
    /// A template was to be wanted by a unit that is none.
    #[error("Destination unit {0} is a non-template unit.")]
    NonTemplate(String),
    /// No unit name.
    #[error("\"{0}\" is not a valid unit name.")]
    InvalidName(String),
    /// `Alias=` with a name that this unit cannot have.
    #[error("Cannot alias {target} as {alias}.")]
    BadAlias {
        /// The unit.
        target: String,
        /// The name.
        alias: String,
    },
    /// `Alias=` with a path that is no link in a `.wants` or `.requires` directory.
    #[error("Invalid unit reference {0}.")]
    BadReference(String),
    /// There is no such file.
    #[error("Unit file {0} does not exist.")]
    NotFound(String),
    /// A specifier that has no value here.
    #[error("Invalid specifier in {0}.")]
    BadSpecifier(String),
    /// What the kernel refuses, and arguments that make no sense (`EINVAL`).
    #[error("File {path}: {}", strerror(*.errno))]
    Errno {
        /// Which file, or which argument.
        path: String,
        /// Why.
        errno: i32,
    },
    /// The same with nothing more to say.
    #[error("{}", strerror(*.0))]
    Plain(i32),
}

/// The C library's text of an errno.
fn strerror(errno: i32) -> String {
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

impl InstallError {
    /// The D-Bus error name that systemd uses. For errno values without a D-Bus name: `System.Error.*`.
    pub fn bus_name(&self) -> &'static str {
        match self {
            InstallError::Exists { .. } | InstallError::ExistsAsLink { .. } => "org.freedesktop.systemd1.UnitExists",
            InstallError::Masked(_) => "org.freedesktop.systemd1.UnitMasked",
            InstallError::Generated(_) => "org.freedesktop.systemd1.UnitGenerated",
            InstallError::Linked(_) => "org.freedesktop.systemd1.UnitLinked",
            InstallError::NotFound(_) => "org.freedesktop.systemd1.NoSuchUnit",
            InstallError::NonTemplate(_)
            | InstallError::InvalidName(_)
            | InstallError::BadAlias { .. }
            | InstallError::BadReference(_)
            | InstallError::BadSpecifier(_) => "org.freedesktop.systemd1.BadUnitSetting",
            InstallError::Errno { errno, .. } | InstallError::Plain(errno) => errno_bus_name(*errno),
        }
    }
}

/// sd-bus's names for the errno values that unit files bring up.
fn errno_bus_name(errno: i32) -> &'static str {
    match errno {
        1 | 13 => "org.freedesktop.DBus.Error.AccessDenied",
        2 => "org.freedesktop.DBus.Error.FileNotFound",
        5 => "org.freedesktop.DBus.Error.IOError",
        12 => "org.freedesktop.DBus.Error.NoMemory",
        17 => "org.freedesktop.DBus.Error.FileExists",
        18 => "System.Error.EXDEV",
        20 => "System.Error.ENOTDIR",
        21 => "System.Error.EISDIR",
        22 => "org.freedesktop.DBus.Error.InvalidArgs",
        25 => "System.Error.ENOTTY",
        28 => "System.Error.ENOSPC",
        30 => "org.freedesktop.DBus.Error.PropertyReadOnly",
        36 => "System.Error.ENAMETOOLONG",
        40 => "System.Error.ELOOP",
        67 => "System.Error.ENOLINK",
        74 => "org.freedesktop.DBus.Error.InconsistentMessage",
        105 => "System.Error.ENOBUFS",
        _ => "org.freedesktop.DBus.Error.Failed",
    }
}

/// A verb that failed, and what it had done by then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{error}")]
pub struct InstallFailure {
    /// Why: what goes over the bus.
    pub error: InstallError,
    /// What is done all the same: for the log.
    pub changes: Vec<Change>,
}

impl From<InstallError> for InstallFailure {
    fn from(error: InstallError) -> InstallFailure {
        InstallFailure { error, changes: Vec::new() }
    }
}

/// Collects what a verb does: changes, and failures that do not stop it at once.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) changes: Vec<Change>,
    pub(super) failures: Vec<InstallError>,
}

impl Log {
    pub(super) fn add(&mut self, kind: ChangeKind, path: impl Into<String>, source: impl Into<String>) {
        self.changes.push(Change { kind, path: path.into(), source: source.into() });
    }

    /// The verb's result: the first failure if it `failed`, or if nothing but failures happened.
    pub(super) fn finish(self, carries_install_info: bool, failed: bool) -> Result<Outcome, InstallFailure> {
        let Log { changes, failures } = self;
        match failures.into_iter().next() {
            Some(error) if failed || changes.is_empty() => Err(InstallFailure { error, changes }),
            Some(_) | None => Ok(Outcome { carries_install_info, changes }),
        }
    }
}
