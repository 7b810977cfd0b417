//! Unit names (systemd.unit(5), "Description"): parsed once, one type everywhere.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::escape::{bus_label_escape, bus_label_unescape, path_escape, path_unescape};
use crate::long_name::shorten;
use crate::unit_type::UnitType;

/// Longest unit name, in bytes.
pub const MAX_LENGTH: usize = 255;

/// The D-Bus object path below which units live.
pub const BUS_PREFIX: &str = "/org/freedesktop/systemd1/unit/";

/// A valid unit name. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UnitName(Arc<str>);

/// Why a text is no unit name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing before the suffix, or nothing at all.
    #[error("unit name \"{0}\" has no prefix")]
    Empty(String),
    /// Longer than [`MAX_LENGTH`].
    #[error("unit name is longer than 255 bytes")]
    TooLong,
    /// A byte outside of letters, digits and `:-_.\@`.
    #[error("unit name \"{0}\" has a character that is not allowed")]
    Character(String),
    /// No suffix, or one that is no unit type.
    #[error("unit name \"{0}\" has no valid type suffix")]
    Suffix(String),
    /// An instance was asked of a name that is no template.
    #[error("unit name \"{0}\" is not a template")]
    NotTemplate(String),
    /// A path that is not absolute and normalized.
    #[error("\"{0}\" is not a normalized path")]
    Path(String),
}

fn valid_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_' | b'.' | b'\\' | b'@')
}

impl UnitName {
    /// Checks a text and makes it a name. Templates (`getty@.service`) and instances are names too.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.len() > MAX_LENGTH {
            return Err(NameError::TooLong);
        }
        let Some((stem, suffix)) = text.rsplit_once('.') else {
            return Err(NameError::Suffix(text.to_owned()));
        };
        if stem.is_empty() || stem.starts_with('@') {
            return Err(NameError::Empty(text.to_owned()));
        }
        if UnitType::from_suffix(suffix).is_none() {
            return Err(NameError::Suffix(text.to_owned()));
        }
        if !stem.bytes().all(valid_character) {
            return Err(NameError::Character(text.to_owned()));
        }
        Ok(UnitName(Arc::from(text)))
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn halves(&self) -> (&str, &str) {
        self.0.rsplit_once('.').unwrap_or((&self.0, ""))
    }

    /// The name without its suffix: `getty@tty1`.
    pub fn stem(&self) -> &str {
        self.halves().0
    }

    /// The type, from the suffix.
    pub fn unit_type(&self) -> UnitType {
        // `parse` is the only way in, so the suffix is one of the known ones.
        UnitType::from_suffix(self.halves().1).unwrap_or(UnitType::Service)
    }

    /// What comes before the first `@`, or before the suffix: `getty`.
    pub fn prefix(&self) -> &str {
        let stem = self.stem();
        stem.split_once('@').map_or(stem, |(prefix, _)| prefix)
    }

    /// What comes between the first `@` and the suffix; `None` for plain names and templates.
    pub fn instance(&self) -> Option<&str> {
        let (_, instance) = self.stem().split_once('@')?;
        (!instance.is_empty()).then_some(instance)
    }

    /// Whether this is `name@.type`.
    pub fn is_template(&self) -> bool {
        self.stem().split_once('@').is_some_and(|(_, i)| i.is_empty())
    }

    /// Whether this is `name@instance.type`.
    pub fn is_instance(&self) -> bool {
        self.instance().is_some()
    }

    /// The template of an instance: `getty@.service`; `None` for other names.
    pub fn template(&self) -> Option<UnitName> {
        self.instance()?;
        Some(UnitName(format!("{}@.{}", self.prefix(), self.unit_type()).into()))
    }

    /// The instance of this template. An instance's own instance part is replaced.
    pub fn with_instance(&self, instance: &str) -> Result<UnitName, NameError> {
        if !self.stem().contains('@') {
            return Err(NameError::NotTemplate(self.0.to_string()));
        }
        UnitName::parse(&format!("{}@{instance}.{}", self.prefix(), self.unit_type()))
    }

    /// The same stem with another type: `foo.socket` to `foo.service`.
    pub fn with_type(&self, unit_type: UnitType) -> Result<UnitName, NameError> {
        UnitName::parse(&format!("{}.{unit_type}", self.stem()))
    }

    /// The name of the mount, device, ... unit of a path: `/dev/sda` to `dev-sda.device`. A path that is too long for a
    /// name gives a name that is cut and ends in a hash.
    pub fn from_path(path: &str, unit_type: UnitType) -> Result<UnitName, NameError> {
        let stem = path_escape(path).map_err(|_| NameError::Path(path.to_owned()))?;
        UnitName::parse(&shorten(&stem, unit_type.as_str()))
    }

    /// The path that the stem of a mount, device, ... unit stands for; `None` if it stands for none.
    pub fn to_path(&self) -> Option<String> {
        path_unescape(self.stem()).ok()
    }

    /// The name as a command line means it: a missing suffix is `.service`, a path is a device
    /// (below `/dev` or `/sys`) or a mount, other special characters are escaped (systemctl(1)).
    pub fn mangle(text: &str) -> Result<UnitName, NameError> {
        UnitName::mangle_with(text, UnitType::Service)
    }

    /// Like [`UnitName::mangle`] with another type for a missing suffix.
    pub fn mangle_with(text: &str, default: UnitType) -> Result<UnitName, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty(String::new()));
        }
        if let Ok(name) = UnitName::parse(text) {
            return Ok(name);
        }
        if text.starts_with('/') {
            let mut parts = text.split('/').filter(|part| !matches!(*part, "" | "."));
            let is_device = matches!(parts.next(), Some("dev" | "sys")) && parts.next().is_some();
            let path_type = if is_device { UnitType::Device } else { UnitType::Mount };
            match UnitName::from_path(text, path_type) {
                // It is escaped as any other text then, as in systemd.
                Err(NameError::Path(_)) => {}
                result => return result,
            }
        }
        let mut mangled = String::with_capacity(text.len() + 8);
        for byte in text.bytes() {
            match byte {
                b'/' => mangled.push('-'),
                plain if valid_character(plain) => mangled.push(char::from(plain)),
                special => mangled.push_str(&format!("\\x{special:02x}")),
            }
        }
        if UnitName::parse(&mangled).is_err() {
            mangled.push('.');
            mangled.push_str(default.as_str());
        }
        UnitName::parse(&mangled)
    }

    /// The D-Bus object path: `/org/freedesktop/systemd1/unit/foo_2eservice`.
    pub fn bus_path(&self) -> String {
        format!("{BUS_PREFIX}{}", bus_label_escape(&self.0))
    }

    /// The name behind a D-Bus object path made by [`UnitName::bus_path`].
    pub fn from_bus_path(path: &str) -> Option<UnitName> {
        let label = path.strip_prefix(BUS_PREFIX)?;
        UnitName::parse(&bus_label_unescape(label).ok()?).ok()
    }
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for UnitName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for UnitName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for UnitName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        UnitName::parse(text)
    }
}

