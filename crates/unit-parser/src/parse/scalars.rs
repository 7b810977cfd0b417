//! Kinds whose right side is one value.

use super::{Context, Problem, checked, errno, exit_status, mask, number, path, rlimit, signal, timespan};
use crate::calendar::CalendarEvent;
use crate::specifier::Host;
use crate::table::{Check, Kind, RlimitUnit};
use crate::value::Value;
use crate::zoneinfo::ZoneInfo;

type Read = Result<Value, Problem>;

fn bad(what: &str, text: &str) -> Problem {
    if text.is_empty() {
        Problem::new(format!("expected {what}, found nothing"))
    } else {
        Problem::new(format!("expected {what}, found \"{text}\""))
    }
}

pub(super) fn boolean(text: &str) -> Read {
    number::boolean(text).map(Value::Bool).ok_or_else(|| bad("yes or no", text))
}

pub(super) fn int(text: &str, low: i64, high: i64) -> Read {
    match number::signed(text) {
        Ok(n) if (low..=high).contains(&n) => Ok(Value::Int(n)),
        _ => Err(bad(&format!("a number from {low} to {high}"), text)),
    }
}

pub(super) fn uint(text: &str, high: u64, may_be_infinite: bool) -> Read {
    if may_be_infinite && text == "infinity" {
        return Ok(Value::Uint(u64::MAX));
    }
    match number::unsigned(text) {
        Ok(n) if n <= high => Ok(Value::Uint(n)),
        _ => Err(bad(&format!("a number up to {high}"), text)),
    }
}

fn span(text: &str) -> Result<u64, Problem> {
    timespan::parse(text).map_err(|_| bad("a time span like 5min 20s", text))
}

/// The normal form of a calendar event.
pub(super) fn calendar(text: &str) -> Result<String, Problem> {
    match CalendarEvent::parse(text, &ZoneInfo) {
        Ok(event) => Ok(event.to_string()),
        Err(error) => {
            let mut problem = Problem::new(format!("{error}: \"{text}\""));
            problem.hint = timespan::parse(text).ok().map(|_| "spans belong in OnActiveSec= and its like".to_owned());
            Err(problem)
        }
    }
}

pub(super) fn usec(text: &str) -> Read {
    span(text).map(Value::Usec)
}

pub(super) fn usec_zero_infinite(text: &str, kind: Kind) -> Read {
    let usec = span(text)?;
    let zero_is_infinite = kind == Kind::UsecZeroInfinite;
    Ok(Value::Usec(if usec == 0 && zero_is_infinite { timespan::INFINITY } else { usec }))
}

pub(super) fn nsec(text: &str) -> Read {
    timespan::parse_nsec(text).map(Value::Uint).map_err(|_| bad("a time span in nanoseconds", text))
}

pub(super) fn size(text: &str) -> Read {
    if text == "infinity" {
        return Ok(Value::Size(u64::MAX));
    }
    finite_size(text)
}

/// Without `infinity`: a size that is asked for, no limit.
pub(super) fn finite_size(text: &str) -> Read {
    number::size(text).map(Value::Size).map_err(|_| bad("a size like 64K", text))
}

pub(super) fn memory_limit(text: &str, zero_is_a_limit: bool) -> Read {
    match number::permyriad(text) {
        Some(0) if !zero_is_a_limit => Err(bad("a share above 0", text)),
        Some(share) if share <= 10_000 => Ok(Value::Permyriad(share)),
        Some(_) => Err(bad("at most 100%", text)),
        None => match size(text)? {
            Value::Size(0) if !zero_is_a_limit => Err(bad("a size above 0", text)),
            value => Ok(value),
        },
    }
}

pub(super) fn checked(text: &str, check: Check, context: &Context<'_>) -> Read {
    let verbatim = matches!(
        check,
        Check::Personality | Check::RootHash | Check::RootHashSignature | Check::BoundInterface | Check::Timestamping
    );
    let text = if verbatim { text.to_owned() } else { context.text(text)? };
    let value = checked::checked(check, &text);
    value.map(|value| Value::Str(value.into())).ok_or_else(|| bad(check.expected(), &text))
}

pub(super) fn tasks(text: &str) -> Read {
    match number::permyriad(text) {
        Some(share) if (1..=10_000).contains(&share) => Ok(Value::Permyriad(share)),
        Some(_) => Err(bad("a share of up to 100%", text)),
        None => match uint(text, u64::MAX, true)? {
            Value::Uint(0) => Err(bad("a number above 0", text)),
            // No limit has to be said as a word.
            Value::Uint(u64::MAX) if text != "infinity" => Err(bad("a number or infinity", text)),
            value => Ok(value),
        },
    }
}

