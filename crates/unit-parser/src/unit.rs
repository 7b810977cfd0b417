//! A loaded unit: what was set, where, and typed answers.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::dependencies::DependencyKind;
use crate::diagnostic::Diagnostic;
use crate::name::UnitName;
use crate::table::{RowId, rows};
use crate::value::{Condition, ExecCommand, ExitStatusSet, ListenAddress, ListenKind, Rlimit, SharedNames, Value};

/// How loading went; the words are those of the D-Bus property `LoadState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoadState {
    /// Not looked at yet.
    Stub,
    /// Usable.
    Loaded,
    /// No file, and none needed to be there.
    NotFound,
    /// The files contradict systemd's rules for this type of unit.
    BadSetting,
    /// The files couldn't be read.
    Error,
    /// The name is an alias of another unit.
    Merged,
    /// A link to /dev/null, or an empty file.
    Masked,
}

impl LoadState {
    /// The word on D-Bus.
    pub const fn as_str(self) -> &'static str {
        match self {
            LoadState::Stub => "stub",
            LoadState::Loaded => "loaded",
            LoadState::NotFound => "not-found",
            LoadState::BadSetting => "bad-setting",
            LoadState::Error => "error",
            LoadState::Merged => "merged",
            LoadState::Masked => "masked",
        }
    }
}

/// Which file and line something was read from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// 0 is the fragment, n the nth drop-in, from 1; [`Origin::IMPLIED`] is no file.
    pub file: u16,
    /// The line, from 1.
    pub line: u32,
}

impl Origin {
    /// The `file` of a value that follows from other settings.
    pub const IMPLIED: u16 = u16::MAX;
}

/// One directive that was assigned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// Which directive.
    pub row: RowId,
    /// The last assignment.
    pub origin: Origin,
    /// The value after all assignments.
    pub value: Value,
}

/// A link in a `.wants/`, `.requires/` or `.upholds/` directory of the unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryLink {
    /// `Wants`, `Requires` or `Upholds`.
    pub kind: DependencyKind,
    /// The unit that it names.
    pub name: UnitName,
    /// The link itself.
    pub path: PathBuf,
}

/// A unit as its files define it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// The primary name.
    pub name: UnitName,
    /// Other names of the same unit.
    pub aliases: Vec<UnitName>,
    /// How loading went.
    pub load_state: LoadState,
    /// D-Bus error name and text, unless loaded.
    pub load_error: Option<(String, String)>,
    /// The main file.
    pub fragment: Option<PathBuf>,
    /// `SourcePath=`: what a generator made the fragment from.
    pub source: Option<PathBuf>,
    /// The drop-ins, in the order in which they were read.
    pub dropins: Vec<PathBuf>,
    /// Links in dependency directories.
    pub links: Vec<DirectoryLink>,
    /// What there is to complain about.
    pub diagnostics: Vec<Diagnostic>,
    /// Modification time of the fragment when it was read, microseconds since 1970; 0 without one.
    pub fragment_mtime: u64,
    /// The latest modification time of the drop-ins.
    pub dropin_mtime: u64,
    /// Modification time of [`Unit::source`] when the unit was loaded; 0 without one.
    #[serde(default)]
    pub source_mtime: u64,
    /// Whether a user manager loaded it (some defaults differ).
    pub user_manager: bool,
    /// Whether values that follow from others were filled in. A unit whose files can't be used lacks
    /// them, one that systemd refuses only for contradictions has them.
    pub complete: bool,
    pub(crate) settings: Vec<Setting>,
    /// The state of all its files when they were read; 0 if they were just being changed.
    #[serde(skip)]
    pub(crate) stamp: u64,
}

impl Unit {
    /// A unit with nothing set.
    pub fn new(name: UnitName) -> Unit {
        Unit {
            name,
            aliases: Vec::new(),
            load_state: LoadState::Stub,
            load_error: None,
            fragment: None,
            source: None,
            dropins: Vec::new(),
            links: Vec::new(),
            diagnostics: Vec::new(),
            fragment_mtime: 0,
            dropin_mtime: 0,
            source_mtime: 0,
            user_manager: false,
            complete: false,
            settings: Vec::new(),
            stamp: 0,
        }
    }

