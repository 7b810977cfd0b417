//! Values of directives as D-Bus properties: one function from a value and the wanted type.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::LazyLock;

use unit_parser::system_calls::Filter;
use unit_parser::{ExecCommand, ExitStatusSet, Property, RowId, Value, all_rows};
use zbus::{Signature, Variant};

use super::literal::{array, string, strings, structure};

/// The row behind a property of an interface (`Unit`, `Service`, ...), if a directive shows there.
#[must_use]
pub fn row_of(interface: &str, property: &str) -> Option<RowId> {
    ROWS.get(&(interface, property)).or_else(|| ROWS.get(&("", property))).copied()
}

/// (interface or empty for "the unit's own type", property) -> row. Rows of one section win over the shared blocks.
static ROWS: LazyLock<HashMap<(&'static str, &'static str), RowId>> = LazyLock::new(|| {
    let mut rows = HashMap::new();
    for (id, row) in all_rows() {
        for Property { interface, name, .. } in row.properties {
            let interface = match (*interface, row.section) {
                ("", "exec" | "kill" | "resource-control") => "",
                ("", section) => section,
                (named, _) => named,
            };
            rows.entry((interface, *name)).or_insert(id);
        }
    }
    rows
});

/// A directive's value under a property's name and type; `None` when there is no such view of it.
#[must_use]
pub fn convert(value: &Value, property: &str, text: &str, signature: &Signature) -> Option<Variant<'static>> {
    match value {
        Value::Unset => None,
        Value::Bool(on) => number(i128::from(*on), signature),
        Value::Int(n) => number(i128::from(*n), signature),
        Value::Uint(n) | Value::Usec(n) | Value::Size(n) => number(i128::from(*n), signature),
        Value::Permyriad(n) => number(permyriad(*n, property), signature),
        Value::Mode(n) => number(i128::from(*n), signature),
        Value::Signal(n) => number(i128::from(*n), signature),
        Value::Str(value) | Value::Word(value) => word(value, property, text),
        Value::List(list) => items(list, property, text),
        Value::Units(units) => match text {
            "s" => Some(string(units.names.first().map_or("", |name| name.as_str()))),
            "as" => Some(strings(units.names.iter().map(|name| name.as_str()))),
            _ => None,
        },
        Value::Exec(commands) => {
            let Signature::Array(element) = signature else { return None };
            Some(array(element, commands.iter().map(|command| command_line(command, text == EXEC_EX))))
        }
        Value::ExitStatus(set) => Some(exit_status(set)),
        Value::Environment(variables) => Some(strings(variables.iter().map(|(name, value)| format!("{name}={value}")))),
        Value::Listen(addresses) => {
            let pairs = addresses.iter().map(|address| (address.kind.as_str().to_owned(), address.text.clone()));
            Some(string_pairs(pairs))
        }
        Value::Rlimit(limit) => {
            let n = if property.ends_with("Soft") { limit.soft } else { limit.hard };
            Some(Variant::U64(n))
        }
        // The last line comes first, as systemd lists them.
        Value::Pairs(pairs) if matches!(property, "Paths" | "DeviceAllow") => {
            Some(string_pairs(pairs.iter().rev().cloned()))
        }
        Value::Pairs(pairs) if text == "a(ss)" => Some(string_pairs(pairs.iter().cloned())),
        // A limit that is none isn't shown.
        Value::Pairs(pairs) if text == "a(st)" => {
            let Signature::Array(element) = signature else { return None };
            let numbers = pairs.iter().filter_map(|(path, number)| Some((path, number.parse::<u64>().ok()?)));
            let limits = numbers.filter(|(_, number)| *number != u64::MAX);
            Some(array(element, limits.map(|(path, n)| structure([string(path), Variant::U64(n)].into_iter()))))
        }
        // Conditions and timers need the state of their unit too: see `unit` and `timer`.
        Value::Pairs(_) | Value::Conditions(_) => None,
    }
}

