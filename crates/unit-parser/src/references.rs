//! What a unit refers to that isn't there, and what it asks for that it won't get: the part of `check`
//! that looks beyond the unit's own text. Pure: the caller looks things up.

use std::path::Path;

use crate::dependencies::DependencyKind;
use crate::diagnostic::{Diagnostic, Severity};
use crate::name::UnitName;
use crate::table::{Kind, RowId, rows};
use crate::unit::{LoadState, Setting, Unit};
use crate::unit_type::UnitType;
use crate::value::Value;

/// The machine that a unit is checked for.
pub trait Lookup {
    /// Whether there is such a unit.
    fn unit(&self, name: &UnitName) -> bool;
    /// Whether a command can be run: an absolute path, or a name that is looked for.
    fn program(&self, path: &str) -> bool;
    /// Whether there is such a user.
    fn user(&self, name: &str) -> bool;
    /// Whether there is such a group.
    fn group(&self, name: &str) -> bool;
    /// Whether there is such a page of the manual; `None` when no manual is installed.
    fn man_page(&self, name: &str, section: &str) -> Option<bool>;
    /// Whether there is such a file.
    fn file(&self, path: &Path) -> bool;
    /// The text of a unit file, for finding places in it.
    fn text(&self, file: &Path) -> Option<String>;
}

/// Directives that a manager without privileges can't honour (systemd.exec(5), systemd.resource-control(5)).
const PRIVILEGED: &[RowId] = &[
    rows::exec::USER,
    rows::exec::GROUP,
    rows::exec::SUPPLEMENTARY_GROUPS,
    rows::exec::DYNAMIC_USER,
    rows::exec::ROOT_DIRECTORY,
    rows::exec::ROOT_IMAGE,
    rows::exec::AMBIENT_CAPABILITIES,
    rows::exec::PAM_NAME,
    rows::exec::PRIVATE_DEVICES,
    rows::exec::PRIVATE_NETWORK,
    rows::exec::PRIVATE_TMP,
    rows::exec::PROTECT_SYSTEM,
    rows::exec::PROTECT_HOME,
    rows::exec::PROTECT_KERNEL_MODULES,
    rows::exec::PROTECT_KERNEL_TUNABLES,
    rows::exec::PROTECT_KERNEL_LOGS,
    rows::exec::PROTECT_CONTROL_GROUPS,
    rows::exec::PROTECT_CLOCK,
    rows::exec::READ_WRITE_PATHS,
    rows::exec::READ_ONLY_PATHS,
    rows::exec::INACCESSIBLE_PATHS,
    rows::exec::BIND_PATHS,
    rows::exec::BIND_READ_ONLY_PATHS,
    rows::exec::TEMPORARY_FILE_SYSTEM,
    rows::socket::SOCKET_USER,
    rows::socket::SOCKET_GROUP,
    rows::cgroup::DEVICE_ALLOW,
    rows::cgroup::DEVICE_POLICY,
];

/// All complaints about what is outside of the unit's own text.
pub fn check(unit: &Unit, lookup: &dyn Lookup) -> Vec<Diagnostic> {
    let mut review = Review { unit, lookup, found: Vec::new() };
    if matches!(unit.load_state, LoadState::NotFound | LoadState::Masked | LoadState::Error) {
        return review.found;
    }
    for setting in unit.settings().iter().filter(|setting| unit.is_set(setting.row)) {
        review.units(setting);
        review.programs(setting);
        review.privileges(setting);
    }
    review.accounts();
    review.manual();
    review.triggered();
    review.found
}

struct Review<'a> {
    unit: &'a Unit,
    lookup: &'a dyn Lookup,
    found: Vec<Diagnostic>,
}