pub(super) fn quota(text: &str) -> Read {
    let share = number::permyriad(text).filter(|share| *share > 0);
    share.map(Value::Permyriad).ok_or_else(|| bad("a percentage like 20%", text))
}

pub(super) fn permyriad(text: &str) -> Read {
    let share = number::permyriad(text).filter(|share| *share <= 10_000);
    share.map(Value::Permyriad).ok_or_else(|| bad("a percentage up to 100%", text))
}

pub(super) fn weight(text: &str, low: u64, high: u64) -> Read {
    // CPUWeight=idle is the weight 0 on D-Bus.
    if text == "idle" && low == 1 {
        return Ok(Value::Uint(0));
    }
    match number::unsigned(text) {
        Ok(n) if (low..=high).contains(&n) => Ok(Value::Uint(n)),
        _ => Err(bad(&format!("a weight from {low} to {high}"), text)),
    }
}

pub(super) fn mode(text: &str) -> Read {
    number::mode(text).map(Value::Mode).map_err(|_| bad("an octal access mode like 0755", text))
}

pub(super) fn signal(text: &str) -> Read {
    signal::parse(text).map(Value::Signal).ok_or_else(|| bad("a signal like SIGTERM", text))
}

fn unknown_word(text: &str, words: &[&str]) -> Problem {
    let named: Vec<&str> = words.iter().copied().filter(|w| !w.is_empty()).collect();
    let mut problem = bad(&format!("one of {}", named.join(", ")), text);
    problem.hint = crate::syntax::nearest(text, named.into_iter()).map(|w| format!("did you mean {w}?"));
    problem
}

pub(super) fn word(text: &str, words: &[&str]) -> Read {
    let known = words.iter().find(|w| **w == text && !w.is_empty());
    known.map(|w| Value::Word((*w).into())).ok_or_else(|| unknown_word(text, words))
}

pub(super) fn bool_or_word(text: &str, words: &[&str]) -> Read {
    let by_truth = number::boolean(text).and_then(|yes| words.get(usize::from(!yes)));
    word(by_truth.copied().unwrap_or(text), words)
}

pub(super) fn named(text: &str, words: &[&str]) -> Read {
    let by_name = words.iter().position(|w| *w == text && !w.is_empty());
    let by_number = || text.parse::<usize>().ok().filter(|n| *n < words.len());
    let place = by_name.or_else(by_number).and_then(|n| i64::try_from(n).ok());
    place.map(Value::Int).ok_or_else(|| unknown_word(text, words))
}

pub(super) fn path(text: &str) -> Read {
    path::absolute(text).map(|p| Value::Str(p.into())).ok_or_else(|| bad("an absolute path", text))
}

/// `/var/run` has been `/run` for long; systemd rewrites it where files are made.
pub(super) fn patch_var_run(path: String) -> String {
    match path.strip_prefix("/var/run/") {
        Some(rest) => format!("/run/{rest}"),
        None => path,
    }
}

pub(super) fn pid_file(text: &str, host: &Host) -> Read {
    let full = if text.starts_with('/') {
        text.to_owned()
    } else {
        let base = if host.runtime_dir.is_empty() { "/run" } else { &host.runtime_dir };
        format!("{base}/{text}")
    };
    let full = path::absolute(&full).ok_or_else(|| bad("a path", text))?;
    Ok(Value::Str(patch_var_run(full).into()))
}

