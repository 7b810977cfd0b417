//! Object paths of the public face.

use unit_parser::{BUS_PREFIX, UnitName};

/// The manager's path.
pub const MANAGER: &str = "/org/freedesktop/systemd1";
/// Where log levels are set (org.freedesktop.LogControl1(5)).
pub const LOG_CONTROL: &str = "/org/freedesktop/LogControl1";
const UNITS: &str = "/org/freedesktop/systemd1/unit";
const JOBS: &str = "/org/freedesktop/systemd1/job";

/// What a path means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// The manager.
    Manager,
    /// A unit, by any of its names; whether it exists is another question.
    Unit(UnitName),
    /// A path below the units whose last part is no unit name.
    BadUnit(String),
    /// The caller's own unit (`unit/self`).
    OwnUnit,
    /// A job.
    Job(u32),
    /// Log control.
    LogControl,
    /// Quintet's own object.
    Quintet,
    /// The directory of units.
    Units,
    /// The directory of jobs.
    Jobs,
    /// A directory above the objects.
    Above(&'static [&'static str]),
    /// Nothing.
    None,
}

/// What a path means.
#[must_use]
pub fn parse(path: &str) -> Object {
    match path {
        MANAGER => return Object::Manager,
        LOG_CONTROL => return Object::LogControl,
        bus_api::names::PATH => return Object::Quintet,
        UNITS => return Object::Units,
        JOBS => return Object::Jobs,
        "/" => return Object::Above(&["org"]),
        "/org" => return Object::Above(&["freedesktop", "quintet"]),
        "/org/freedesktop" => return Object::Above(&["LogControl1", "systemd1"]),
        _ => {}
    }
    if let Some(label) = path.strip_prefix(BUS_PREFIX).map(|rest| rest.trim_start_matches('/')) {
        return match label {
            "self" => Object::OwnUnit,
            _ => UnitName::from_bus_path(path).map_or_else(|| Object::BadUnit(label.to_owned()), Object::Unit),
        };
    }
    let id = path.strip_prefix(JOBS).and_then(|rest| rest.strip_prefix('/')).and_then(|id| id.parse().ok());
    id.map_or(Object::None, Object::Job)
}

/// The path of a job.
#[must_use]
pub fn job_path(id: u32) -> String {
    format!("{JOBS}/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let unit = UnitName::parse("a-b.service").unwrap();
        assert_eq!(parse(&unit.bus_path()), Object::Unit(unit));
        for (path, object) in [
            ("/org/freedesktop/systemd1", Object::Manager),
            ("/org/freedesktop/systemd1/unit/self", Object::OwnUnit),
            ("/org/freedesktop/systemd1/unit/nonsense", Object::BadUnit("nonsense".into())),
            ("/org/freedesktop/systemd1/unit", Object::Units),
            ("/org/freedesktop/systemd1/job/7", Object::Job(7)),
            ("/org/freedesktop/systemd1/job/x", Object::None),
            ("/org/freedesktop/systemd1/jobs", Object::None),
            ("/no/such/object", Object::None),
            ("/", Object::Above(&["org"])),
        ] {
            assert_eq!(parse(path), object, "{path}");
        }
    }
}
