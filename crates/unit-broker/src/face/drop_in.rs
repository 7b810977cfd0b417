//! Properties as drop-ins: what `systemctl set-property` writes for each (systemctl(1), systemd.resource-control(5)).

use bus_api::errors::{BusError, ErrorName};
use unit_parser::format::{self, timespan};
use unit_parser::{Row, RowId, Unit, UnitType, Value, all_rows};
use zbus::Variant;

/// One property's file in the unit's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropIn {
    /// Its name: `50-CPUWeight.conf`.
    pub file: String,
    /// The section.
    section: &'static str,
    /// The directive.
    directive: String,
    lines: Lines,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Lines {
    /// The value takes the place of the old one.
    One(String),
    /// They come before those that the unit has already; none: the list is empty from now on. Of those of one key (a device's
    /// path) the new one counts.
    More(Vec<String>, RowId),
}

/// The drop-in for a property that may be set.
///
/// # Errors
/// `PropertyReadOnly` as systemd has it for all that may not be set and for what there is not; `InvalidArgs` for a value of
/// another type.
pub fn of(unit_type: UnitType, property: &str, value: &Variant<'_>) -> Result<DropIn, BusError> {
    if let ("Description", Variant::Str(text)) = (property, value) {
        return Ok(DropIn::one("Unit", "Description", text.replace('%', "%%")));
    }
    let section = unit_type.interface();
    if !unit_type.has_cgroup() {
        return Err(read_only(property));
    }
    // A share of what the machine has, in parts of 2^32 - 1.
    if let (Some(stem), Variant::U32(share)) = (property.strip_suffix("Scale"), value)
        && (stem.starts_with("Memory") || stem == "TasksMax")
        && row_of(stem).is_some()
    {
        return Ok(DropIn { file: format!("50-{property}.conf"), ..DropIn::one(section, stem, percent(*share)) });
    }
    let id = row_of(property).ok_or_else(|| read_only(property))?;
    let row = id.row();
    let wrong = || BusError::invalid_args(format!("{property} has another type."));
    let lines = match (row.name, value) {
        ("CPUQuota", Variant::U64(u64::MAX)) => Lines::One(String::new()),
        // Per second, 10 ms are one percent.
        ("CPUQuota", Variant::U64(usec)) => Lines::One(format!("{}%", usec.div_ceil(10_000))),
        ("CPUQuotaPeriodSec", Variant::U64(u64::MAX)) => Lines::One(String::new()),
        ("CPUQuotaPeriodSec", Variant::U64(usec)) => Lines::One(timespan(*usec, 1)),
        ("CPUWeight" | "StartupCPUWeight", Variant::U64(0)) => Lines::One("idle".to_owned()),
        (name, Variant::U64(u64::MAX)) if name.ends_with("Weight") || name.ends_with("Shares") => {
            Lines::One(String::new())
        }
        (_, Variant::U64(u64::MAX)) => Lines::One("infinity".to_owned()),
        (_, Variant::U64(number)) => Lines::One(number.to_string()),
        ("ManagedOOMMemoryPressureLimit", Variant::U32(share)) => Lines::One(percent(*share)),
        (_, Variant::Bool(on)) => Lines::One(if *on { "yes" } else { "no" }.to_owned()),
        (_, Variant::Str(word)) => Lines::One(word.to_string()),
        // Unlike a line of a file, it takes the place of the set.
        ("AllowedCPUs" | "StartupAllowedCPUs" | "AllowedMemoryNodes" | "StartupAllowedMemoryNodes", _) => {
            let set = numbers(value).ok_or_else(wrong)?;
            Lines::One(if set.is_empty() { set } else { format!("\n{}={set}", row.name) })
        }
        (_, Variant::Array(items)) => {
            let lines = items.iter().map(line).collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
            // Plain words are one line.
            match items.inner().first() {
                Some(Variant::Str(_)) if row.name == "DisableControllers" => Lines::One(lines.join(" ")),
                _ => Lines::More(lines, id),
            }
        }
        _ => return Err(wrong()),
    };
    Ok(DropIn { file: format!("50-{}.conf", row.name), section, directive: row.name.to_owned(), lines })
}