/// The type of `ExecStartEx` and its like.
const EXEC_EX: &str = "a(sasasttttuii)";

fn number(n: i128, signature: &Signature) -> Option<Variant<'static>> {
    Some(match signature {
        Signature::U8 => Variant::U8(n.try_into().ok()?),
        Signature::Bool => Variant::Bool(n != 0),
        Signature::I16 => Variant::I16(n.try_into().ok()?),
        Signature::U16 => Variant::U16(n.try_into().ok()?),
        Signature::I32 => Variant::I32(n.try_into().ok()?),
        // "infinity" of a 64-bit setting in a 32-bit property.
        Signature::U32 => Variant::U32(n.try_into().unwrap_or(u32::MAX)),
        Signature::I64 => Variant::I64(n.try_into().ok()?),
        Signature::U64 => Variant::U64(n.try_into().ok()?),
        _ => return None,
    })
}

/// Shares are shown in the unit that the property counts in.
fn permyriad(n: u32, property: &str) -> i128 {
    let n = i128::from(n);
    match property {
        // Microseconds of CPU time a second.
        "CPUQuotaPerSecUSec" => n * 100,
        // The share of 2^32 - 1.
        "ManagedOOMMemoryPressureLimit" => (n * i128::from(u32::MAX) + 5_000) / 10_000,
        "TasksMax" | "DefaultTasksMax" => i128::from(super::machine::tasks_limit()) * n / 10_000,
        // Whole pages.
        _ => {
            let page = i128::from(super::machine::page_size());
            i128::from(super::machine::physical_memory()) / page * n / 10_000 * page
        }
    }
}

fn word(value: &str, property: &str, text: &str) -> Option<Variant<'static>> {
    match text {
        "s" => Some(string(match property {
            "RootHashPath" | "RootHashSignaturePath" if !value.starts_with('/') => String::new(),
            "WorkingDirectory" => match value.strip_prefix('-') {
                // A leading `-` is shown as `!`.
                Some(path) => format!("!{path}"),
                None => value.to_owned(),
            },
            // `file:/path` is shown as `file`, `fd:name` as `fd` and the name in a property of its own.
            "StandardInput" | "StandardOutput" | "StandardError" => {
                value.split_once(':').map_or(value, |(kind, _)| kind).to_owned()
            }
            "StandardInputFileDescriptorName"
            | "StandardOutputFileDescriptorName"
            | "StandardErrorFileDescriptorName" => value.strip_prefix("fd:").unwrap_or_default().to_owned(),
            _ => value.to_owned(),
        })),
        // Protocol numbers (/etc/protocols, <linux/in.h>).
        "i" if property == "SocketProtocol" => Some(Variant::I32(match value {
            "udplite" | "136" => 136,
            "sctp" | "132" => 132,
            "mptcp" | "262" => 262,
            _ => 0,
        })),
        // The hash itself; a path to it is another property.
        "ay" if property == "RootHash" => {
            let digits = if value.starts_with('/') { "" } else { value };
            let bytes = (0..digits.len()).step_by(2);
            let bytes = bytes.filter_map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok());
            Some(array(&Signature::U8, bytes.map(Variant::U8)))
        }
        // Security labels: whether a failure to apply them is ignored, and the label.
        "(bs)" => {
            let (ignore, label) = value.strip_prefix('-').map_or((false, value), |label| (true, label));
            Some(structure([Variant::Bool(ignore), string(label)].into_iter()))
        }
        "as" => Some(strings(value.split_whitespace())),
        "b" => Some(Variant::Bool(matches!(value, "yes" | "true" | "1" | "on"))),
        _ => None,
    }
}

