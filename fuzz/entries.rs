//! What is done with arbitrary input, by the fuzz targets and by the tests in the tree alike.
//!
//! Every function may be given anything. Panics and endless loops are what is looked for, and answers
//! that contradict each other: what was read and written must read the same again.

use jiff::tz::TimeZone;
use unit_parser::calendar::{CalendarEvent, Utc};
use unit_parser::parse::{exec, timespan};
use unit_parser::{Host, LoadPath, Loader, Mode, UnitName, UnitType, escape, format, timestamp};

const TYPES: [UnitType; 9] = [
    UnitType::Service,
    UnitType::Socket,
    UnitType::Timer,
    UnitType::Path,
    UnitType::Mount,
    UnitType::Automount,
    UnitType::Swap,
    UnitType::Slice,
    UnitType::Scope,
];

/// A unit file; the first byte chooses the type of unit.
pub fn unit_file(data: &[u8]) {
    let Some((first, text)) = data.split_first() else { return };
    let unit_type = TYPES[usize::from(*first) % TYPES.len()];
    let name = UnitName::parse(&format!("fuzz-a@x.{unit_type}")).expect("a name");
    let path = LoadPath { dirs: Vec::new() };
    let loader = Loader::new(path, Mode::System, Host::default());
    let unit = loader.load_bytes(&name, text, None);
    for diagnostic in &unit.diagnostics {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        assert!(diagnostic.span.0 <= diagnostic.span.1 && diagnostic.span.1 <= length, "{diagnostic:?}");
    }
    for setting in unit.settings() {
        let _ = format::value(setting.row, &setting.value);
    }
    let _ = unit.dependencies();
}

/// The right side of `ExecStart=`.
pub fn command_line(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (commands, _) = exec::parse(text, &|word| Ok(word.to_owned()));
    for command in commands {
        assert!(!command.path.is_empty());
    }
}

/// A calendar event, a point in time, a time span. A normal form is its own normal form, and elapses
/// come in order.
pub fn calendar_event(data: &[u8]) {
    const BASE: u64 = 1_767_614_400_000_000;
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(event) = CalendarEvent::parse(text, &Utc) {
        let normal = event.to_string();
        let again = CalendarEvent::parse(&normal, &Utc).map(|event| event.to_string());
        assert_eq!(again.as_deref(), Ok(normal.as_str()));
        let mut after = BASE;
        for _ in 0..3 {
            let Some(next) = event.next_after(after, &TimeZone::UTC) else { break };
            assert!(next > after, "{normal}");
            after = next;
        }
    }
    if let Ok(usec) = timestamp::parse(text, BASE, &Utc) {
        let _ = timestamp::format(usec, &TimeZone::UTC);
        let _ = format::relative(usec, BASE);
    }
    if let Ok(usec) = timespan::parse(text) {
        let shown = format::timespan(usec, 0);
        assert_eq!(timespan::parse(&shown), Ok(usec), "{shown}");
    }
}

/// A unit name, and a text to be escaped.
pub fn unit_name(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(name) = UnitName::parse(text) {
        assert_eq!(UnitName::from_bus_path(&name.bus_path()).as_ref(), Some(&name));
        let _ = (name.to_path(), name.template(), name.with_instance("x"), name.prefix(), name.instance());
    }
    let _ = UnitName::mangle(text);
    let _ = escape::path_unescape(text);
    let _ = escape::unescape_bytes(text);
    if !text.contains('\0') {
        assert_eq!(escape::unescape(&escape::escape(text)).as_deref(), Ok(text));
    }
    if let Ok(escaped) = escape::path_escape(text)
        && !text.contains('\0')
    {
        let path = escape::path_unescape(&escaped).expect("an escaped path");
        assert_eq!(escape::path_escape(&path), Ok(escaped));
    }
}