impl TryFrom<String> for UnitName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        UnitName::parse(&text)
    }
}

impl From<UnitName> for String {
    fn from(name: UnitName) -> String {
        name.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_name() {
        let long = format!("{}.service", "a".repeat(247));
        assert_eq!(long.len(), 255);
        for good in
            ["a.service", "a@.service", "a@b.service", "a@b@c.socket", r"a\x2d.mount", "-.slice", "a.b.target", &long]
        {
            assert!(UnitName::parse(good).is_ok(), "{good}");
        }
        let longer = format!("a{long}");
        for bad in [
            "",
            ".service",
            "a",
            "a.",
            "a.foo",
            "@.service",
            "@b.service",
            "a b.service",
            "ä.service",
            "a/b.service",
            &longer,
        ] {
            assert!(UnitName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn parts() {
        let table = [
            ("a.service", "a", None, false, None),
            ("a@.service", "a", None, true, None),
            ("a@b.service", "a", Some("b"), false, Some("a@.service")),
            ("a@b@c.d.service", "a", Some("b@c.d"), false, Some("a@.service")),
        ];
        for (text, prefix, instance, is_template, template) in table {
            let name = UnitName::parse(text).unwrap();
            assert_eq!(name.prefix(), prefix);
            assert_eq!(name.instance(), instance);
            assert_eq!(name.is_template(), is_template);
            assert_eq!(name.template().as_ref().map(UnitName::as_str), template);
        }
    }

    #[test]
    fn conversions() {
        let template = UnitName::parse("a@.service").unwrap();
        assert_eq!(template.with_instance("x").unwrap().as_str(), "a@x.service");
        assert!(UnitName::parse("a.service").unwrap().with_instance("x").is_err());
        let mount = UnitName::from_path("/var/lib/x-y", UnitType::Mount).unwrap();
        assert_eq!(mount.as_str(), r"var-lib-x\x2dy.mount");
        assert_eq!(mount.to_path().as_deref(), Some("/var/lib/x-y"));
        let name = UnitName::parse("foo-1@b.service").unwrap();
        assert_eq!(name.bus_path(), "/org/freedesktop/systemd1/unit/foo_2d1_40b_2eservice");
        assert_eq!(UnitName::from_bus_path(&name.bus_path()), Some(name));
    }

    #[test]
    fn command_line_names() {
        for (given, meant) in [
            ("foo", "foo.service"),
            ("foo.socket", "foo.socket"),
            ("foo.bar", "foo.bar.service"),
            ("/dev/sda", "dev-sda.device"),
            ("/home", "home.mount"),
            ("a b", r"a\x20b.service"),
        ] {
            assert_eq!(UnitName::mangle(given).unwrap().as_str(), meant);
        }
        assert!(UnitName::mangle("").is_err());
    }
}
