//! Properties as `systemctl show` prints them.

mod command;
mod flags;
mod json;
mod scalar;

use zbus::Variant;

use crate::properties::{as_text, fields};

pub use command::{code_name, signal};
pub use json::json;

/// One property as lines without the `NAME=`; most have one line, lists of addresses, commands and files one an element.
/// `None`: nothing to show (only `--all` prints the name then).
pub fn lines(name: &str, value: &Variant<'_>) -> Option<Vec<String>> {
    let one = |text: String| if text.is_empty() { None } else { Some(vec![text]) };
    match value {
        Variant::Array(array) => {
            let items = array.inner();
            if items.is_empty() {
                return None;
            }
            if let Some(lines) = items.iter().map(|item| element(name, item)).collect::<Option<Vec<String>>>() {
                return Some(lines);
            }
            one(plain_list(items))
        }
        Variant::Structure(structure) => one(structure_text(name, structure.fields())),
        other => one(scalar::text(name, other)),
    }
}

/// Elements that have a line of their own.
fn element(name: &str, item: &Variant<'_>) -> Option<String> {
    let row = fields(item)?;
    if name.starts_with("Exec") {
        return command::text(row);
    }
    match (name, row) {
        ("Listen", [kind, address]) => Some(format!("{} ({})", as_text(address)?, as_text(kind)?)),
        ("EnvironmentFiles", [path, Variant::Bool(ignore)]) => {
            let ignore = if *ignore { "yes" } else { "no" };
            Some(format!("{} (ignore_errors={ignore})", as_text(path)?))
        }
        ("TimersMonotonic", [base, Variant::U64(span), Variant::U64(next)]) => {
            let next = scalar::timespan(*next);
            Some(format!("{{ {}={} ; next_elapse={next} }}", as_text(base)?, scalar::timespan(*span)))
        }
        ("TimersCalendar", [base, spec, Variant::U64(next)]) => {
            let next = scalar::timestamp_or_na(*next);
            Some(format!("{{ {}={} ; next_elapse={next} }}", as_text(base)?, as_text(spec)?))
        }
        ("Paths", [kind, path]) => Some(format!("{} ({})", as_text(path)?, as_text(kind)?)),
        ("DeviceAllow", [path, rights]) => Some(format!("{} {}", as_text(path)?, as_text(rights)?)),
        _ => None,
    }
}

fn plain_list(items: &[Variant<'_>]) -> String {
    if items.iter().all(|item| matches!(item, Variant::U8(_))) {
        return items.iter().map(|item| scalar::byte(item)).collect();
    }
    items.iter().map(list_item).collect::<Vec<_>>().join(" ")
}

/// What has blanks or line ends in it cannot stand in a list of words.
fn list_item(item: &Variant<'_>) -> String {
    match item {
        Variant::Str(text) if text.contains([' ', '\n']) => "[unprintable]".to_owned(),
        Variant::Structure(structure) => structure_text("", structure.fields()),
        other => scalar::text("", other),
    }
}

fn structure_text(name: &str, row: &[Variant<'_>]) -> String {
    match (name, row) {
        // Job 0 is none.
        ("Job", [Variant::U32(0), _]) => String::new(),
        ("Job", [Variant::U32(id), _]) => id.to_string(),
        ("LoadError", [error, text]) => match (as_text(error), as_text(text)) {
            (Some(""), Some("")) => String::new(),
            (Some(error), Some(text)) => format!("{error} \"{text}\""),
            _ => String::new(),
        },
        // A security label, `-` when a failure to set it is ignored.
        (_, [Variant::Bool(_), label]) if as_text(label) == Some("") => String::new(),
        (_, [Variant::Bool(ignore), label]) if as_text(label).is_some() => {
            format!("{}{}", if *ignore { "-" } else { "" }, as_text(label).unwrap_or_default())
        }
        // Exit statuses, then signals.
        (_, [Variant::Array(statuses), Variant::Array(signals)]) => {
            let signal = |item: &Variant<'_>| match item {
                Variant::I32(number) => signal(*number),
                other => scalar::text("", other),
            };
            let words = statuses.inner().iter().map(|item| scalar::text("", item));
            words.chain(signals.inner().iter().map(signal)).collect::<Vec<_>>().join(" ")
        }
        // An allow list, or with `~` a deny list.
        (_, [Variant::Bool(allow), Variant::Array(words)]) => {
            let words = plain_list(words.inner());
            match (allow, words.is_empty()) {
                (_, true) => String::new(),
                (true, false) => words,
                (false, false) => format!("~{words}"),
            }
        }
        _ => {
            let parts: Vec<String> = row.iter().map(|field| scalar::text("", field)).collect();
            format!("{{ {} }}", parts.join(" ; "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_systemctl_show_prints_them() {
        let table: Vec<(&str, Variant<'_>, Option<Vec<&str>>)> = vec![
            ("CanStart", Variant::from(true), Some(vec!["yes"])),
            ("Description", Variant::from(""), None),
            ("Requires", Variant::from(vec!["a.target", "b.service"]), Some(vec!["a.target b.service"])),
            ("Requires", Variant::from(Vec::<&str>::new()), None),
            ("Environment", Variant::from(vec!["A=b c"]), Some(vec!["[unprintable]"])),
            ("RestartUSec", Variant::from(100_000_u64), Some(vec!["100ms"])),
            ("JobTimeoutUSec", Variant::from(u64::MAX), Some(vec!["infinity"])),
            ("MemoryCurrent", Variant::from(u64::MAX), Some(vec!["[not set]"])),
            ("MemoryMax", Variant::from(u64::MAX), Some(vec!["infinity"])),
            ("IPIngressBytes", Variant::from(u64::MAX), Some(vec!["[no data]"])),
            ("UMask", Variant::from(0o22_u32), Some(vec!["0022"])),
            ("UID", Variant::from(u32::MAX), Some(vec!["[not set]"])),
            ("ActiveExitTimestamp", Variant::from(0_u64), None),
            ("InvocationID", Variant::from(vec![1_u8, 255]), Some(vec!["01ff"])),
            ("Listen", Variant::from(vec![("Stream", "[::]:3233")]), Some(vec!["[::]:3233 (Stream)"])),
            ("LoadError", Variant::from(("", "")), None),
            ("SystemCallFilter", Variant::from((false, vec!["mount"])), Some(vec!["~mount"])),
            ("RestartPreventExitStatus", Variant::from((vec![3_i32], vec![15_i32])), Some(vec!["3 TERM"])),
        ];
        for (name, value, expected) in table {
            let expected = expected.map(|lines| lines.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(lines(name, &value), expected, "{name}");
        }
    }
}
