//! `unit-parser explain`: one screen about a directive.

use unit_parser::table::{LEGACY, SECTIONS, section_rows};
use unit_parser::{Row, RowId, Status, syntax};

use super::Outcome;

/// Explains directives; complains about unknown ones.
pub(super) fn explain(directives: &[String]) -> Outcome {
    let mut outcome = Outcome::Good;
    let mut first = true;
    for text in directives {
        let (section, name) = split(text);
        let mut found = rows(section, name);
        found.dedup();
        for id in found.iter().copied() {
            if !std::mem::take(&mut first) {
                println!();
            }
            print(id, id.row());
        }
        let old = legacy(name);
        if let Some(old) = &old {
            println!("{old}");
        }
        if found.is_empty() && old.is_none() {
            let known = unit_parser::all_rows().map(|(_, row)| row.name);
            let hint = syntax::nearest(name, known).map_or_else(String::new, |near| format!("; did you mean {near}=?"));
            eprintln!("unit-parser: there is no directive {name}={hint}");
            outcome = Outcome::Unusable;
        }
    }
    outcome
}

/// `[Service]Restart=`, `Service.Restart`, `Restart=` or `Restart`.
fn split(text: &str) -> (Option<&str>, &str) {
    let text = text.trim().trim_end_matches('=');
    if let Some((section, name)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (Some(section), name.trim());
    }
    match text.split_once('.') {
        Some((section, name)) => (Some(section), name),
        None => (None, text),
    }
}

fn rows(section: Option<&str>, name: &str) -> Vec<RowId> {
    let wanted = SECTIONS.iter().filter(|known| section.is_none_or(|section| section.eq_ignore_ascii_case(known)));
    let all = wanted.flat_map(|section| section_rows(section));
    let mut ids: Vec<RowId> = all.filter(|(_, row)| row.name.eq_ignore_ascii_case(name)).map(|(id, _)| id).collect();
    ids.sort_unstable();
    ids
}

fn legacy(name: &str) -> Option<String> {
    let old = LEGACY.iter().find(|legacy| legacy.name.eq_ignore_ascii_case(name))?;
    let now: Vec<String> = old.now.iter().map(|id| format!("{}=", id.row().name)).collect();
    Some(match now.as_slice() {
        [] => format!("{}=  a name of old; it is ignored", old.name),
        now => format!("{}=  a name of old for {}", old.name, now.join(" and ")),
    })
}

/// Which sections take it, and which manual page tells more.
fn place(id: RowId) -> (String, &'static str) {
    let row = id.row();
    let holders = SECTIONS.iter().filter(|section| section_rows(section).any(|(other, _)| other == id));
    let sections: Vec<String> = holders.map(|section| format!("[{section}]")).collect();
    let manual = match row.section {
        "exec" => "systemd.exec(5)",
        "kill" => "systemd.kill(5)",
        "resource-control" => "systemd.resource-control(5)",
        "Service" => "systemd.service(5)",
        "Socket" => "systemd.socket(5)",
        "Timer" => "systemd.timer(5)",
        "Path" => "systemd.path(5)",
        "Mount" => "systemd.mount(5)",
        "Automount" => "systemd.automount(5)",
        "Swap" => "systemd.swap(5)",
        "Slice" => "systemd.slice(5)",
        "Scope" => "systemd.scope(5)",
        _ => "systemd.unit(5)",
    };
    (sections.join(" "), manual)
}

fn print(id: RowId, row: &Row) {
    let (sections, manual) = place(id);
    println!("{}=  {sections}", row.name);
    println!("  {}.", row.doc);
    println!();
    println!("  Takes:    {}", row.kind.takes());
    println!("  Default:  {}", if row.default.is_empty() { "none" } else { row.default });
    let repeated = if row.repeatable { "lines add up" } else { "the last line counts" };
    println!("  Repeated: {repeated}");
    let properties: Vec<String> = row.properties.iter().map(|p| format!("{} ({})", p.name, p.signature)).collect();
    if !properties.is_empty() {
        println!("  On D-Bus: {}", properties.join(", "));
    }
    let status = match row.status {
        Status::Works => "works".to_owned(),
        Status::Services(why) => format!("works in [Service]; elsewhere no effect: {why}"),
        Status::Groups(why) => format!("works in [Service] and [Slice]; elsewhere no effect: {why}"),
        Status::NoEffect(why) => format!("accepted, no effect: {why}"),
    };
    println!("  Status:   {status}");
    if row.since > 0 {
        println!("  Since:    systemd {}", row.since);
    }
    println!("  Manual:   {manual}");
}
