//! Puts the assignments of one file into a unit, with complaints in their places.

use std::path::Path;

use crate::dependencies::pointless;
use crate::diagnostic::{Diagnostic, Severity};
use crate::name::UnitName;
use crate::parse::{Assigned, Context, Problem, assign};
use crate::specifier::{Host, Specifiers};
use crate::syntax::{Assignment, Document, Places, nearest};
use crate::table::rows::unit as u;
use crate::table::{self, Kind, Meaning, RowId, SECTIONS, Status, row};
use crate::unit::{Origin, Unit};
use crate::unit_type::UnitType;
use crate::value::Value;

/// One file on its way into a unit.
pub(super) struct File<'a> {
    /// Its path.
    pub path: &'a Path,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// 0 for the fragment, n for the nth drop-in.
    pub number: u16,
}

/// How reading a file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Usable.
    Read,
    /// Some directive makes the unit unusable.
    BadSetting,
    /// The file as such is broken.
    Broken,
}

/// Reads one file into the unit.
pub(super) fn apply(unit: &mut Unit, file: &File<'_>, host: &Host) -> Outcome {
    let document = crate::syntax::parse(file.bytes, file.path);
    let places = Places::new(file.bytes, file.path);
    let mut outcome = if document.broken { Outcome::Broken } else { Outcome::Read };
    sections(unit, &document, &places);
    // What comes after the line that spoils the unit is only checked: systemd reads no further.
    let mut spoiled: Option<Unit> = None;
    for assignment in &document.assignments {
        let fatal = one(unit, assignment, file, &places, host);
        if fatal && outcome == Outcome::Read {
            outcome = Outcome::BadSetting;
            spoiled = Some(unit.clone());
        }
    }
    if let Some(before) = spoiled {
        let diagnostics = std::mem::take(&mut unit.diagnostics);
        *unit = Unit { diagnostics, ..before };
    }
    unit.diagnostics.extend(document.diagnostics);
    outcome
}

/// Whether units of this type have such a section.
fn has_section(unit: &Unit, section: &str) -> bool {
    matches!(section, "Unit" | "Install") || section == unit.name.unit_type().interface()
}

fn sections(unit: &mut Unit, document: &Document, places: &Places<'_>) {
    for section in &document.sections {
        if has_section(unit, &section.name) || section.name.starts_with("X-") {
            continue;
        }
        let end = section.offset + section.name.len() + 2;
        let message = format!("unknown section [{}]", section.name);
        let mut diagnostic = places.diagnostic(section.offset, end, Severity::Warning, "unknown-section", message);
        diagnostic.hint = if SECTIONS.contains(&section.name.as_str()) {
            Some(format!("a {} has no such section", unit.name.unit_type()))
        } else {
            nearest(&section.name, SECTIONS.iter().copied()).map(|s| format!("did you mean [{s}]?"))
        };
        unit.diagnostics.push(diagnostic);
    }
}

/// Reads one assignment; whether it makes the unit unusable.
fn one(unit: &mut Unit, assignment: &Assignment, file: &File<'_>, places: &Places<'_>, host: &Host) -> bool {
    let section = assignment.section.as_str();
    let key = assignment.key.as_str();
    if !has_section(unit, section) {
        return false;
    }
    let start = assignment.key_offset;
    let end = start + key.len();
    let Some(meaning) = table::find(section, key) else {
        // For other programs, but for the few that are ours (systemd.unit(5)).
        if key.starts_with("X-") {
            return false;
        }
        let message = format!("unknown key {key}= in [{section}]");
        let mut diagnostic = places.diagnostic(start, end, Severity::Warning, "unknown-key", message);
        diagnostic.hint = hint(unit, section, key);
        unit.diagnostics.push(diagnostic);
        return false;
    };
    if let Meaning::Old(legacy) = meaning
        && legacy.now.is_empty()
    {
        let message = format!("{key}= has no meaning any more");
        unit.diagnostics.push(places.diagnostic(start, end, Severity::Warning, "gone", message));
    }
    let mut fatal = false;
    for id in meaning.rows() {
        fatal |= set(unit, id, assignment, file, places, host);
        let idle = match row(id).status {
            Status::Works => None,
            Status::Services(why) => Some(why).filter(|_| unit.name.unit_type() != UnitType::Service),
            Status::Groups(why) => Some(why).filter(|_| match unit.name.unit_type() {
                UnitType::Service => false,
                // The root's control group is whoever's who gave it to the manager.
                UnitType::Slice => unit.name.as_str() == "-.slice",
                _ => true,
            }),
            Status::NoEffect(why) => Some(why),
        };
        if let Some(why) = idle {
            let message = format!("{key}= has no effect here: {why}");
            unit.diagnostics.push(places.diagnostic(start, end, Severity::Note, "no-effect", message));
        }
    }
    fatal
}

