//! Every directive of systemd.directives(7) has a row. `directives.txt` lists those of systemd 252 with the pages of the
//! manual that describe them; where that page is installed, the list is compared with it.

use std::collections::BTreeMap;
use std::process::Command;

use unit_parser::all_rows;
use unit_parser::table::LEGACY;

const LIST: &str = include_str!("directives.txt");
const PAGE: &str = "/usr/share/man/man7/systemd.directives.7.gz";

/// The sections and blocks that a page describes.
fn blocks(page: &str) -> &'static [&'static str] {
    match page {
        "systemd.unit" => &["Unit", "Install"],
        "systemd.service" => &["Service"],
        "systemd.socket" => &["Socket"],
        "systemd.timer" => &["Timer"],
        "systemd.path" => &["Path"],
        "systemd.mount" => &["Mount"],
        "systemd.automount" => &["Automount"],
        "systemd.swap" => &["Swap"],
        "systemd.scope" => &["Scope"],
        "systemd.slice" => &["Slice"],
        "systemd.exec" => &["exec"],
        "systemd.kill" => &["kill"],
        "systemd.resource-control" => &["resource-control"],
        _ => &[],
    }
}

fn is_known(name: &str, block: &str) -> bool {
    let legacy = LEGACY.iter().any(|legacy| legacy.name == name && legacy.sections.contains(&block));
    legacy || all_rows().any(|(_, row)| row.section == block && row.name == name)
}

#[test]
fn every_directive_has_a_row() {
    let mut missing = Vec::new();
    for line in LIST.lines() {
        let (name, pages) = line.split_once(' ').unwrap();
        for page in pages.split(' ') {
            if !blocks(page).iter().any(|block| is_known(name, block)) {
                missing.push(format!("{name}= of {page}(5)"));
            }
        }
    }
    assert!(LIST.lines().count() > 400);
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Name and pages, from the page's source: names in italics, and the pages in bold below them.
fn installed() -> Option<BTreeMap<String, String>> {
    let output = Command::new("gzip").args(["-dc", PAGE]).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).unwrap().replace("\\-", "-");
    let (_, units) = text.split_once(".SH \"UNIT DIRECTIVES\"")?;
    let (units, _) = units.split_once("\n.SH ")?;
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut name = "";
    for line in units.lines() {
        if let Some(italics) = line.strip_prefix("\\fI").and_then(|rest| rest.strip_suffix("=\\fR")) {
            name = italics;
        }
        for (page, _) in line.split("\\fB").skip(1).filter_map(|part| part.split_once("\\fR(5)")) {
            let pages = found.entry(name.to_owned()).or_default();
            *pages = if pages.is_empty() { page.to_owned() } else { format!("{pages} {page}") };
        }
    }
    Some(found)
}

#[test]
fn the_list_is_that_of_the_manual() {
    let version = Command::new("systemctl").arg("--version").output().ok().map(|output| output.stdout);
    let is_252 = version.is_some_and(|text| text.starts_with(b"systemd 252"));
    let Some(manual) = installed().filter(|_| is_252) else {
        eprintln!("no systemd.directives(7) of systemd 252 here: nothing to compare with");
        return;
    };
    let listed: BTreeMap<String, String> =
        LIST.lines().filter_map(|line| line.split_once(' ')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
    assert_eq!(listed, manual);
}