fn read_only(property: &str) -> BusError {
    BusError::new(ErrorName::PropertyReadOnly, format!("Cannot set property {property}, or unknown property."))
}

/// The directive of a property for resources that can be set at any time.
fn row_of(property: &str) -> Option<RowId> {
    // In which slice a unit is, and who manages what is below, is decided at its start. Port rules have no form for lines.
    const FIXED: [&str; 7] =
        ["Slice", "Delegate", "DelegateControllers", "DelegateSubgroup", "SocketBindAllow", "SocketBindDeny", "NFTSet"];
    let has = |row: &Row| row.section == "resource-control" && row.properties.iter().any(|p| p.name == property);
    all_rows().find(|(_, row)| has(row) && !FIXED.contains(&property)).map(|(id, _)| id)
}

impl DropIn {
    fn one(section: &'static str, directive: &str, value: String) -> DropIn {
        let directive = directive.to_owned();
        DropIn { file: format!("50-{directive}.conf"), section, directive, lines: Lines::One(value) }
    }

    /// The file of the other form of the same setting (a share, or an amount): it goes, so that this one counts.
    pub fn rival(&self) -> String {
        let stem = self.file.trim_end_matches(".conf");
        format!("{}.conf", stem.strip_suffix("Scale").map_or_else(|| format!("{stem}Scale"), str::to_owned))
    }

    /// The file's text; `unit` as it is now.
    pub fn text(&self, unit: &Unit) -> String {
        let directive = &self.directive;
        let mut text =
            format!("# Written by \"systemctl set-property\"; \"systemctl revert\" removes it.\n[{}]\n", self.section);
        match &self.lines {
            Lines::One(value) => text.push_str(&format!("{directive}={value}\n")),
            Lines::More(new, row) => {
                text.push_str(&format!("{directive}=\n"));
                let key = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
                let kept = if new.is_empty() { Vec::new() } else { lines_of(unit.value(*row)) };
                let kept = kept.into_iter().filter(|line| !new.iter().any(|one| key(one) == key(line)));
                for line in new.iter().cloned().chain(kept) {
                    text.push_str(&format!("{directive}={line}\n"));
                }
            }
        }
        text
    }
}

/// A list that a unit has, as the lines that would make it.
fn lines_of(value: &Value) -> Vec<String> {
    match value {
        Value::Pairs(pairs) => pairs.iter().map(|(key, word)| format!("{key} {word}").trim_end().to_owned()).collect(),
        Value::List(words) => words.clone(),
        _ => Vec::new(),
    }
}

/// A share in parts of 2^32 - 1, as a percentage.
fn percent(share: u32) -> String {
    let whole = u64::from(u32::MAX);
    format::percent((u64::from(share) * 10_000 + whole / 2) / whole)
}

/// A CPU set's bytes, a bit a CPU, as ranges of their numbers.
fn numbers(value: &Variant<'_>) -> Option<String> {
    let Variant::Array(bytes) = value else { return None };
    let mut numbers = Vec::new();
    for (place, byte) in bytes.iter().enumerate() {
        let Variant::U8(byte) = byte else { return None };
        numbers.extend((0..8).filter(|bit| byte & (1 << bit) != 0).map(|bit| place * 8 + bit));
    }
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let range =
        |(first, last): &(usize, usize)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    Some(ranges.iter().map(range).collect::<Vec<_>>().join(" "))
}

