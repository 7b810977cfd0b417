//! Exit statuses by name (systemd.exec(5), "Process Exit Codes").

use crate::parse::signal;
use crate::value::ExitStatusSet;

/// Names with their codes: those of the C library, LSB, BSD and systemd.
pub const NAMES: &[(&str, u8)] = &[
    ("SUCCESS", 0),
    ("FAILURE", 1),
    ("INVALIDARGUMENT", 2),
    ("NOTIMPLEMENTED", 3),
    ("NOPERMISSION", 4),
    ("NOTINSTALLED", 5),
    ("NOTCONFIGURED", 6),
    ("NOTRUNNING", 7),
    ("USAGE", 64),
    ("DATAERR", 65),
    ("NOINPUT", 66),
    ("NOUSER", 67),
    ("NOHOST", 68),
    ("UNAVAILABLE", 69),
    ("SOFTWARE", 70),
    ("OSERR", 71),
    ("OSFILE", 72),
    ("CANTCREAT", 73),
    ("IOERR", 74),
    ("TEMPFAIL", 75),
    ("PROTOCOL", 76),
    ("NOPERM", 77),
    ("CONFIG", 78),
    ("CHDIR", 200),
    ("NICE", 201),
    ("FDS", 202),
    ("EXEC", 203),
    ("MEMORY", 204),
    ("LIMITS", 205),
    ("OOM_ADJUST", 206),
    ("SIGNAL_MASK", 207),
    ("STDIN", 208),
    ("STDOUT", 209),
    ("CHROOT", 210),
    ("IOPRIO", 211),
    ("TIMERSLACK", 212),
    ("SECUREBITS", 213),
    ("SETSCHEDULER", 214),
    ("CPUAFFINITY", 215),
    ("GROUP", 216),
    ("USER", 217),
    ("CAPABILITIES", 218),
    ("CGROUP", 219),
    ("SETSID", 220),
    ("CONFIRM", 221),
    ("STDERR", 222),
    ("PAM", 224),
    ("NETWORK", 225),
    ("NAMESPACE", 226),
    ("NO_NEW_PRIVILEGES", 227),
    ("SECCOMP", 228),
    ("SELINUX_CONTEXT", 229),
    ("PERSONALITY", 230),
    ("APPARMOR", 231),
    ("ADDRESS_FAMILIES", 232),
    ("RUNTIME_DIRECTORY", 233),
    ("CHOWN", 235),
    ("SMACK_PROCESS_LABEL", 236),
    ("KEYRING", 237),
    ("STATE_DIRECTORY", 238),
    ("CACHE_DIRECTORY", 239),
    ("LOGS_DIRECTORY", 240),
    ("CONFIGURATION_DIRECTORY", 241),
    ("NUMA_POLICY", 242),
    ("CREDENTIALS", 243),
    ("BPF", 244),
    ("EXCEPTION", 255),
];

/// A code by number or name.
pub fn code(text: &str) -> Option<u8> {
    if let Ok(number) = text.parse::<u8>() {
        return Some(number);
    }
    NAMES.iter().find(|(name, _)| *name == text).map(|(_, code)| *code)
}

/// The name of a code.
pub fn name(code: i32) -> Option<&'static str> {
    NAMES.iter().find(|(_, known)| i32::from(*known) == code).map(|(name, _)| *name)
}

/// Adds one word, a code or a signal, to a set; `false` if it is neither.
pub fn add(set: &mut ExitStatusSet, word: &str) -> bool {
    if let Some(code) = code(word) {
        set.add_code(code);
    } else if let Some(number) = signal::parse(word) {
        set.add_signal(number);
    } else {
        return false;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let mut set = ExitStatusSet::default();
        for word in ["3", "TEMPFAIL", "SIGKILL", "1", "3"] {
            assert!(add(&mut set, word));
        }
        assert_eq!(set.codes, [1, 3, 75]);
        assert_eq!(set.signals, [9]);
        assert!(!add(&mut set, "256"));
        assert!(!add(&mut set, "nonsense"));
    }
}
