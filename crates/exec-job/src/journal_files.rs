//! What journald looks up about a unit whose lines it takes: files in /run/systemd/units that the manager writes for it
//! (systemd.exec(5), `LogExtraFields=` and its kin). Each is named by the setting and the unit; most hold their value as the
//! target of a symbolic link.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use daemon_runtime::paths::{Mode, user_runtime_dir};
use unit_parser::rows::exec;
use unit_parser::{RowId, Unit};

/// The settings that nobody but journald can honour.
const SETTINGS: [RowId; 4] =
    [exec::LOG_LEVEL_MAX, exec::LOG_EXTRA_FIELDS, exec::LOG_RATE_LIMIT_INTERVAL_SEC, exec::LOG_RATE_LIMIT_BURST];

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    /// A link to nowhere: its target is the value.
    Link(String),
    /// Bytes.
    File(Vec<u8>),
}

/// Tells journald of a run of a unit; what an earlier run told no longer counts. A user's journald entries have the invocation
/// alone, as in systemd.
///
/// # Errors
/// The kernel's, of the first file that can't be written.
pub fn export_log_settings(unit: &Unit, mode: Mode, invocation: &str) -> io::Result<()> {
    write(&directory(mode), unit, mode, invocation)
}

/// The unit is down.
pub fn withdraw_log_settings(unit: &Unit, mode: Mode) {
    for (kind, _) in contents(unit, Mode::System, "") {
        let _ = fs::remove_file(directory(mode).join(format!("{kind}:{}", unit.name.as_str())));
    }
}

/// The settings of the unit that have an effect only where journald takes its lines.
pub fn log_settings(unit: &Unit) -> Vec<&'static str> {
    SETTINGS.iter().filter(|row| unit.is_set(**row)).map(|row| row.row().name).collect()
}

fn directory(mode: Mode) -> PathBuf {
    match mode {
        Mode::System => "/run/systemd/units".into(),
        Mode::User => user_runtime_dir().join("systemd/units"),
    }
}

fn write(directory: &Path, unit: &Unit, mode: Mode, invocation: &str) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for (kind, content) in contents(unit, mode, invocation) {
        let name = format!("{kind}:{}", unit.name.as_str());
        let path = directory.join(&name);
        let Some(content) = content else {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => continue,
            }
        };
        // journald may look at any moment.
        let temporary = directory.join(format!(".#{name}"));
        let _ = fs::remove_file(&temporary);
        match content {
            Content::Link(target) => symlink(target, &temporary)?,
            Content::File(bytes) => fs::File::create(&temporary)?.write_all(&bytes)?,
        }
        fs::rename(temporary, path)?;
    }
    Ok(())
}

/// All kinds of file, and what is in them; nothing where the unit doesn't set it.
fn contents(unit: &Unit, mode: Mode, invocation: &str) -> [(&'static str, Option<Content>); 5] {
    let all = mode == Mode::System;
    let link = |row: RowId, value: String| (all && unit.is_set(row)).then_some(Content::Link(value));
    let fields = unit.list(exec::LOG_EXTRA_FIELDS);
    let usec = unit.usec(exec::LOG_RATE_LIMIT_INTERVAL_SEC);
    [
        ("invocation", (!invocation.is_empty()).then(|| Content::Link(invocation.to_owned()))),
        ("log-level-max", link(exec::LOG_LEVEL_MAX, unit.int(exec::LOG_LEVEL_MAX).to_string())),
        ("log-extra-fields", (all && !fields.is_empty()).then(|| Content::File(lengths_and_texts(fields)))),
        ("log-rate-limit-interval", link(exec::LOG_RATE_LIMIT_INTERVAL_SEC, usec.to_string())),
        ("log-rate-limit-burst", link(exec::LOG_RATE_LIMIT_BURST, unit.uint(exec::LOG_RATE_LIMIT_BURST).to_string())),
    ]
}

/// Each field after its length, as 64 bit little endian.
fn lengths_and_texts(fields: &[String]) -> Vec<u8> {
    let one = |field: &String| [&(field.len() as u64).to_le_bytes()[..], field.as_bytes()].concat();
    fields.iter().flat_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use unit_parser::{Origin, UnitName, Value};

    #[test]
    fn what_journald_reads() {
        let directory = std::env::temp_dir().join(format!("quintet-log-settings-{}", std::process::id()));
        let mut unit = Unit::new(UnitName::parse("a.service").unwrap());
        let link = |kind: &str| fs::read_link(directory.join(format!("{kind}:a.service"))).ok();
        write(&directory, &unit, Mode::System, "abc").unwrap();
        assert_eq!((link("invocation"), link("log-level-max")), (Some("abc".into()), None));
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        unit.set(exec::LOG_EXTRA_FIELDS, Value::List(vec!["A=b".into(), "LONG=x y".into()]), Origin::default());
        unit.set(exec::LOG_RATE_LIMIT_BURST, Value::Uint(7), Origin::default());
        write(&directory, &unit, Mode::System, "def").unwrap();
        assert_eq!((link("invocation"), link("log-rate-limit-burst")), (Some("def".into()), Some("7".into())));
        let fields = fs::read(directory.join("log-extra-fields:a.service")).unwrap();
        assert_eq!(fields, b"\x03\0\0\0\0\0\0\0A=b\x08\0\0\0\0\0\0\0LONG=x y");
        assert_eq!(log_settings(&unit), ["LogExtraFields", "LogRateLimitBurst"]);
        write(&directory, &Unit::new(unit.name), Mode::System, "ghi").unwrap();
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        fs::remove_dir_all(directory).unwrap();
    }
}
