//! What follows from a unit's settings for settings that were not made: types, time-outs, slices.

use super::mounts;
use crate::diagnostic::{Diagnostic, Severity};
use crate::escape;
use crate::name::UnitName;
use crate::parse::timespan::INFINITY;
use crate::specifier::Host;
use crate::table::{RowId, rows};
use crate::unit::{Origin, Unit};
use crate::unit_type::UnitType;
use crate::value::{UnitList, Value};

const IMPLIED: Origin = Origin { file: Origin::IMPLIED, line: 0 };

fn imply(unit: &mut Unit, id: RowId, value: Value) {
    if !unit.is_set(id) {
        unit.set(id, value, IMPLIED);
    }
}

/// Gives a directive the value of another one that is set.
fn imply_from(unit: &mut Unit, from: RowId, to: RowId) {
    if unit.is_set(from) {
        let value = unit.value(from).clone();
        imply(unit, to, value);
    }
}

fn word(text: &str) -> Value {
    Value::Word(text.into())
}

/// Fills in implied values.
pub(super) fn finish(unit: &mut Unit, host: &Host) {
    use rows::unit as u;
    if unit.bool(u::ON_FAILURE_ISOLATE) {
        imply(unit, u::ON_FAILURE_JOB_MODE, word("isolate"));
    }
    if let Value::Str(path) = unit.value(u::SOURCE_PATH) {
        unit.source = Some((**path).into());
    }
    imply_from(unit, u::JOB_TIMEOUT_SEC, u::JOB_RUNNING_TIMEOUT_SEC);
    imply_from(unit, rows::kill::KILL_SIGNAL, rows::kill::RESTART_KILL_SIGNAL);
    match unit.name.unit_type() {
        UnitType::Mount
        | UnitType::Automount
        | UnitType::Swap
        | UnitType::Slice
        | UnitType::Scope
        | UnitType::Device => imply(unit, u::IGNORE_ON_ISOLATE, Value::Bool(true)),
        UnitType::Service | UnitType::Socket | UnitType::Target | UnitType::Timer | UnitType::Path => {}
    }
    perpetual(unit);
    match unit.name.unit_type() {
        UnitType::Service => service(unit),
        UnitType::Socket => socket(unit),
        UnitType::Timer => triggered(unit, rows::timer::UNIT),
        UnitType::Path => triggered(unit, rows::path::UNIT),
        UnitType::Slice => parent_slice(unit),
        UnitType::Mount | UnitType::Automount => mount_point(unit),
        UnitType::Target | UnitType::Device | UnitType::Swap | UnitType::Scope => {}
    }
    if unit.name.unit_type().has_exec() {
        exec(unit);
    }
    if unit.name.unit_type().has_cgroup() && unit.name.unit_type() != UnitType::Slice {
        slice(unit);
    }
    mounts::imply_paths(unit, host);
}

/// Units that are always there (systemd.special(7)) stay until the very end.
fn perpetual(unit: &mut Unit) {
    use rows::{exec, unit as u};
    let manual = match unit.name.as_str() {
        "-.slice" => Some("man:systemd.special(7)"),
        "system.slice" if !unit.user_manager => Some("man:systemd.special(7)"),
        "init.scope" => Some("man:systemd(1)"),
        "-.mount" => None,
        _ => return,
    };
    imply(unit, u::DEFAULT_DEPENDENCIES, Value::Bool(false));
    if let Some(manual) = manual {
        imply(unit, u::DOCUMENTATION, Value::List(vec![manual.to_owned()]));
    }
    if unit.name.unit_type() == UnitType::Mount {
        // The log's socket is on it.
        imply(unit, exec::STANDARD_OUTPUT, word("null"));
    }
}

fn service(unit: &mut Unit) {
    use rows::service as s;
    if !unit.is_set(s::TYPE) {
        let implied = if !unit.str(s::BUS_NAME).is_empty() {
            "dbus"
        } else if unit.exec(s::EXEC_START).is_empty() {
            "oneshot"
        } else {
            "simple"
        };
        imply(unit, s::TYPE, word(implied));
    }
    if unit.word(s::TYPE) == "oneshot" {
        imply(unit, s::TIMEOUT_START_SEC, Value::Usec(INFINITY));
    }
    overlap(unit);
    let stop = unit.usec(s::TIMEOUT_STOP_SEC);
    imply(unit, s::TIMEOUT_ABORT_SEC, Value::Usec(stop));
    let watchdog = unit.usec(s::WATCHDOG_SEC);
    let needs_socket = matches!(unit.word(s::TYPE), "notify" | "notify-reload")
        || (watchdog > 0 && unit.is_set(s::WATCHDOG_SEC))
        || unit.uint(s::FILE_DESCRIPTOR_STORE_MAX) > 0;
    if needs_socket && unit.word(s::NOTIFY_ACCESS) == "none" {
        // Also where the file says "none": these need the socket.
        unit.set(s::NOTIFY_ACCESS, word("main"), IMPLIED);
    }
    if unit.list(rows::cgroup::DELEGATE).iter().any(|word| word != "no") {
        imply(unit, s::OOM_POLICY, word("continue"));
    }
    if unit.bool(s::PERMISSIONS_START_ONLY) {
        let all =
            [s::EXEC_CONDITION, s::EXEC_START_PRE, s::EXEC_START_POST, s::EXEC_RELOAD, s::EXEC_STOP, s::EXEC_STOP_POST];
        for id in all {
            let Some(setting) = unit.setting(id).cloned() else { continue };
            if let Value::Exec(mut commands) = setting.value {
                for command in &mut commands {
                    command.implied_privileged = !command.privileged;
                    command.privileged = true;
                }
                unit.set(id, Value::Exec(commands), setting.origin);
            }
        }
    }
}

