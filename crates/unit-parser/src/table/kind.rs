//! How a directive's text becomes a value.

use crate::dependencies::DependencyKind;
use crate::value::{ConditionKind, ListenKind};

/// How the text of a directive is read, and which shape its [`crate::Value`] has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `yes`/`no`: [`crate::Value::Bool`].
    Bool,
    /// A boolean without which the unit can't be used: `Bool`.
    NeededBool,
    /// A number within bounds: `Int`.
    Int(i64, i64),
    /// A number up to a bound: `Uint`.
    Uint(u64),
    /// A time span, bare numbers are seconds: `Usec`.
    Usec,
    /// A time span where 0 means "infinity": `Usec`.
    UsecZeroInfinite,
    /// A time span where the empty text means "infinity": `Usec`.
    UsecEmptyInfinite,
    /// A time span, bare numbers are nanoseconds: `Uint`.
    Nsec,
    /// Bytes, suffixes K, M, G, ... with base 1024: `Size`.
    Size,
    /// Bytes, "infinity", or a percentage of the memory: `Size` or `Permyriad`.
    MemoryLimit,
    /// A number, "infinity", or a percentage: `Uint` or `Permyriad`.
    Tasks,
    /// A percentage, possibly above 100: `Permyriad`.
    Quota,
    /// A percentage up to 100 with two decimals: `Permyriad`.
    Permyriad,
    /// A weight within bounds, or nothing; with `idle` allowed: `Uint`.
    Weight(u64, u64),
    /// Octal access mode: `Mode`.
    Mode,
    /// A signal by name or number: `Signal`.
    Signal,
    /// One text with specifiers: `Str`.
    Text,
    /// One text, taken as it is: `Str`.
    Verbatim,
    /// One text with a grammar of its own: `Str`.
    Checked(Check),
    /// Words separated by space, each with a grammar of its own; the others are left out: `List`, each assignment adds.
    CheckedWords(Check),
    /// One of these words: `Word`.
    Word(&'static [&'static str]),
    /// One of these words or a boolean, shown as one of the words: the first two words stand for yes and no: `Word`.
    BoolOrWord(&'static [&'static str]),
    /// A number that has names: the place in the list, or a plain number up to the last place: `Int`.
    Named(&'static [&'static str]),
    /// Words separated by space, quotes and specifiers as usual: `List`, each assignment adds.
    Words,
    /// Words separated by space; one assignment replaces the other: `List`.
    WordsReplace,
    /// URLs: `List`.
    Documentation,
    /// Names of units that this one depends on: `Units`.
    Units(DependencyKind),
    /// One unit name: `Units` with one name.
    UnitRef,
    /// The service of a socket, the unit of a timer or path: `Units` with one name.
    TriggeredUnit,
    /// Names for [Install]: `List`.
    InstallNames,
    /// An absolute path: `Str`.
    Path,
    /// The same; without a good one the unit can't be used: `Str`.
    NeededPath,
    /// A path, below the runtime directory if it is relative: `Str`.
    PidFile,
    /// Absolute paths, possibly with prefixes `-` and `+`: `List`.
    Paths,
    /// Absolute paths without prefixes: `List`.
    PlainPaths,
    /// The same; what follows a bad one on its line doesn't count (systemd.socket(5), `Symlinks=`): `List`.
    LinkPaths,
    /// `BindPaths=` and its like: `List` of `SOURCE[:DESTINATION[:OPTIONS]]`.
    BindPaths,
    /// `TemporaryFileSystem=`: `Pairs` of path and options.
    TemporaryFileSystems,
    /// `WorkingDirectory=`: `Str` with its prefix, or `~`.
    WorkingDirectory,
    /// `RuntimeDirectory=` and its like: `List` of relative paths, `true`: with `:SYMLINK`.
    Directories(bool),
    /// Command lines: `Exec`.
    Exec,
    /// `NAME=value` assignments: `Environment`.
    Environment,
    /// Names of variables, `true`: or assignments: `List`.
    EnvironmentNames(bool),
    /// `EnvironmentFile=`: `List` of absolute paths with their `-`.
    EnvironmentFiles,
    /// A condition or assert (`true`): kept in one list with all others.
    Condition(ConditionKind, bool),
    /// A listening address: kept in one list with all others.
    Listen(ListenKind),
    /// A resource limit whose numbers count this: `Rlimit`.
    Rlimit(RlimitUnit),
    /// Exit statuses and signals: `ExitStatus`.
    ExitStatus,
    /// An exit status, or nothing: `Int`, -1 for none.
    ExitStatusOne,
    /// A user or group by name or number: `Str`.
    User,
    /// Users or groups: `List`.
    Users,
    /// `StandardInput=`: `Word` with its argument.
    StandardInput,
    /// `StandardOutput=` and `StandardError=`: `Word` with its argument.
    StandardOutput,
    /// One line of text for standard input, C escapes and specifiers: `Str`, each assignment adds a line.
    InputText,
    /// Base64 for standard input: `List`.
    InputData,
    /// `On…Sec=` and `OnCalendar=`: `Pairs` of directive and microseconds or normal form, in one list.
    Timer,
    /// `PathExists=` and its like: `Pairs` of directive and path, in one list.
    WatchedPath,
    /// Names of capabilities, `~` inverts: `Uint` mask.
    Capabilities(bool),
    /// `SecureBits=`: `Uint` mask.
    SecureBits,
    /// A list with `~` for "all but": `List`, the first item `~` when inverted.
    AllowDeny(Option<Check>),
    /// System calls and sets of them, `~` inverts: `List` of the words as [`crate::system_calls::Filter`] reads them.
    /// `true`: an allow list starts with what every process needs.
    SystemCalls(bool),
    /// Networks and names of networks: `List` of `ADDRESS/BITS`.
    Networks,
    /// `RestrictNamespaces=`: `Uint` mask of CLONE_NEW… flags that stay allowed.
    Namespaces,
    /// A set of numbers `0-3,5`: `List` of the numbers in ascending order.
    CpuSet,
    /// `NUMAMask=`: such a set, or `all`.
    NumaMask,
    /// A path and a number: `Pairs`.
    DeviceValue(DeviceValue),
    /// `DeviceAllow=`: `Pairs` of device and access.
    DeviceAllow,
    /// A key and a value with a colon: `Pairs`.
    ColonPair(Option<Check>),
    /// `Delegate=`: `List` of controllers, or `yes`.
    Delegate,
    /// `CoredumpFilter=`: `Uint` mask.
    CoredumpFilter,
    /// An error of system calls by name or number, or `kill`: `Int`.
    Errno,
    /// `IPTOS=`: `Int`.
    IpTos,
    /// `MountFlags=`: `Uint`.
    MountFlags,
}