/// One element of a list: a word, a device with a number or its rights, an address with its length.
fn line(item: &Variant<'_>) -> Option<String> {
    if let Variant::Str(word) = item {
        return Some(word.to_string());
    }
    let Variant::Structure(fields) = item else { return None };
    match fields.fields() {
        [Variant::Str(key), Variant::U64(u64::MAX)] => Some(format!("{key} infinity")),
        [Variant::Str(key), Variant::U64(number)] => Some(format!("{key} {number}")),
        [Variant::Str(key), Variant::Str(word)] if word.is_empty() => Some(key.to_string()),
        [Variant::Str(key), Variant::Str(word)] => Some(format!("{key} {word}")),
        [Variant::I32(_), Variant::Array(bytes), Variant::U32(length)] => {
            let bytes = bytes.iter().map(|byte| match byte {
                Variant::U8(byte) => Some(*byte),
                _ => None,
            });
            let bytes = bytes.collect::<Option<Vec<u8>>>()?;
            let address: std::net::IpAddr = match <[u8; 4]>::try_from(bytes.as_slice()) {
                Ok(four) => four.into(),
                Err(_) => <[u8; 16]>::try_from(bytes.as_slice()).ok()?.into(),
            };
            Some(format!("{address}/{length}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unit_parser::{Origin, UnitName, rows};

    fn text(property: &str, value: Variant<'_>, old: &[(&str, u64)]) -> Result<(String, String), String> {
        let found = of(UnitType::Service, property, &value).map_err(|error| error.text)?;
        let mut unit = Unit::new(UnitName::parse("a.service").unwrap());
        let old = old.iter().map(|(key, number)| ((*key).to_owned(), number.to_string())).collect();
        unit.set(rows::cgroup::IO_DEVICE_WEIGHT, Value::Pairs(old), Origin::default());
        let text = found.text(&unit);
        Ok((found.file.clone(), text.split_once("]\n").map(|(_, rest)| rest.to_owned()).unwrap_or_default()))
    }

    #[test]
    fn what_each_property_writes() {
        let pairs = |pairs: &[(&str, u64)]| {
            Variant::new(pairs.iter().map(|(key, number)| ((*key).to_owned(), *number)).collect::<Vec<_>>())
        };
        let old = [("/dev/a", 5), ("/dev/b", 6)];
        for (property, value, file, expected) in [
            ("CPUWeight", Variant::U64(300), "50-CPUWeight.conf", "CPUWeight=300\n"),
            ("CPUWeight", Variant::U64(u64::MAX), "50-CPUWeight.conf", "CPUWeight=\n"),
            ("CPUWeight", Variant::U64(0), "50-CPUWeight.conf", "CPUWeight=idle\n"),
            ("MemoryMax", Variant::U64(u64::MAX), "50-MemoryMax.conf", "MemoryMax=infinity\n"),
            ("MemoryMaxScale", Variant::U32(u32::MAX / 2), "50-MemoryMaxScale.conf", "MemoryMax=50.00%\n"),
            ("CPUQuotaPerSecUSec", Variant::U64(200_000), "50-CPUQuota.conf", "CPUQuota=20%\n"),
            ("CPUQuotaPeriodUSec", Variant::U64(10_000), "50-CPUQuotaPeriodSec.conf", "CPUQuotaPeriodSec=10ms\n"),
            ("IPAccounting", Variant::Bool(false), "50-IPAccounting.conf", "IPAccounting=no\n"),
            ("Description", Variant::new("50% off"), "50-Description.conf", "Description=50%% off\n"),
            ("AllowedCPUs", Variant::new(vec![7u8, 1]), "50-AllowedCPUs.conf", "AllowedCPUs=\nAllowedCPUs=0-2 8\n"),
            (
                "IODeviceWeight",
                pairs(&[("/dev/b", 7)]),
                "50-IODeviceWeight.conf",
                "IODeviceWeight=\nIODeviceWeight=/dev/b 7\nIODeviceWeight=/dev/a 5\n",
            ),
            ("IODeviceWeight", pairs(&[]), "50-IODeviceWeight.conf", "IODeviceWeight=\n"),
        ] {
            assert_eq!(text(property, value, &old), Ok((file.to_owned(), expected.to_owned())), "{property}");
        }
        for property in ["ExecStart", "NoSuchThing", "Slice", "Delegate"] {
            let expected = format!("Cannot set property {property}, or unknown property.");
            assert_eq!(text(property, Variant::new("x"), &[]), Err(expected));
        }
        assert!(text("MemoryMax", Variant::I32(1), &[]).is_err());
        assert!(of(UnitType::Target, "CPUWeight", &Variant::U64(1)).is_err());
    }
}
