//! Values as text, in the forms that `systemctl show` prints.

use crate::parse::signal;
use crate::table::{Kind, RowId};
use crate::value::{ExecCommand, Value};

const SEC: u64 = 1_000_000;
const UNITS: &[(&str, u64)] = &[
    ("y", 31_557_600 * SEC),
    ("month", 2_629_800 * SEC),
    ("w", 604_800 * SEC),
    ("d", 86_400 * SEC),
    ("h", 3600 * SEC),
    ("min", 60 * SEC),
    ("s", SEC),
    ("ms", 1000),
    ("us", 1),
];

/// A time span in microseconds as `1min 30s`; `accuracy` is the smallest part that is shown (0 or 1: all).
pub fn timespan(usec: u64, accuracy: u64) -> String {
    if usec == u64::MAX {
        return "infinity".to_owned();
    }
    if usec == 0 {
        return "0".to_owned();
    }
    let mut parts: Vec<String> = Vec::new();
    let mut rest = usec;
    for (suffix, length) in UNITS {
        if rest == 0 || (rest < accuracy && !parts.is_empty()) {
            break;
        }
        if rest < *length {
            continue;
        }
        let (whole, below) = (rest / length, rest % length);
        // Below a minute what is left is written as a decimal fraction.
        if rest < 60 * SEC && below > 0 {
            let mut digits = length.ilog10();
            let mut fraction = below;
            let mut step = accuracy;
            while step > 1 && digits > 0 {
                fraction /= 10;
                digits -= 1;
                step /= 10;
            }
            if digits > 0 {
                let width = usize::try_from(digits).unwrap_or(0);
                parts.push(format!("{whole}.{fraction:0width$}{suffix}"));
                break;
            }
        }
        parts.push(format!("{whole}{suffix}"));
        rest = below;
    }
    parts.join(" ")
}

/// How far `usec` is from `now` (both microseconds since 1970), in two parts at most: `2h 5min left`.
pub fn relative(usec: u64, now: u64) -> String {
    const MINUTE: u64 = 60 * SEC;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    const WEEK: u64 = 7 * DAY;
    const MONTH: u64 = 2_629_800 * SEC;
    const YEAR: u64 = 31_557_600 * SEC;
    let span = usec.abs_diff(now);
    if span == 0 {
        return "now".to_owned();
    }
    let word = if usec > now { "left" } else { "ago" };
    let many = |count: u64, unit: &str| format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
    let text = match span {
        YEAR.. => format!("{} {}", many(span / YEAR, "year"), many(span % YEAR / MONTH, "month")),
        MONTH.. => format!("{} {}", many(span / MONTH, "month"), many(span % MONTH / DAY, "day")),
        WEEK.. => format!("{} {}", many(span / WEEK, "week"), many(span % WEEK / DAY, "day")),
        _ if span >= 2 * DAY => many(span / DAY, "day"),
        _ if span >= 25 * HOUR => format!("1 day {}h", (span - DAY) / HOUR),
        _ if span >= 6 * HOUR => format!("{}h", span / HOUR),
        HOUR.. => format!("{}h {}min", span / HOUR, span % HOUR / MINUTE),
        _ if span >= 5 * MINUTE => format!("{}min", span / MINUTE),
        MINUTE.. => format!("{}min {}s", span / MINUTE, span % MINUTE / SEC),
        SEC.. => format!("{}s", span / SEC),
        1000.. => format!("{}ms", span / 1000),
        _ => format!("{span}us"),
    };
    format!("{text} {word}")
}

fn number_or_infinity(number: u64) -> String {
    if number == u64::MAX { "infinity".to_owned() } else { number.to_string() }
}

fn quoted(word: &str) -> String {
    let special = |c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\'' | '\\' | '(' | ')' | '$');
    if word.is_empty() || word.contains(special) {
        format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$"))
    } else {
        word.to_owned()
    }
}

fn command(command: &ExecCommand) -> String {
    let arguments = command.argv.join(" ");
    let flags = command.flags().join(" ");
    format!("{{ path={} ; argv[]={arguments} ; flags={flags} }}", command.path)
}