pub(super) fn working_directory(text: &str, context: &Context<'_>) -> Read {
    let (optional, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    if rest == "~" {
        return Ok(Value::Str(format!("{optional}~").into()));
    }
    let fatal = |problem: Problem| if optional.is_empty() { problem.fatal() } else { problem };
    let expanded = context.text(rest).map_err(fatal)?;
    match path::absolute(&expanded) {
        Some(path) => Ok(Value::Str(format!("{optional}{path}").into())),
        None => Err(fatal(bad("an absolute path or ~", text))),
    }
}

pub(super) fn valid_user(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && text != "."
        && text != ".."
        && !text.strip_prefix('-').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && !text.chars().any(|c| c.is_control() || c == ':' || c == '/')
        && text.parse::<u64>().map_or(true, |n| n < u64::from(u32::MAX) && n != 65535)
}

pub(super) fn user(text: &str, context: &Context<'_>) -> Read {
    let name = context.text(text).map_err(Problem::fatal)?;
    if valid_user(&name) {
        Ok(Value::Str(name.into()))
    } else {
        Err(bad("a user or group by name or number", text).fatal())
    }
}

fn stream(text: &str, words: &[&str], files: &[&str], context: &Context<'_>) -> Read {
    if let Some(name) = text.strip_prefix("fd:") {
        let name = context.text(name)?;
        let valid = name.len() <= 255 && !name.chars().any(|c| c.is_control() || c == ':');
        return if valid {
            Ok(Value::Word(format!("fd:{name}").into()))
        } else {
            Err(bad("the name of a file descriptor", text))
        };
    }
    for file in files {
        if let Some(rest) = text.strip_prefix(file) {
            let target = context.text(rest)?;
            let target = path::absolute(&target).ok_or_else(|| bad("an absolute path", text))?;
            return Ok(Value::Word(format!("{file}{target}").into()));
        }
    }
    word(text, words)
}

pub(super) fn standard_input(text: &str, context: &Context<'_>) -> Read {
    let words = &["null", "tty", "tty-force", "tty-fail", "socket", "data", "fd"];
    stream(text, words, &["file:"], context)
}

pub(super) fn standard_output(text: &str, context: &Context<'_>) -> Read {
    let words = &["inherit", "null", "tty", "journal", "journal+console", "kmsg", "kmsg+console", "socket", "fd"];
    let today = match text {
        "syslog" => "journal",
        "syslog+console" => "journal+console",
        other => other,
    };
    stream(today, words, &["file:", "append:", "truncate:"], context)
}

pub(super) fn rlimit(text: &str, unit: RlimitUnit) -> Read {
    let limit = rlimit::parse(text, unit);
    limit.map(Value::Rlimit).ok_or_else(|| bad("a limit, or a soft and a hard one with a colon", text))
}

pub(super) fn exit_status_one(text: &str) -> Read {
    let code = exit_status::code(text).map(i64::from);
    code.map(Value::Int).ok_or_else(|| bad("an exit status from 0 to 255", text))
}

pub(super) fn errno(text: &str) -> Read {
    errno::parse(text).map(Value::Int).ok_or_else(|| bad("an error like EPERM, or kill", text))
}

pub(super) fn ip_tos(text: &str) -> Read {
    let named = [("low-delay", 16), ("throughput", 8), ("reliability", 4), ("low-cost", 2)];
    if let Some((_, tos)) = named.iter().find(|(name, _)| *name == text) {
        return Ok(Value::Int(*tos));
    }
    int(text, -1, 255)
}

fn old_mask(old: Option<&Value>, initial: u64) -> u64 {
    match old {
        Some(Value::Uint(mask)) => *mask,
        _ => initial,
    }
}

fn words_mask(text: &str, bit: impl Fn(&str) -> Option<u64>) -> Result<u64, Problem> {
    let mut mask = 0;
    for word in text.split_ascii_whitespace() {
        mask |= bit(word).ok_or_else(|| bad("a known name", word))?;
    }
    Ok(mask)
}

pub(super) fn capabilities(text: &str, old: Option<&Value>, kind: Kind, context: &mut Context<'_>) -> Read {
    let initial = if kind == Kind::Capabilities(true) { u64::MAX } else { 0 };
    let (invert, names) = match text.strip_prefix('~') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut sum: u64 = 0;
    for word in names.split_ascii_whitespace() {
        match mask::capability(word) {
            Some(number) => sum |= 1 << number,
            // The others count.
            None => context.warn(bad("the name of a capability", word)),
        }
    }
    let before = old_mask(old, initial);
    let after = match (sum == 0 || before == initial, invert) {
        (true, true) => !sum,
        (true, false) => sum,
        (false, true) => before & !sum,
        (false, false) => before | sum,
    };
    Ok(Value::Uint(after))
}

pub(super) fn secure_bits(text: &str, old: Option<&Value>) -> Read {
    Ok(Value::Uint(old_mask(old, 0) | words_mask(text, mask::secure_bit)?))
}

pub(super) fn coredump_filter(text: &str, old: Option<&Value>) -> Read {
    Ok(Value::Uint(old_mask(old, 0) | words_mask(text, mask::coredump_filter)?))
}

pub(super) fn namespaces(text: &str, old: Option<&Value>) -> Read {
    if let Some(restrict) = number::boolean(text) {
        return Ok(Value::Uint(if restrict { 0 } else { mask::ALL_NAMESPACES }));
    }
    let (invert, names) = match text.strip_prefix('~') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let sum = words_mask(names, mask::namespace)?;
    let before = old_mask(old, mask::ALL_NAMESPACES);
    let first = old.is_none();
    Ok(Value::Uint(match (invert, first) {
        (true, _) => before & !sum,
        (false, true) => sum,
        (false, false) => before | sum,
    }))
}

pub(super) fn mount_flags(text: &str) -> Read {
    let flags = mask::propagation(text);
    flags.map(Value::Uint).ok_or_else(|| bad("shared, slave or private", text))
}