impl Review<'_> {
    fn complain(&mut self, id: RowId, word: &str, severity: Severity, code: &str, message: String) {
        let origin = self.unit.setting(id).map(|setting| setting.origin).unwrap_or_default();
        let file = self.unit.file(origin).cloned().unwrap_or_default();
        let key = id.row().name;
        let text = self.lookup.text(&file).unwrap_or_default();
        let (line, column, span) = locate(&text, key, word, origin.line);
        let message = format!("{key}=: {message}");
        let code = code.to_owned();
        self.found.push(Diagnostic { file, line, column, span, code, severity, message, hint: None });
    }

    fn units(&mut self, setting: &Setting) {
        let (Kind::Units(kind), Value::Units(list)) = (setting.row.row().kind, &setting.value) else { return };
        // Of these systemd complains too: the unit can't be started without them.
        let severity = match kind {
            DependencyKind::Requires | DependencyKind::BindsTo => Severity::Warning,
            _ => Severity::Note,
        };
        for name in &list.names {
            if !name.is_template() && !self.lookup.unit(name) {
                let message = format!("there is no unit {name}");
                self.complain(setting.row, name.as_str(), severity, "missing-unit", message);
            }
        }
    }

    fn programs(&mut self, setting: &Setting) {
        let Value::Exec(commands) = &setting.value else { return };
        let own_root = [rows::exec::ROOT_DIRECTORY, rows::exec::ROOT_IMAGE];
        if own_root.iter().any(|id| self.unit.is_set(*id)) {
            return;
        }
        for (index, command) in commands.iter().enumerate() {
            if !self.lookup.program(&command.path) {
                // systemd-analyze verify looks at the first command of each directive only.
                let expected = command.ignore_failure || index > 0;
                let severity = if expected { Severity::Note } else { Severity::Warning };
                let message = format!("{} can't be run: no such program", command.path);
                self.complain(setting.row, &command.path, severity, "missing-program", message);
            }
        }
    }

    fn privileges(&mut self, setting: &Setting) {
        if self.unit.user_manager && PRIVILEGED.contains(&setting.row) {
            let message = "a user's manager lacks the privileges for it".to_owned();
            self.complain(setting.row, "", Severity::Note, "needs-privilege", message);
        }
    }

    fn accounts(&mut self) {
        use rows::{exec, socket};
        let named = |text: &str| !text.is_empty() && !text.bytes().all(|b| b.is_ascii_digit());
        let unit = self.unit;
        let dynamic = unit.bool(exec::DYNAMIC_USER);
        for id in [exec::USER, socket::SOCKET_USER] {
            let name = unit.str(id);
            if unit.is_set(id) && !dynamic && named(name) && !self.lookup.user(name) {
                self.complain(id, name, Severity::Note, "missing-user", format!("there is no user {name}"));
            }
        }
        let single = [exec::GROUP, socket::SOCKET_GROUP].map(|id| (id, vec![unit.str(id)]));
        let several = unit.list(exec::SUPPLEMENTARY_GROUPS).iter().map(String::as_str).collect();
        for (id, names) in single.into_iter().chain([(exec::SUPPLEMENTARY_GROUPS, several)]) {
            for name in names {
                if unit.is_set(id) && !dynamic && named(name) && !self.lookup.group(name) {
                    self.complain(id, name, Severity::Note, "missing-group", format!("there is no group {name}"));
                }
            }
        }
    }

    fn manual(&mut self) {
        let id = rows::unit::DOCUMENTATION;
        for address in self.unit.list(id) {
            if let Some(path) = address.strip_prefix("file:") {
                let path = path.strip_prefix("//").unwrap_or(path);
                if !self.lookup.file(Path::new(path)) {
                    self.complain(id, address, Severity::Note, "missing-file", format!("there is no file {path}"));
                }
                continue;
            }
            let page = address.strip_prefix("man:").and_then(|page| page.strip_suffix(')'));
            let Some((name, section)) = page.and_then(|page| page.split_once('(')) else { continue };
            if self.lookup.man_page(name, section) == Some(false) {
                let message = format!("there is no page {name}({section}) in the manual");
                self.complain(id, address, Severity::Warning, "missing-man-page", message);
            }
        }
    }

    /// The unit that a socket, timer or path starts.
    fn triggered(&mut self) {
        let unit = self.unit;
        let id = match unit.name.unit_type() {
            UnitType::Socket => rows::socket::SERVICE,
            UnitType::Timer => rows::timer::UNIT,
            UnitType::Path => rows::path::UNIT,
            UnitType::Service
            | UnitType::Target
            | UnitType::Device
            | UnitType::Mount
            | UnitType::Automount
            | UnitType::Swap
            | UnitType::Slice
            | UnitType::Scope => return,
        };
        let accepting = unit.name.unit_type() == UnitType::Socket && unit.bool(rows::socket::ACCEPT);
        let template = UnitName::parse(&format!("{}@.service", unit.name.prefix())).ok();
        let names = if accepting { template.as_slice() } else { unit.units(id) };
        for name in names.iter().filter(|name| unit.complete && !self.lookup.unit(name)) {
            let message = format!("there is no unit {name} to start");
            self.complain(id, name.as_str(), Severity::Warning, "missing-unit", message);
        }
    }
}

