//! The support table of the documentation, made from the rows.

use std::fmt::Write;

use super::{LEGACY, Status, Table};

/// The table as Markdown, a section per block.
pub fn markdown() -> String {
    let mut out = String::new();
    for table in Table::ALL {
        let Some(first) = table.slice().first() else { continue };
        let title = match first.section {
            "exec" => "Environment of processes: in [Service], [Socket], [Mount], [Swap]".to_owned(),
            "kill" => "Ending processes: in [Service], [Socket], [Mount], [Swap], [Scope]".to_owned(),
            "resource-control" => {
                "Resource control: in [Service], [Socket], [Mount], [Swap], [Slice], [Scope]".to_owned()
            }
            section => format!("[{section}]"),
        };
        let _ = writeln!(out, "\n### {title}\n");
        let _ = writeln!(out, "| Directive | Status | Since | Meaning |\n| --- | --- | --- | --- |");
        for row in table.slice() {
            let status = match row.status {
                Status::Works => "works".to_owned(),
                Status::Services(why) => format!("works in [Service]; elsewhere no effect: {why}"),
                Status::Groups(why) => format!("works in [Service] and [Slice]; elsewhere no effect: {why}"),
                Status::NoEffect(why) => format!("accepted, no effect: {why}"),
            };
            let since = if row.since == 0 { String::new() } else { row.since.to_string() };
            let doc = row.doc.replace('|', "\\|");
            let _ = writeln!(out, "| `{}=` | {status} | {since} | {doc} |", row.name);
        }
    }
    let _ = writeln!(out, "\n### Names of old\n");
    let _ = writeln!(out, "| Directive | In | Today |\n| --- | --- | --- |");
    for legacy in LEGACY {
        let now: Vec<String> = legacy.now.iter().map(|id| format!("`{}=`", id.row().name)).collect();
        let now = if now.is_empty() { "ignored".to_owned() } else { now.join(" and ") };
        let sections: Vec<String> = legacy.sections.iter().map(|s| format!("[{s}]")).collect();
        let _ = writeln!(out, "| `{}=` | {} | {now} |", legacy.name, sections.join(" "));
    }
    out
}