fn hint(unit: &Unit, section: &str, key: &str) -> Option<String> {
    let known = table::section_rows(section).map(|(_, row)| row.name);
    if let Some(near) = nearest(key, known) {
        return Some(format!("did you mean {near}=?"));
    }
    let others = || SECTIONS.iter().filter(|other| has_section(unit, other));
    if let Some(other) = others().find(|other| table::find(other, key).is_some()) {
        return Some(format!("{key}= belongs in [{other}]"));
    }
    others().find_map(|other| {
        let near = nearest(key, table::section_rows(other).map(|(_, row)| row.name))?;
        Some(format!("did you mean {near}= in [{other}]?"))
    })
}

fn set(unit: &mut Unit, id: RowId, assignment: &Assignment, file: &File<'_>, places: &Places<'_>, host: &Host) -> bool {
    let storage = id.storage();
    let origin = Origin { file: file.number, line: assignment.line };
    let fragment = unit.fragment.clone();
    let name = unit.name.clone();
    let slice_row = crate::table::rows::cgroup::SLICE;
    let slice = unit.is_set(slice_row).then(|| unit.units(slice_row).first().cloned()).flatten();
    let specifiers = Specifiers { name: &name, fragment: fragment.as_deref(), slice: slice.as_ref(), host };
    let mut context = Context { specifiers, origin, problems: Vec::new() };
    let old = unit.setting(storage).map(|setting| &setting.value);
    match assign(row(id), &assignment.value, old, &mut context) {
        Assigned::Set(value) => unit.set(storage, value, origin),
        Assigned::Add(value) => unit.add(storage, value, origin),
        Assigned::Unset => unit.unset(storage),
        Assigned::Keep => {}
    }
    let mut problems = context.problems;
    fit_priority(unit, storage, origin);
    problems.extend(without_effect(unit, id, origin));
    problems.extend(for_one_user(unit, storage, origin));
    let fatal = problems.iter().any(|problem| problem.fatal);
    for problem in problems {
        let diagnostic = locate(problem, assignment, places);
        // A key may stand for several settings (TimeoutSec=).
        if unit.diagnostics.last() != Some(&diagnostic) {
            unit.diagnostics.push(diagnostic);
        }
    }
    fatal
}

/// A scheduling policy brings the priority that there is into its own range, as in systemd. One that comes later counts as it is.
fn fit_priority(unit: &mut Unit, id: RowId, origin: Origin) {
    use crate::table::rows::exec as e;
    if id != e::CPU_SCHEDULING_POLICY || !unit.is_set(id) {
        return;
    }
    // FIFO and round robin.
    let (low, high) = if matches!(unit.int(id), 1 | 2) { (1, 99) } else { (0, 0) };
    let priority = unit.int(e::CPU_SCHEDULING_PRIORITY);
    if !(low..=high).contains(&priority) {
        unit.set(e::CPU_SCHEDULING_PRIORITY, Value::Int(priority.clamp(low, high)), origin);
    }
}

/// Dependencies of this line that are left out, since units of these types can't have them.
fn without_effect(unit: &Unit, id: RowId, origin: Origin) -> Vec<Problem> {
    let (Kind::Units(kind), Value::Units(list)) = (row(id).kind, unit.value(id)) else { return Vec::new() };
    let of_line = list.names.iter().zip(&list.origins).filter(|(_, at)| **at == origin);
    let tell = |(name, _): (&UnitName, _)| {
        let why = pointless(unit.name.unit_type(), kind, name.unit_type())?;
        Some(Problem { code: "pointless-dependency", ..Problem::new(format!("{name} is ignored: {why}")) })
    };
    of_line.filter_map(tell).collect()
}

/// A user's manager can end nothing but itself: it exits where the line asks for more.
fn for_one_user(unit: &mut Unit, id: RowId, origin: Origin) -> Option<Problem> {
    let actions = [u::FAILURE_ACTION, u::SUCCESS_ACTION, u::START_LIMIT_ACTION, u::JOB_TIMEOUT_ACTION];
    if !unit.user_manager || !actions.contains(&id) {
        return None;
    }
    let action = unit.word(id);
    if matches!(action, "none" | "exit" | "exit-force") {
        return None;
    }
    let message = format!("a user's manager can't do {action}, exit-force is used");
    unit.set(id, Value::Word("exit-force".into()), origin);
    Some(Problem { code: "not-for-users", ..Problem::new(message) })
}

fn locate(problem: Problem, assignment: &Assignment, places: &Places<'_>) -> Diagnostic {
    let (start, end) = problem.span.unwrap_or((0, assignment.value.len()));
    let start = assignment.file_offset(start);
    let end = assignment.file_offset(end).max(start);
    let severity = if problem.fatal { Severity::Error } else { Severity::Warning };
    let message = format!("{}=: {}", assignment.key, problem.message);
    let mut diagnostic = places.diagnostic(start, end, severity, problem.code, message);
    diagnostic.hint = problem.hint;
    diagnostic
}