/// Only a service that is its main process can have two of them.
fn overlap(unit: &mut Unit) {
    use rows::service as s;
    let why = match unit.word(s::TYPE) {
        "simple" | "exec" | "notify" | "notify-reload" if unit.word(s::EXIT_TYPE) == "cgroup" => {
            "ExitType=cgroup".into()
        }
        "simple" | "exec" | "notify" | "notify-reload" => return,
        other => format!("Type={other}"),
    };
    let Some(origin) = unit.setting(s::X_RESTART_OVERLAP).map(|setting| setting.origin) else { return };
    if !unit.bool(s::X_RESTART_OVERLAP) {
        return;
    }
    let file = match origin.file {
        0 => unit.fragment.clone(),
        nth => unit.dropins.get(usize::from(nth) - 1).cloned(),
    };
    unit.set(s::X_RESTART_OVERLAP, Value::Bool(false), origin);
    unit.diagnostics.push(Diagnostic {
        file: file.unwrap_or_default(),
        line: origin.line,
        column: 1,
        span: (0, 0),
        code: "no-effect".to_owned(),
        severity: Severity::Note,
        message: format!("X-RestartOverlap= has no effect with {why}: such a service is restarted as ever"),
        hint: None,
    });
}

fn socket(unit: &mut Unit) {
    use rows::socket as s;
    let accept = unit.bool(s::ACCEPT);
    if unit.has_one_service() {
        triggered(unit, s::SERVICE);
    }
    let id = unit.name.as_str().to_owned();
    imply(unit, s::FILE_DESCRIPTOR_NAME, Value::Str(id.into()));
    // systemd's mark for "not set" is what `infinity` is read as.
    if unit.usec(s::TRIGGER_LIMIT_INTERVAL_SEC) == u64::MAX {
        let origin = unit.setting(s::TRIGGER_LIMIT_INTERVAL_SEC).map(|setting| setting.origin);
        let implied = Origin { file: Origin::IMPLIED, line: 0 };
        unit.set(s::TRIGGER_LIMIT_INTERVAL_SEC, Value::Usec(2_000_000), origin.unwrap_or(implied));
    }
    imply(unit, s::TRIGGER_LIMIT_BURST, Value::Uint(if accept { 200 } else { 20 }));
}

/// The unit that a socket, timer or path starts is the service of the same name, unless said otherwise.
fn triggered(unit: &mut Unit, id: RowId) {
    if let Ok(service) = unit.name.with_type(UnitType::Service) {
        let names = UnitList { names: vec![service], origins: vec![IMPLIED] };
        imply(unit, id, Value::Units(Box::new(names)));
    }
}

fn mount_point(unit: &mut Unit) {
    let id = match unit.name.unit_type() {
        UnitType::Mount => rows::mount::WHERE,
        _ => rows::automount::WHERE,
    };
    if let Some(path) = unit.name.to_path() {
        imply(unit, id, Value::Str(path.into()));
    }
}

fn exec(unit: &mut Unit) {
    use rows::exec as e;
    // Data to read is read unless the file wants another input (systemd.exec(5), StandardInputText=).
    if unit.is_set(e::STANDARD_INPUT_TEXT) || unit.is_set(e::STANDARD_INPUT_DATA) {
        imply(unit, e::STANDARD_INPUT, word("data"));
    }
    let input = unit.word(e::STANDARD_INPUT);
    // There is nothing to inherit from what is only read.
    let only_read = matches!(input, "null" | "data") || input.starts_with("file");
    if only_read && unit.word(e::STANDARD_OUTPUT) == "inherit" {
        unit.set(e::STANDARD_OUTPUT, word("journal"), IMPLIED);
    }
    let input = unit.word(e::STANDARD_INPUT);
    if matches!(input, "tty" | "tty-force" | "tty-fail" | "socket") || input.starts_with("fd") {
        imply(unit, e::STANDARD_OUTPUT, word("inherit"));
    }
    if !unit.str(e::ROOT_DIRECTORY).is_empty() {
        imply(unit, e::MOUNT_APIVFS, Value::Bool(true));
    }
    if unit.bool(e::DYNAMIC_USER) {
        dynamic_user(unit);
    }
    if unit.bool(e::PRIVATE_DEVICES) {
        imply(unit, rows::cgroup::DEVICE_POLICY, word("closed"));
    }
    let id = rows::cgroup::DEVICE_ALLOW;
    // An exception from nothing would forbid all the rest: as systemd does, and other than its manual says.
    let confined = unit.word(rows::cgroup::DEVICE_POLICY) != "auto" || !unit.pairs(id).is_empty();
    if unit.bool(e::PROTECT_CLOCK) && confined {
        let mut rules = unit.pairs(id).to_vec();
        rules.push(("char-rtc".to_owned(), "r".to_owned()));
        let origin = unit.setting(id).map_or(IMPLIED, |setting| setting.origin);
        unit.set(id, Value::Pairs(rules), origin);
    }
    drop_capabilities(unit);
}