fn items(list: &[String], property: &str, text: &str) -> Option<Variant<'static>> {
    match text {
        "as" if property == "DelegateControllers" => {
            Some(strings(list.iter().filter(|item| *item != "yes" && *item != "no").map(String::as_str)))
        }
        // `NAME:LINK`: the links have a property of their own.
        "as" if property.ends_with("Directory") => {
            let mut names: Vec<&str> =
                list.iter().map(|item| item.split_once(':').map_or(&**item, |(name, _)| name)).collect();
            // Sorted already; one with two links is listed twice.
            names.dedup();
            Some(strings(names))
        }
        "a(sst)" if property.ends_with("Symlink") => {
            let links = list.iter().filter_map(|item| item.split_once(':'));
            let element = Signature::structure([Signature::Str, Signature::Str, Signature::U64]);
            let fields = |(name, link)| structure([string(name), string(link), Variant::U64(0)].into_iter());
            Some(array(&element, links.map(fields)))
        }
        "aay" => {
            let bytes = |item: &String| array(&Signature::U8, item.bytes().map(Variant::U8));
            Some(array(&Signature::array(Signature::U8), list.iter().map(bytes)))
        }
        "as" => Some(strings(list.iter().map(String::as_str))),
        "s" => Some(string(list.join(" "))),
        "b" => Some(Variant::Bool(list.iter().any(|item| item != "no"))),
        // CPU sets: a bit a CPU, least significant first.
        "ay" => {
            let mut bytes: Vec<u8> = Vec::new();
            // More CPUs than any kernel is built for would only cost memory.
            for index in list.iter().filter_map(|item| item.parse::<usize>().ok()).filter(|index| *index < 8192) {
                if bytes.len() <= index / 8 {
                    bytes.resize(index / 8 + 1, 0);
                }
                if let Some(byte) = bytes.get_mut(index / 8) {
                    *byte |= 1 << (index % 8);
                }
            }
            Some(array(&Signature::U8, bytes.into_iter().map(Variant::U8)))
        }
        "(bas)" => {
            let (allow, mut names) = match (property, list.split_first()) {
                ("SystemCallFilter" | "SystemCallLog", _) => {
                    let filter = Filter::of(list);
                    (filter.allow, filter.names())
                }
                (_, Some((first, rest))) if first == "~" => (false, rest.to_vec()),
                (_, _) => (true, list.to_vec()),
            };
            names.sort_unstable();
            Some(structure([Variant::Bool(allow), strings(names)].into_iter()))
        }
        "a(iayu)" => {
            let rows = list.iter().filter_map(|item| network(item));
            Some(array(&Signature::try_from("(iayu)").ok()?, rows))
        }
        "a(sb)" => {
            let rows = list.iter().map(|item| {
                let (ignore, path) = item.strip_prefix('-').map_or((false, item.as_str()), |path| (true, path));
                structure([string(path), Variant::Bool(ignore)].into_iter())
            });
            Some(array(&Signature::try_from("(sb)").ok()?, rows))
        }
        "a(ssbt)" => {
            let rows = list.iter().map(|item| {
                let (ignore, item) = item.strip_prefix('-').map_or((false, item.as_str()), |rest| (true, rest));
                let mut parts = item.splitn(3, ':');
                let source = parts.next().unwrap_or_default();
                let destination = parts.next().unwrap_or(source);
                let recursive: u64 = if parts.next() == Some("norbind") { 0 } else { 0x4000 };
                let fields = [string(source), string(destination), Variant::Bool(ignore), Variant::U64(recursive)];
                structure(fields.into_iter())
            });
            Some(array(&Signature::try_from("(ssbt)").ok()?, rows))
        }
        _ => None,
    }
}

/// `ADDRESS/BITS` as the family's number, the address in network order, and the bits.
fn network(text: &str) -> Option<Variant<'static>> {
    let (address, bits) = text.split_once('/')?;
    let (family, bytes) = match address.parse().ok()? {
        IpAddr::V4(address) => (nix::libc::AF_INET, address.octets().to_vec()),
        IpAddr::V6(address) => (nix::libc::AF_INET6, address.octets().to_vec()),
    };
    let bytes = array(&Signature::U8, bytes.into_iter().map(Variant::U8));
    Some(structure([Variant::I32(family), bytes, Variant::U32(bits.parse().ok()?)].into_iter()))
}