    /// Gives back memory that loading or reading left over; names that are in `names` already are shared.
    pub fn compact(&mut self, names: &mut SharedNames) {
        names.share(&mut self.name);
        self.aliases.shrink_to_fit();
        self.aliases.iter_mut().for_each(|name| names.share(name));
        self.links.shrink_to_fit();
        for link in &mut self.links {
            names.share(&mut link.name);
            link.path.shrink_to_fit();
        }
        self.dropins.shrink_to_fit();
        self.dropins.iter_mut().for_each(PathBuf::shrink_to_fit);
        self.diagnostics.shrink_to_fit();
        self.settings.shrink_to_fit();
        self.settings.iter_mut().for_each(|setting| setting.value.compact(names));
    }

    /// What was set, ordered by row.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// The setting of one row, if something was assigned to it (or follows from other settings).
    pub fn setting(&self, id: RowId) -> Option<&Setting> {
        let at = self.settings.binary_search_by_key(&id, |s| s.row).ok()?;
        self.settings.get(at)
    }

    /// Whether a file assigns it.
    pub fn is_set(&self, id: RowId) -> bool {
        self.setting(id).is_some_and(|s| s.origin.file != Origin::IMPLIED)
    }

    /// Sets a value, replacing an earlier one (`set-property`, transient units, implied values).
    pub fn set(&mut self, id: RowId, value: Value, origin: Origin) {
        let setting = Setting { row: id, origin, value };
        match self.settings.binary_search_by_key(&id, |s| s.row) {
            Ok(at) => {
                if let Some(slot) = self.settings.get_mut(at) {
                    *slot = setting;
                }
            }
            Err(at) => self.settings.insert(at, setting),
        }
    }

    /// Adds to a list; like [`Unit::set`] where there is none.
    pub fn add(&mut self, id: RowId, value: Value, origin: Origin) {
        let at = self.settings.binary_search_by_key(&id, |s| s.row);
        match at.ok().and_then(|at| self.settings.get_mut(at)) {
            Some(setting) => {
                setting.origin = origin;
                setting.value.extend(value);
            }
            None => self.set(id, value, origin),
        }
    }

    /// Whether it has a `ListenUSBFunction=`.
    pub fn is_usb_function(&self) -> bool {
        self.listen().iter().any(|listen| listen.kind == ListenKind::UsbFunction)
    }

    /// A USB function is described by files that its service names (systemd.service(5), USBFunctionDescriptors=): whoever
    /// opens the socket is told of them as if the socket had the settings.
    pub fn describe_usb(&mut self, service: &Unit) {
        for row in [rows::service::USB_FUNCTION_DESCRIPTORS, rows::service::USB_FUNCTION_STRINGS] {
            if let Some(setting) = service.setting(row) {
                self.set(row, setting.value.clone(), setting.origin);
            }
        }
    }

    /// Back to the default.
    pub fn unset(&mut self, id: RowId) {
        self.settings.retain(|s| s.row != id);
    }

    /// The value, or the default of the table.
    pub fn value(&self, id: RowId) -> &Value {
        self.setting(id).map_or_else(|| id.default_value(), |s| &s.value)
    }

    /// A truth value; `false` for directives of another kind.
    pub fn bool(&self, id: RowId) -> bool {
        matches!(self.value(id), Value::Bool(true))
    }

    /// A time span in microseconds, `u64::MAX` for "infinity"; 0 for directives of another kind.
    pub fn usec(&self, id: RowId) -> u64 {
        match self.value(id) {
            Value::Usec(usec) => *usec,
            _ => 0,
        }
    }

    /// A number: of kind `Uint`, `Size`, `Mode`, or a signal; 0 for directives of another kind.
    pub fn uint(&self, id: RowId) -> u64 {
        match self.value(id) {
            Value::Uint(n) | Value::Size(n) | Value::Usec(n) => *n,
            Value::Mode(n) | Value::Permyriad(n) => u64::from(*n),
            Value::Int(n) => u64::try_from(*n).unwrap_or(0),
            Value::Signal(n) => u64::try_from(*n).unwrap_or(0),
            _ => 0,
        }
    }