/// Grammars of texts and words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// What uname(2) may pretend.
    Personality,
    /// A path, or hexadecimal digits.
    RootHash,
    /// A path, or base64.
    RootHashSignature,
    /// `LogNamespace=`.
    LogNamespace,
    /// A name on the message bus.
    BusName,
    /// A network interface.
    Interface,
    /// The same, or `*` for any (systemd.socket(5), `BindToDevice=`).
    BoundInterface,
    /// `Timestamping=` of sockets.
    Timestamping,
    /// `FileDescriptorName=`.
    DescriptorName,
    /// `SystemCallArchitectures=`.
    Architecture,
    /// An assignment to a field of the journal.
    JournalField,
    /// A controller of control groups.
    Controller,
    /// `SocketBindAllow=`.
    PortRule,
    /// A file with a file system, a partition of it, options.
    Image,
    /// The same with a mount point.
    MountedImage,
    /// `AF_INET` and its like.
    AddressFamily,
    /// A kind of BPF program and its file.
    BpfProgram,
    /// A credential and where it is.
    Credential,
    /// A credential and its content.
    CredentialContent,
}

/// What is said of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceValue {
    /// A weight within bounds.
    Weight(u64, u64),
    /// Bytes or operations a second, suffixes with base 1000; `infinity`.
    Rate,
    /// A time span.
    Latency,
}

/// What the numbers of a resource limit count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RlimitUnit {
    /// Bytes with suffixes.
    Bytes,
    /// A plain number.
    Number,
    /// Seconds, or a time span.
    Seconds,
    /// Microseconds, or a time span.
    Microseconds,
    /// Nice levels, `+N` or `-N` turned into 20-N.
    Nice,
}

/// The words that several directives share.
pub mod words {
    /// `FailureAction=` and its like.
    pub const ACTION: &[&str] = &[
        "none",
        "reboot",
        "reboot-force",
        "reboot-immediate",
        "poweroff",
        "poweroff-force",
        "poweroff-immediate",
        "exit",
        "exit-force",
        "soft-reboot",
        "soft-reboot-force",
        "kexec",
        "kexec-force",
        "halt",
        "halt-force",
        "halt-immediate",
    ];
    /// Job modes.
    pub const JOB_MODE: &[&str] = &[
        "fail",
        "replace",
        "replace-irreversibly",
        "isolate",
        "flush",
        "ignore-dependencies",
        "ignore-requirements",
        "triggering",
        "restart-dependencies",
    ];
    /// Log levels, 0 to 7.
    pub const LOG_LEVEL: &[&str] = &["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
    /// Syslog facilities.
    pub const LOG_FACILITY: &[&str] = &[
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "12",
        "13", "14", "15", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
    ];
}
