//! D-Bus errors: one enum of names, one place where they are spelled (org.freedesktop.systemd1(5), D-Bus specification).

use std::fmt;

use rustix::io::Errno;

macro_rules! error_names {
    ($($(#[$doc:meta])* $variant:ident => $name:literal,)*) => {
        /// Name of a D-Bus error that Quintet sends.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorName {
            $($(#[$doc])* $variant,)*
            /// `System.Error.EXXX`: an errno that D-Bus has no name of its own for. Raw errno, positive.
            Errno(i32),
        }

        impl ErrorName {
            const NAMED: &'static [(ErrorName, &'static str)] = &[$((ErrorName::$variant, $name),)*];

            /// The name as it goes over the wire.
            pub fn as_str(self) -> String {
                match self {
                    $(ErrorName::$variant => $name.to_owned(),)*
                    ErrorName::Errno(errno) => format!("System.Error.{}", errno_name(errno)),
                }
            }
        }
    };
}

error_names! {
    /// Generic failure.
    Failed => "org.freedesktop.DBus.Error.Failed",
    /// The object has no such method, or the interface is unknown with the method.
    UnknownMethod => "org.freedesktop.DBus.Error.UnknownMethod",
    /// No object at this path.
    UnknownObject => "org.freedesktop.DBus.Error.UnknownObject",
    /// The object has no such interface.
    UnknownInterface => "org.freedesktop.DBus.Error.UnknownInterface",
    /// The interface has no such property.
    UnknownProperty => "org.freedesktop.DBus.Error.UnknownProperty",
    /// The property cannot be set (EROFS for sd-bus clients).
    PropertyReadOnly => "org.freedesktop.DBus.Error.PropertyReadOnly",
    /// Arguments of the wrong type or value (EINVAL).
    InvalidArgs => "org.freedesktop.DBus.Error.InvalidArgs",
    /// The caller may not do this (EACCES, EPERM).
    AccessDenied => "org.freedesktop.DBus.Error.AccessDenied",
    /// The operation is not supported (EOPNOTSUPP).
    NotSupported => "org.freedesktop.DBus.Error.NotSupported",
    /// A limit was hit.
    LimitsExceeded => "org.freedesktop.DBus.Error.LimitsExceeded",
    /// No reply came.
    NoReply => "org.freedesktop.DBus.Error.NoReply",
    /// It took too long (ETIMEDOUT).
    Timeout => "org.freedesktop.DBus.Error.Timeout",
    /// No such file (ENOENT).
    FileNotFound => "org.freedesktop.DBus.Error.FileNotFound",
    /// The file is there already (EEXIST).
    FileExists => "org.freedesktop.DBus.Error.FileExists",
    /// Input or output error (EIO).
    IoError => "org.freedesktop.DBus.Error.IOError",
    /// A file's grammar is broken (EBADMSG).
    InconsistentMessage => "org.freedesktop.DBus.Error.InconsistentMessage",
    /// Out of memory (ENOMEM).
    NoMemory => "org.freedesktop.DBus.Error.NoMemory",
    /// The address is taken (EADDRINUSE).
    AddressInUse => "org.freedesktop.DBus.Error.AddressInUse",
    /// The connection is gone.
    Disconnected => "org.freedesktop.DBus.Error.Disconnected",
    /// Nobody offers this service.
    ServiceUnknown => "org.freedesktop.DBus.Error.ServiceUnknown",
    /// Nobody owns this name.
    NameHasNoOwner => "org.freedesktop.DBus.Error.NameHasNoOwner",
    /// No process with this PID (ESRCH).
    UnixProcessIdUnknown => "org.freedesktop.DBus.Error.UnixProcessIdUnknown",
    /// polkit wants to ask the user, and the caller did not allow it.
    InteractiveAuthorizationRequired => "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
    /// The unit is not loaded, or there is no file for it.
    NoSuchUnit => "org.freedesktop.systemd1.NoSuchUnit",
    /// The unit has no such process to send a signal to.
    NoSuchProcess => "org.freedesktop.systemd1.NoSuchProcess",
    /// No unit has this PID.
    NoUnitForPid => "org.freedesktop.systemd1.NoUnitForPID",
    /// No unit has this invocation ID.
    NoUnitForInvocationId => "org.freedesktop.systemd1.NoUnitForInvocationID",
    /// The unit exists already (transient units).
    UnitExists => "org.freedesktop.systemd1.UnitExists",
    /// The unit file could not be loaded.
    LoadFailed => "org.freedesktop.systemd1.LoadFailed",
    /// The unit file is loaded and lacks something it must have.
    BadUnitSetting => "org.freedesktop.systemd1.BadUnitSetting",
    /// A job of this unit failed.
    JobFailed => "org.freedesktop.systemd1.JobFailed",
    /// No job with this id.
    NoSuchJob => "org.freedesktop.systemd1.NoSuchJob",
    /// The caller has no subscription.
    NotSubscribed => "org.freedesktop.systemd1.NotSubscribed",
    /// The caller has a subscription already.
    AlreadySubscribed => "org.freedesktop.systemd1.AlreadySubscribed",
    /// `RefuseManualStart=` or `RefuseManualStop=`.
    OnlyByDependency => "org.freedesktop.systemd1.OnlyByDependency",
    /// Two jobs of the transaction contradict each other.
    TransactionJobsConflicting => "org.freedesktop.systemd1.TransactionJobsConflicting",
    /// The ordering of the transaction has a cycle that cannot be broken.
    TransactionOrderIsCyclic => "org.freedesktop.systemd1.TransactionOrderIsCyclic",
    /// The transaction would undo an irreversible or queued job.
    TransactionIsDestructive => "org.freedesktop.systemd1.TransactionIsDestructive",
    /// The unit is masked.
    UnitMasked => "org.freedesktop.systemd1.UnitMasked",
    /// The unit was made by a generator.
    UnitGenerated => "org.freedesktop.systemd1.UnitGenerated",
    /// The unit file is linked.
    UnitLinked => "org.freedesktop.systemd1.UnitLinked",
    /// The unit cannot do jobs of this type.
    JobTypeNotApplicable => "org.freedesktop.systemd1.JobTypeNotApplicable",
    /// `AllowIsolate=no`.
    NoIsolation => "org.freedesktop.systemd1.NoIsolation",
    /// The manager is going down.
    ShuttingDown => "org.freedesktop.systemd1.ShuttingDown",
    /// The scope does not run.
    ScopeNotRunning => "org.freedesktop.systemd1.ScopeNotRunning",
    /// No such dynamic user.
    NoSuchDynamicUser => "org.freedesktop.systemd1.NoSuchDynamicUser",
    /// The caller holds no reference to the unit.
    NotReferenced => "org.freedesktop.systemd1.NotReferenced",
    /// No space for a transient or control file.
    DiskFull => "org.freedesktop.systemd1.DiskFull",
    /// Clean, freeze and the like need an inactive or active unit.
    UnitInactive => "org.freedesktop.systemd1.UnitInactive",
    /// The freezer operation was cancelled.
    FreezeCancelled => "org.freedesktop.systemd1.FreezeCancelled",
    /// Nothing to clean.
    NothingToClean => "org.freedesktop.systemd1.NothingToClean",
    /// The unit is busy (`CleanUnit`).
    UnitBusy => "org.freedesktop.systemd1.UnitBusy",
}

impl ErrorName {
    /// The name that sd-bus uses for an errno: a D-Bus error of its own where there is one, else `System.Error.EXXX`.
    pub fn from_errno(errno: i32) -> ErrorName {
        match Errno::from_raw_os_error(errno) {
            Errno::ACCESS | Errno::PERM => ErrorName::AccessDenied,
            Errno::EXIST => ErrorName::FileExists,
            Errno::NOENT => ErrorName::FileNotFound,
            Errno::INVAL => ErrorName::InvalidArgs,
            Errno::IO => ErrorName::IoError,
            Errno::NOMEM => ErrorName::NoMemory,
            Errno::ADDRINUSE => ErrorName::AddressInUse,
            Errno::CONNRESET => ErrorName::Disconnected,
            Errno::ROFS => ErrorName::PropertyReadOnly,
            Errno::SRCH => ErrorName::UnixProcessIdUnknown,
            Errno::TIMEDOUT => ErrorName::Timeout,
            Errno::OPNOTSUPP => ErrorName::NotSupported,
            other => ErrorName::Errno(other.raw_os_error()),
        }
    }

    /// The enum's view of a name received from a peer; `None` for names that Quintet does not send itself.
    pub fn from_wire(name: &str) -> Option<ErrorName> {
        let errno = || name.strip_prefix("System.Error.").and_then(errno_of_name).map(ErrorName::Errno);
        ErrorName::NAMED.iter().find(|(_, text)| *text == name).map(|(variant, _)| *variant).or_else(errno)
    }
}

/// Symbolic names of the errno values that unit files and sockets can bring up.
const ERRNO_NAMES: &[(Errno, &str)] = &[
    (Errno::LOOP, "ELOOP"),
    (Errno::ADDRNOTAVAIL, "EADDRNOTAVAIL"),
    (Errno::NOTDIR, "ENOTDIR"),
    (Errno::ISDIR, "EISDIR"),
    (Errno::NAMETOOLONG, "ENAMETOOLONG"),
    (Errno::NOSPC, "ENOSPC"),
    (Errno::DQUOT, "EDQUOT"),
    (Errno::BUSY, "EBUSY"),
    (Errno::BADF, "EBADF"),
    (Errno::XDEV, "EXDEV"),
    (Errno::NOTEMPTY, "ENOTEMPTY"),
    (Errno::NOSYS, "ENOSYS"),
    (Errno::RANGE, "ERANGE"),
    (Errno::NXIO, "ENXIO"),
    (Errno::NODEV, "ENODEV"),
    (Errno::NOTUNIQ, "ENOTUNIQ"),
    (Errno::NOEXEC, "ENOEXEC"),
    (Errno::UNATCH, "EUNATCH"),
    (Errno::ALREADY, "EALREADY"),
    (Errno::HOSTDOWN, "EHOSTDOWN"),
    (Errno::SHUTDOWN, "ESHUTDOWN"),
    (Errno::CONNREFUSED, "ECONNREFUSED"),
    (Errno::AGAIN, "EAGAIN"),
    (Errno::MFILE, "EMFILE"),
    (Errno::NFILE, "ENFILE"),
    (Errno::BADMSG, "EBADMSG"),
    (Errno::PROTO, "EPROTO"),
    (Errno::STALE, "ESTALE"),
    (Errno::CANCELED, "ECANCELED"),
    (Errno::AFNOSUPPORT, "EAFNOSUPPORT"),
    (Errno::PROTONOSUPPORT, "EPROTONOSUPPORT"),
    (Errno::NOBUFS, "ENOBUFS"),
];

fn errno_of_name(name: &str) -> Option<i32> {
    ERRNO_NAMES.iter().find(|(_, text)| *text == name).map(|(errno, _)| errno.raw_os_error())
}

fn errno_name(errno: i32) -> String {
    let raw = Errno::from_raw_os_error(errno);
    ERRNO_NAMES.iter().find(|(e, _)| *e == raw).map_or_else(|| errno.to_string(), |(_, name)| (*name).to_owned())
}

/// A D-Bus error: its name and the text that clients print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusError {
    /// Which error.
    pub name: ErrorName,
    /// The text for people; some clients parse it (`Unit X not loaded.`).
    pub text: String,
}