/// A share in parts of 10,000, as a percentage with two decimals.
pub fn percent(permyriad: u64) -> String {
    format!("{}.{:02}%", permyriad / 100, permyriad % 100)
}

/// A value of a row as text.
pub fn value(id: RowId, value: &Value) -> String {
    let join = |words: &[String]| words.iter().map(|w| quoted(w)).collect::<Vec<_>>().join(" ");
    match value {
        Value::Unset => String::new(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) if matches!(id.row().kind, Kind::CoredumpFilter) => format!("0x{number:x}"),
        Value::Uint(number) | Value::Size(number) => number_or_infinity(*number),
        Value::Usec(usec) => timespan(*usec, 0),
        Value::Permyriad(share) => percent(u64::from(*share)),
        Value::Mode(mode) => format!("{mode:04o}"),
        Value::Signal(number) => format!("SIG{}", signal::name(*number)),
        Value::Str(text) | Value::Word(text) => text.to_string(),
        Value::List(list) => join(list),
        Value::Units(list) => {
            let names: Vec<&str> = list.names.iter().map(AsRef::as_ref).collect();
            names.join(" ")
        }
        Value::Exec(commands) => commands.iter().map(command).collect::<Vec<_>>().join(" "),
        Value::ExitStatus(set) => {
            let codes = set.codes.iter().map(u8::to_string);
            let signals = set.signals.iter().map(|n| format!("SIG{}", signal::name(*n)));
            codes.chain(signals).collect::<Vec<_>>().join(" ")
        }
        Value::Environment(list) => {
            let words: Vec<String> = list.iter().map(|(n, v)| quoted(&format!("{n}={v}"))).collect();
            words.join(" ")
        }
        Value::Conditions(list) => {
            let show = |c: &crate::value::Condition| {
                let mark = |set, text| if set { text } else { "" };
                let (trigger, negate) = (mark(c.trigger, "|"), mark(c.negate, "!"));
                format!("{}={trigger}{negate}{}", c.name(), c.parameter)
            };
            list.iter().map(show).collect::<Vec<_>>().join(" ")
        }
        Value::Listen(list) => {
            let show = |a: &crate::value::ListenAddress| format!("{} ({})", a.text, a.kind.as_str());
            list.iter().map(show).collect::<Vec<_>>().join(" ")
        }
        Value::Rlimit(limit) => {
            let (soft, hard) = (number_or_infinity(limit.soft), number_or_infinity(limit.hard));
            if soft == hard { hard } else { format!("{soft}:{hard}") }
        }
        Value::Pairs(list) => {
            let words: Vec<String> = list.iter().map(|(key, value)| format!("{key}={value}")).collect();
            words.join(" ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_as_systemctl_shows_them() {
        for (usec, text) in [
            (0, "0"),
            (1, "1us"),
            (100_000, "100ms"),
            (1_500, "1.500ms"),
            (55_500_000, "55.500000s"),
            (1_250_000, "1.250000s"),
            (90_000_000, "1min 30s"),
            (90_500_000, "1min 30.500000s"),
            (5_400_000_000, "1h 30min"),
            (604_800_000_000, "1w"),
            (2_629_800_000_000, "1month"),
            (31_557_600_000_000, "1y"),
            (90_061_000_000, "1d 1h 1min 1s"),
            (u64::MAX, "infinity"),
        ] {
            assert_eq!(timespan(usec, 0), text);
        }
        for (seconds, text) in [
            (5, "5s left"),
            (65, "1min 5s left"),
            (600, "10min left"),
            (3660, "1h 1min left"),
            (86_400, "24h left"),
            (90_000, "1 day 1h left"),
            (172_800, "2 days left"),
            (691_200, "1 week 1 day left"),
            (2_629_800, "1 month 0 days left"),
            (31_557_600, "1 year 0 months left"),
        ] {
            assert_eq!(relative(seconds * SEC + 7, 7), text);
        }
        assert_eq!(relative(7, 2_000_007), "2s ago");
        assert_eq!(relative(7, 7), "now");
        assert_eq!(timespan(55_512_345, 1000), "55.512s");
        assert_eq!(timespan(90_500_000, SEC), "1min 30s");
    }
}
