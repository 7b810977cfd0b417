//! Single values: systemctl tells from a property's name what its number means.

use zbus::Variant;

use crate::time;

const LIMITS: &[&str] = &[
    "DefaultMemoryLow",
    "DefaultMemoryMin",
    "MemoryLow",
    "MemoryMin",
    "MemoryHigh",
    "MemoryMax",
    "MemorySwapMax",
    "MemoryZSwapMax",
    "MemoryLimit",
    "MemoryAvailable",
    "TasksMax",
    "DefaultTasksMax",
];
const COUNTERS: &[&str] = &[
    "MemoryCurrent",
    "TasksCurrent",
    "CPUWeight",
    "StartupCPUWeight",
    "IOWeight",
    "StartupIOWeight",
    "CPUShares",
    "StartupCPUShares",
    "BlockIOWeight",
    "StartupBlockIOWeight",
];
const TIMES: &[&str] = &["NextElapseUSecRealtime", "LastTriggerUSec", "TimeUSec", "RTCTimeUSec"];
const TRAFFIC: &[&str] = &["IPIngressBytes", "IPIngressPackets", "IPEgressBytes", "IPEgressPackets"];

/// A value that is no container.
pub fn text(name: &str, value: &Variant<'_>) -> String {
    match value {
        Variant::Bool(true) => "yes".to_owned(),
        Variant::Bool(false) => "no".to_owned(),
        Variant::U64(number) => unsigned(name, *number),
        Variant::U32(u32::MAX) if matches!(name, "UID" | "GID") => "[not set]".to_owned(),
        Variant::U32(number) if name.contains("UMask") || name.ends_with("Mode") => format!("{number:04o}"),
        // No exit status of an action: nothing to show.
        Variant::I32(-1) if name.ends_with("ActionExitStatus") => String::new(),
        Variant::I32(-1) if name == "NUMAPolicy" => "n/a".to_owned(),
        Variant::U16(u16::MAX) => String::new(),
        Variant::U8(number) => number.to_string(),
        Variant::I16(number) => number.to_string(),
        Variant::U16(number) => number.to_string(),
        Variant::I32(number) => number.to_string(),
        Variant::U32(number) => number.to_string(),
        Variant::I64(number) => number.to_string(),
        Variant::F64(number) => number.to_string(),
        Variant::Str(text) => text.to_string(),
        Variant::Signature(signature) => signature.to_string(),
        Variant::ObjectPath(path) => path.to_string(),
        Variant::Variant(inner) => self::text(name, inner),
        Variant::Array(array) => array.inner().iter().map(|item| self::text("", item)).collect::<Vec<_>>().join(" "),
        Variant::Dict(dict) => {
            let pairs = dict.iter().map(|(key, value)| format!("{}={}", self::text("", key), self::text("", value)));
            pairs.collect::<Vec<_>>().join(" ")
        }
        Variant::Structure(row) => row.fields().iter().map(|field| self::text("", field)).collect::<Vec<_>>().join(" "),
        Variant::Fd(_) => "[unprintable]".to_owned(),
    }
}

fn unsigned(name: &str, number: u64) -> String {
    if name.ends_with("Timestamp") || TIMES.contains(&name) {
        return time::stamp(number);
    }
    if name.contains("USec") {
        return timespan(number);
    }
    if let Some(set) = super::flags::text(name, number) {
        return set;
    }
    match (name, number) {
        ("CoredumpFilter", number) => format!("0x{number:x}"),
        (name, u64::MAX) if COUNTERS.contains(&name) || name.ends_with("NSec") => "[not set]".to_owned(),
        (name, u64::MAX) if LIMITS.contains(&name) || name.starts_with("Limit") || name.starts_with("DefaultLimit") => {
            "infinity".to_owned()
        }
        (name, u64::MAX) if TRAFFIC.contains(&name) => "[no data]".to_owned(),
        (_, number) => number.to_string(),
    }
}

/// µs as `1min 30s`.
pub fn timespan(usec: u64) -> String {
    unit_parser::format::timespan(usec, 0)
}

/// A moment inside braces.
pub fn timestamp_or_na(usec: u64) -> String {
    let text = time::stamp(usec);
    if text.is_empty() { "[n/a]".to_owned() } else { format!("[{text}]") }
}

/// An element of a byte array.
pub fn byte(value: &Variant<'_>) -> String {
    match value {
        Variant::U8(byte) => format!("{byte:02x}"),
        other => text("", other),
    }
}
