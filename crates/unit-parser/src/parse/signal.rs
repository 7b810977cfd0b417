//! Signals by name (signal(7)); the numbers are those of Linux on most architectures.

/// The first real-time signal that programs see (glibc keeps two for itself).
pub const RTMIN: i32 = 34;
/// The last real-time signal.
pub const RTMAX: i32 = 64;

const NAMES: &[(&str, i32)] = &[
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("PWR", 30),
    ("SYS", 31),
];

/// The number of a signal: `SIGTERM`, `TERM`, `15`, `RTMIN+3`, `RTMAX-1`.
pub fn parse(text: &str) -> Option<i32> {
    if let Ok(number) = text.parse::<i32>() {
        return (1..=RTMAX).contains(&number).then_some(number);
    }
    let name = text.strip_prefix("SIG").unwrap_or(text);
    if let Some((_, number)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(*number);
    }
    let offset = |rest: &str, sign: char| -> Option<i32> {
        if rest.is_empty() {
            return Some(0);
        }
        rest.strip_prefix(sign)?.parse::<i32>().ok().filter(|n| *n >= 0)
    };
    let number = if let Some(rest) = name.strip_prefix("RTMIN") {
        RTMIN.checked_add(offset(rest, '+')?)?
    } else {
        RTMAX.checked_sub(offset(name.strip_prefix("RTMAX")?, '-')?)?
    };
    (RTMIN..=RTMAX).contains(&number).then_some(number)
}

/// The name without `SIG`: `TERM`, `RTMIN+3`; numbers that have none as they are.
pub fn name(number: i32) -> String {
    if let Some((name, _)) = NAMES.iter().find(|(_, n)| *n == number) {
        return (*name).to_owned();
    }
    if (RTMIN..=RTMAX).contains(&number) {
        return format!("RTMIN+{}", number - RTMIN);
    }
    number.to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_and_numbers() {
        for (text, number) in [
            ("SIGTERM", Some(15)),
            ("INT", Some(2)),
            ("10", Some(10)),
            ("RTMIN+3", Some(37)),
            ("SIGRTMAX", Some(64)),
            ("RTMAX-1", Some(63)),
            ("SIGNOPE", None),
            ("0", None),
            ("65", None),
            ("RTMIN+31", None),
            ("sigterm", None),
        ] {
            assert_eq!(super::parse(text), number, "{text}");
        }
        assert_eq!(super::name(15), "TERM");
        assert_eq!(super::name(37), "RTMIN+3");
    }
}