/// The place of a word in an assignment of a key: line, column, bytes. Where the key stands on several
/// lines, the first one with the word; without such a line, the start of line `line`.
fn locate(text: &str, key: &str, word: &str, line: u32) -> (u32, u32, (u32, u32)) {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut offset = 0;
    let mut in_key = false;
    let mut fallback = (line, u32::from(line > 0), (0, 0));
    for (index, physical) in text.split_inclusive('\n').enumerate() {
        let trimmed = physical.trim_start();
        if let Some((name, _)) = trimmed.split_once('=') {
            in_key = name.trim_end() == key;
        }
        let found = if word.is_empty() { trimmed.starts_with(key).then_some(0) } else { physical.find(word) };
        if let Some(at) = found.filter(|_| in_key) {
            let at = if word.is_empty() { physical.len() - trimmed.len() } else { at };
            let length = if word.is_empty() { key.len() } else { word.len() };
            let column = physical.get(..at).unwrap_or("").chars().count() + 1;
            return (number(index + 1), number(column), (number(offset + at), number(offset + at + length)));
        }
        if number(index + 1) == line {
            let length = physical.trim_end().len();
            fallback = (line, 1, (number(offset), number(offset + length)));
        }
        offset += physical.len();
    }
    fallback
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{LoadPath, Loader, Mode};
    use crate::specifier::Host;

    struct Nothing(&'static str);

    impl Lookup for Nothing {
        fn unit(&self, _name: &UnitName) -> bool {
            false
        }
        fn program(&self, _path: &str) -> bool {
            false
        }
        fn user(&self, _name: &str) -> bool {
            false
        }
        fn group(&self, _name: &str) -> bool {
            false
        }
        fn man_page(&self, _name: &str, _section: &str) -> Option<bool> {
            Some(false)
        }
        fn file(&self, _path: &Path) -> bool {
            false
        }
        fn text(&self, _file: &Path) -> Option<String> {
            Some(self.0.to_owned())
        }
    }

    #[test]
    fn everything_is_missing() {
        const TEXT: &str = "[Unit]\nRequires=a.service b.service\nAfter=c.service\nDocumentation=man:x(8) file:/y https://z\n\
                            [Service]\nExecStart=/bin/a\nExecStartPre=-/bin/b\nUser=u\nGroup=0\n";
        let loader = Loader::new(LoadPath { dirs: Vec::new() }, Mode::User, Host::default());
        let name = UnitName::parse("x.service").unwrap();
        let unit = loader.load_text(&name, TEXT, Some("/x.service".into()));
        let seen: Vec<String> = check(&unit, &Nothing(TEXT))
            .iter()
            .map(|d| format!("{}:{} {} {:?}", d.line, d.column, d.code, d.severity))
            .collect();
        let expected = [
            "2:10 missing-unit Warning",
            "2:20 missing-unit Warning",
            "3:7 missing-unit Note",
            "7:15 missing-program Note",
            "6:11 missing-program Warning",
            "8:1 needs-privilege Note",
            "9:1 needs-privilege Note",
            "8:6 missing-user Note",
            "4:15 missing-man-page Warning",
            "4:24 missing-file Note",
        ];
        assert_eq!(seen, expected);
    }
}