/// One command with the times and status of a run that never was: the supervisor tells those of real ones.
fn command_line(command: &ExecCommand, ex: bool) -> Variant<'static> {
    let flags = if ex { strings(command.flags()) } else { Variant::Bool(command.ignore_failure) };
    let fields = [
        string(command.path.clone()),
        strings(command.argv.iter().map(String::as_str)),
        flags,
        Variant::U64(0),
        Variant::U64(0),
        Variant::U64(0),
        Variant::U64(0),
        Variant::U32(0),
        Variant::I32(0),
        Variant::I32(0),
    ];
    structure(fields.into_iter())
}

fn exit_status(set: &ExitStatusSet) -> Variant<'static> {
    let codes = array(&Signature::I32, set.codes.iter().map(|code| Variant::I32(i32::from(*code))));
    let signals = array(&Signature::I32, set.signals.iter().map(|signal| Variant::I32(*signal)));
    structure([codes, signals].into_iter())
}

/// `a(ss)`.
pub fn string_pairs(pairs: impl Iterator<Item = (String, String)>) -> Variant<'static> {
    let element = Signature::structure([Signature::Str, Signature::Str]);
    array(&element, pairs.map(|(a, b)| structure([string(a), string(b)].into_iter())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::interface;

    /// Every directive's property exists, and a value of the directive's default converts to the property's type.
    #[test]
    fn rows_fit_the_interfaces() {
        let mut wrong = Vec::new();
        for (id, row) in all_rows() {
            for property in row.properties {
                let names: &[&str] = match (property.interface, row.section) {
                    ("", "exec") => &["Service", "Socket", "Mount", "Swap"],
                    ("", "kill") => &["Service", "Socket", "Mount", "Swap", "Scope"],
                    ("", "resource-control") => &["Service", "Socket", "Mount", "Swap", "Slice", "Scope"],
                    ("", section) => &[section][..],
                    (named, _) => &[named][..],
                };
                for name in names {
                    let full = format!("org.freedesktop.systemd1.{name}");
                    let Some(known) = interface::interface(&full).and_then(|i| i.property(property.name)) else {
                        // Directives newer than the interface of 252 have a property of their own.
                        if row.since == 0 {
                            wrong.push(format!("{name}.{} of {id} doesn't exist", property.name));
                        }
                        continue;
                    };
                    if known.text != property.signature {
                        wrong.push(format!("{name}.{}: {} is {}", property.name, property.signature, known.text));
                    }
                    let value = id.default_value();
                    if let Some(shown) = convert(value, property.name, known.text, &known.signature)
                        && shown.value_signature().to_string() != known.text
                    {
                        wrong.push(format!("{name}.{} shows {shown:?}", property.name));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn lists_of_every_shape() {
        let list = |items: &[&str]| Value::List(items.iter().map(|item| (*item).to_owned()).collect());
        for (value, text, expected) in [
            (list(&["0", "9"]), "ay", "[byte 0x01, 0x02]"),
            (list(&["~", "AF_UNIX"]), "(bas)", "(false, [\"AF_UNIX\"])"),
            (list(&["1.2.0.0/16"]), "a(iayu)", "[(2, [byte 0x01, 0x02, 0x00, 0x00], uint32 16)]"),
            (list(&["-/a"]), "a(sb)", "[(\"/a\", true)]"),
            (list(&["/a"]), "a(ssbt)", "[(\"/a\", \"/a\", false, uint64 16384)]"),
            (Value::Bool(true), "i", "1"),
            (Value::Usec(u64::MAX), "u", "uint32 4294967295"),
        ] {
            let signature = Signature::try_from(text).unwrap();
            let shown = convert(&value, "X", text, &signature).unwrap();
            assert_eq!(shown.value_signature().to_string(), text);
            assert_eq!(shown.to_string(), expected);
        }
    }
}