/// systemd.exec(5), `DynamicUser=`.
fn dynamic_user(unit: &mut Unit) {
    use rows::exec as e;
    let prefix = unit.name.prefix();
    // What is no name for a user in every system is one by a number (FNV-1a).
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let plain =
        prefix.len() <= 31 && !prefix.starts_with(|c: char| c.is_ascii_digit() || c == '-') && prefix.chars().all(good);
    let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let user = match plain {
        true => prefix.to_owned(),
        false => format!("_du{:016x}", prefix.bytes().fold(0xcbf2_9ce4_8422_2325, hash)),
    };
    imply(unit, e::USER, Value::Str(user.into()));
    let user = unit.str(e::USER).to_owned();
    imply(unit, e::GROUP, Value::Str(user.into()));
    unit.set(e::PRIVATE_TMP, word("yes"), IMPLIED);
    unit.set(e::REMOVE_IPC, Value::Bool(true), IMPLIED);
    unit.set(e::NO_NEW_PRIVILEGES, Value::Bool(true), IMPLIED);
    unit.set(e::RESTRICT_SUID_SGID, Value::Bool(true), IMPLIED);
    if unit.word(e::PROTECT_SYSTEM) == "no" {
        unit.set(e::PROTECT_SYSTEM, word("strict"), IMPLIED);
    }
    if unit.word(e::PROTECT_HOME) == "no" {
        unit.set(e::PROTECT_HOME, word("read-only"), IMPLIED);
    }
}

/// Some kinds of protection take capabilities away (systemd.exec(5), "Sandboxing").
fn drop_capabilities(unit: &mut Unit) {
    use rows::exec as e;
    let capability = |name: &str| crate::parse::mask::capability(name).map_or(0, |bit| 1u64 << bit);
    let mut dropped = 0;
    for (id, names) in [
        (e::PRIVATE_DEVICES, &["CAP_MKNOD", "CAP_SYS_RAWIO"][..]),
        (e::PROTECT_KERNEL_MODULES, &["CAP_SYS_MODULE"][..]),
        (e::PROTECT_KERNEL_LOGS, &["CAP_SYSLOG"][..]),
        (e::PROTECT_CLOCK, &["CAP_SYS_TIME", "CAP_WAKE_ALARM"][..]),
    ] {
        if unit.bool(id) {
            dropped |= names.iter().fold(0, |mask, name| mask | capability(name));
        }
    }
    if dropped != 0 {
        let before = match unit.value(e::CAPABILITY_BOUNDING_SET) {
            Value::Uint(mask) => *mask,
            _ => u64::MAX,
        };
        unit.set(e::CAPABILITY_BOUNDING_SET, Value::Uint(before & !dropped), IMPLIED);
    }
}

fn set_slice(unit: &mut Unit, slice: &str) {
    if let Ok(name) = UnitName::parse(slice) {
        let names = UnitList { names: vec![name], origins: vec![IMPLIED] };
        imply(unit, rows::cgroup::SLICE, Value::Units(Box::new(names)));
    }
}

/// systemd.slice(5): services of a template share a slice; user units are in app.slice.
fn slice(unit: &mut Unit) {
    let is_mount = unit.name.unit_type() == UnitType::Mount;
    if is_mount && crate::parse::path::is_extrinsic(unit.str(rows::mount::WHERE)) {
        return set_slice(unit, "-.slice");
    }
    if unit.name.as_str() == "init.scope" {
        return set_slice(unit, "-.slice");
    }
    let base = if unit.user_manager { "app" } else { "system" };
    let slice = if unit.name.is_instance() {
        format!("{base}-{}.slice", escape::escape(unit.name.prefix()))
    } else {
        format!("{base}.slice")
    };
    set_slice(unit, &slice);
}

/// The parent of `a-b.slice` is `a.slice`, that of `a.slice` is the root, which has none.
fn parent_slice(unit: &mut Unit) {
    let stem = unit.name.stem();
    if stem == "-" {
        return;
    }
    let parent = match stem.rsplit_once('-') {
        Some((parent, _)) => format!("{parent}.slice"),
        None => "-.slice".to_owned(),
    };
    set_slice(unit, &parent);
}