impl BusError {
    /// An error with a text.
    pub fn new(name: ErrorName, text: impl Into<String>) -> BusError {
        BusError { name, text: text.into() }
    }

    /// Arguments that do not parse.
    pub fn invalid_args(text: impl Into<String>) -> BusError {
        BusError::new(ErrorName::InvalidArgs, text)
    }

    /// An I/O error under the name that sd-bus gives its errno.
    pub fn from_io(error: &std::io::Error) -> BusError {
        let name = error.raw_os_error().map_or(ErrorName::Failed, ErrorName::from_errno);
        BusError::new(name, error.to_string())
    }
}

impl fmt::Display for BusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text, self.name.as_str())
    }
}

impl std::error::Error for BusError {}

impl From<zbus::Error> for BusError {
    fn from(error: zbus::Error) -> BusError {
        BusError::invalid_args(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for (variant, text) in ErrorName::NAMED {
            assert_eq!(variant.as_str(), *text);
            assert_eq!(ErrorName::from_wire(text), Some(*variant));
        }
    }

    #[test]
    fn errnos_have_sd_bus_names() {
        use rustix::io::Errno;
        let name = |errno: Errno| ErrorName::from_errno(errno.raw_os_error()).as_str();
        assert_eq!(name(Errno::NOENT), "org.freedesktop.DBus.Error.FileNotFound");
        assert_eq!(name(Errno::EXIST), "org.freedesktop.DBus.Error.FileExists");
        assert_eq!(name(Errno::LOOP), "System.Error.ELOOP");
    }
}