    /// A signed number or a signal; 0 for directives of another kind.
    pub fn int(&self, id: RowId) -> i64 {
        match self.value(id) {
            Value::Int(n) => *n,
            Value::Signal(n) => i64::from(*n),
            Value::Mode(n) | Value::Permyriad(n) => i64::from(*n),
            Value::Uint(n) | Value::Size(n) => i64::try_from(*n).unwrap_or(i64::MAX),
            _ => 0,
        }
    }

    /// A text; empty when unset or of another kind.
    pub fn str(&self, id: RowId) -> &str {
        match self.value(id) {
            Value::Str(text) | Value::Word(text) => text,
            _ => "",
        }
    }

    /// An enumeration's word; empty when unset or of another kind.
    pub fn word(&self, id: RowId) -> &str {
        self.str(id)
    }

    /// Texts; empty when unset or of another kind.
    pub fn list(&self, id: RowId) -> &[String] {
        match self.value(id) {
            Value::List(list) => list,
            _ => &[],
        }
    }

    /// Unit names; empty when unset or of another kind.
    pub fn units(&self, id: RowId) -> &[UnitName] {
        match self.value(id) {
            Value::Units(list) => &list.names,
            _ => &[],
        }
    }

    /// Command lines; empty when unset or of another kind.
    pub fn exec(&self, id: RowId) -> &[ExecCommand] {
        match self.value(id) {
            Value::Exec(commands) => commands,
            _ => &[],
        }
    }

    /// Variables with their values; empty when unset or of another kind.
    pub fn environment(&self, id: RowId) -> &[(String, String)] {
        match self.value(id) {
            Value::Environment(list) => list,
            _ => &[],
        }
    }

    /// Pairs of texts; empty when unset or of another kind.
    pub fn pairs(&self, id: RowId) -> &[(String, String)] {
        match self.value(id) {
            Value::Pairs(list) => list,
            _ => &[],
        }
    }

    /// Exit codes and signals; `None` when unset or of another kind.
    pub fn exit_status(&self, id: RowId) -> Option<&ExitStatusSet> {
        match self.value(id) {
            Value::ExitStatus(set) => Some(set),
            _ => None,
        }
    }

    /// Resource limits; `None` when unset or of another kind.
    pub fn rlimit(&self, id: RowId) -> Option<Rlimit> {
        match self.value(id) {
            Value::Rlimit(limit) => Some(*limit),
            _ => None,
        }
    }

    fn all_conditions(&self) -> &[Condition] {
        match self.value(rows::unit::CONDITION_PATH_EXISTS) {
            Value::Conditions(list) => list,
            _ => &[],
        }
    }

    /// The conditions of all `Condition…=` lines, in file order.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.all_conditions().iter().filter(|c| !c.assert)
    }

    /// The asserts of all `Assert…=` lines, in file order.
    pub fn asserts(&self) -> impl Iterator<Item = &Condition> {
        self.all_conditions().iter().filter(|c| c.assert)
    }

    /// The addresses of all `Listen…=` lines, in file order.
    pub fn listen(&self) -> &[ListenAddress] {
        match self.value(rows::socket::LISTEN_STREAM) {
            Value::Listen(list) => list,
            _ => &[],
        }
    }

    /// Whether a socket unit starts one service, as opposed to an instance for each connection. What can't be accepted makes
    /// it so, though `Accept=yes` is an error then.
    pub fn has_one_service(&self) -> bool {
        let accepts = |listen: &ListenAddress| matches!(listen.kind, ListenKind::Stream | ListenKind::SequentialPacket);
        !self.bool(rows::socket::ACCEPT) || !self.listen().iter().all(accepts)
    }

    /// The file that an origin means; `None` for implied values.
    pub fn file(&self, origin: Origin) -> Option<&PathBuf> {
        match origin.file {
            0 => self.fragment.as_ref(),
            Origin::IMPLIED => None,
            n => self.dropins.get(usize::from(n) - 1),
        }
    }

    /// Whether something keeps the unit from being started at all.
    pub fn is_loaded(&self) -> bool {
        self.load_state == LoadState::Loaded
    }
}
