//! What may stand on the right of a directive, in words.

use super::kind::{Check, DeviceValue, Kind};

impl Kind {
    /// What a directive of this kind takes, for people.
    pub fn takes(self) -> String {
        let text = match self {
            Kind::Int(low, high) => return bounds("a number", low, high),
            Kind::Uint(high) if high == u64::MAX => "a number from 0",
            Kind::Uint(high) => return format!("a number from 0 to {high}"),
            Kind::Weight(low, high) => return format!("a weight from {low} to {high}"),
            Kind::Word(words) => return format!("one of {}", words.join(", ")),
            Kind::BoolOrWord(words) => return format!("yes, no, or one of {}", words.join(", ")),
            Kind::Named(words) => return format!("one of {}, or its number", words.join(", ")),
            Kind::Bool | Kind::NeededBool => "yes or no",
            Kind::Usec | Kind::UsecZeroInfinite | Kind::UsecEmptyInfinite => {
                "a time span (5min 20s, 100ms, infinity); a bare number is seconds"
            }
            Kind::Nsec => "a time span; a bare number is nanoseconds",
            Kind::Size => "bytes, with K, M, G, T for powers of 1024",
            Kind::MemoryLimit => "bytes with K, M, G, T for powers of 1024, a percentage of the memory, or infinity",
            Kind::Tasks => "a number, a percentage, or infinity",
            Kind::Quota => "a percentage, above 100% for more than one processor",
            Kind::Permyriad => "a percentage up to 100%",
            Kind::Mode => "an access mode in octal (0644)",
            Kind::Signal => "a signal by name or number (SIGTERM)",
            Kind::Text => "a text; specifiers (%i, %n, ...) are replaced",
            Kind::Verbatim => "a text, taken as it is",
            Kind::Words | Kind::WordsReplace => "words separated by spaces, quotes allowed",
            Kind::Documentation => "addresses: man:, info:, http:, https:, file:",
            Kind::Units(_) | Kind::InstallNames => "names of units",
            Kind::UnitRef | Kind::TriggeredUnit => "the name of a unit",
            Kind::Path | Kind::NeededPath => "an absolute path",
            Kind::PidFile => "a path; a relative one is below the runtime directory",
            Kind::Paths => "absolute paths, with - (may be missing) and + (below RootDirectory=) before them",
            Kind::PlainPaths | Kind::LinkPaths => "absolute paths",
            Kind::BindPaths => "SOURCE[:DESTINATION[:OPTIONS]], with - if the source may be missing",
            Kind::TemporaryFileSystems => "PATH[:OPTIONS]",
            Kind::WorkingDirectory => "an absolute path, with - if it may be missing, or ~ for the user's home",
            Kind::Directories(true) => "relative paths, with :SYMLINK",
            Kind::Directories(false) => "relative paths",
            Kind::Exec => "a command line; prefixes @ - : + ! !!, several are separated by ;",
            Kind::Environment => "NAME=value, quoted if there are spaces",
            Kind::EnvironmentNames(_) => "names of variables",
            Kind::EnvironmentFiles => "an absolute path or pattern, with - if it may be missing",
            Kind::Condition(kind, _) if kind.takes_path() => "an absolute path; | and ! before it: one suffices, not",
            Kind::Condition(..) => "what to compare with; | and ! before it: one suffices, not",
            Kind::Listen(_) => "an address",
            Kind::Rlimit(_) => "a limit, or SOFT:HARD, or infinity",
            Kind::ExitStatus => "exit statuses by number or name, and signals",
            Kind::ExitStatusOne => "an exit status",
            Kind::User => "a user or group by name or number",
            Kind::Users => "users or groups by name or number",
            Kind::StandardInput => "null, tty, tty-force, tty-fail, data, file:PATH, socket, fd:NAME",
            Kind::StandardOutput => {
                "inherit, null, tty, journal, kmsg, journal+console, kmsg+console, file:PATH, append:PATH, truncate:PATH, socket, fd:NAME"
            }
            Kind::InputText => "a line of text",
            Kind::InputData => "base64",
            Kind::Timer => "a time span, for OnCalendar= a calendar event (Mon..Fri 9:00, weekly, *-*-1)",
            Kind::WatchedPath => "an absolute path",
            Kind::Capabilities(_) => "names of capabilities; ~ before them: all but these",
            Kind::SecureBits => "names of secure bits",
            Kind::AllowDeny(_) => "names; ~ before them: all but these",
            Kind::SystemCalls(_) => "system calls and @sets of them, with :ERRNO; ~ before them: all but these",
            Kind::Networks => "addresses with prefix length, or any, localhost, link-local, multicast",
            Kind::Namespaces => "yes, no, or kinds of namespaces; ~ before them: all but these",
            Kind::CpuSet => "numbers and ranges (0-3,5)",
            Kind::NumaMask => "numbers and ranges (0-3,5), or all",
            Kind::DeviceValue(DeviceValue::Weight(low, high)) => {
                return format!("the path of a device and a weight from {low} to {high}");
            }
            Kind::DeviceValue(DeviceValue::Rate) => {
                "the path of a device and a number, suffixes K, M, G with base 1000"
            }
            Kind::DeviceValue(DeviceValue::Latency) => "the path of a device and a time span",
            Kind::Checked(check) | Kind::ColonPair(Some(check)) => check.expected(),
            Kind::CheckedWords(check) => return format!("words, each {}", check.expected()),
            Kind::DeviceAllow => "a device (a path, char-NAME, block-NAME) and r, w, m",
            Kind::ColonPair(None) => "two words with a colon between them",
            Kind::Delegate => "yes, no, or names of controllers",
            Kind::CoredumpFilter => "kinds of memory mappings, or a number",
            Kind::Errno => "an error of system calls by name or number, or kill",
            Kind::IpTos => "low-delay, throughput, reliability, low-cost, or a number",
            Kind::MountFlags => "shared, slave or private",
        };
        text.to_owned()
    }
}

impl Check {
    /// What such a text is, for people.
    pub fn expected(self) -> &'static str {
        match self {
            Check::Personality => "an architecture that this machine can pretend to be",
            Check::RootHash => "an absolute path, or at least 32 hexadecimal digits",
            Check::RootHashSignature => "an absolute path, or base64: and the signature",
            Check::LogNamespace => "the name of a namespace",
            Check::BusName => "a name on the message bus like org.example.Name",
            Check::Interface | Check::BoundInterface => "the name of a network interface",
            Check::Timestamping => "one of off, us, ns",
            Check::DescriptorName => "a name of up to 255 printable characters without a colon",
            Check::Architecture => "an architecture like x86-64, or native",
            Check::JournalField => "FIELD=value, the field in upper case",
            Check::Controller => "a controller like memory",
            Check::PortRule => "[ipv4:|ipv6:][tcp:|udp:] and a port, a range of ports or any",
            Check::Image => "an absolute path, possibly with :PARTITION:OPTIONS",
            Check::MountedImage => "SOURCE:DESTINATION, both absolute paths",
            Check::AddressFamily => "an address family like AF_INET",
            Check::BpfProgram => "a kind of program like egress, a colon and an absolute path",
            Check::Credential => "NAME:PATH",
            Check::CredentialContent => "NAME:CONTENT",
        }
    }
}

fn bounds(what: &str, low: i64, high: i64) -> String {
    match (low, high) {
        (i64::MIN, i64::MAX) => what.to_owned(),
        (low, i64::MAX) => format!("{what} from {low}"),
        (low, high) => format!("{what} from {low} to {high}"),
    }
}
