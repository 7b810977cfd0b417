//! The interfaces of the public face as data: `interfaces.txt`, read once.

use std::sync::LazyLock;

use zbus::{Signature, Variant};

use super::literal;

/// One D-Bus interface.
#[derive(Debug)]
pub struct Interface {
    /// Full name (`org.freedesktop.systemd1.Unit`).
    pub name: &'static str,
    /// Properties in the order in which `GetAll` lists them.
    pub properties: Vec<Property>,
    /// Methods.
    pub methods: Vec<Method>,
    /// Signals.
    pub signals: Vec<Signal>,
}

/// One property.
#[derive(Debug)]
pub struct Property {
    /// Name (`ActiveState`).
    pub name: &'static str,
    /// Type as text (`a(ss)`).
    pub text: &'static str,
    /// Type.
    pub signature: Signature,
    /// Whether changes are signalled.
    pub emits: Emits,
    /// `Set` may change it.
    pub writable: bool,
    /// Not systemd's but ours: told only while it says something, and not introspected.
    pub own: bool,
    /// What a unit without settings shows.
    pub default: Variant<'static>,
}

/// `org.freedesktop.DBus.Property.EmitsChangedSignal`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emits {
    /// Changes are signalled with the new value.
    Changes,
    /// Changes are signalled without it.
    Invalidates,
    /// It doesn't change.
    Const,
    /// Nothing is signalled.
    Nothing,
}

impl Emits {
    /// The annotation's value.
    #[must_use]
    pub fn annotation(self) -> &'static str {
        match self {
            Self::Changes => "true",
            Self::Invalidates => "invalidates",
            Self::Const => "const",
            Self::Nothing => "false",
        }
    }
}

/// One method.
#[derive(Debug)]
pub struct Method {
    /// Name.
    pub name: &'static str,
    /// Arguments: signature, name.
    pub inputs: Vec<(&'static str, &'static str)>,
    /// Results: signature, name.
    pub outputs: Vec<(&'static str, &'static str)>,
}

impl Method {
    /// Signature of a call's body.
    #[must_use]
    pub fn input_signature(&self) -> String {
        self.inputs.iter().map(|(signature, _)| *signature).collect()
    }
}

/// One signal.
#[derive(Debug)]
pub struct Signal {
    /// Name.
    pub name: &'static str,
    /// Arguments: signature, name.
    pub arguments: Vec<(&'static str, &'static str)>,
}

impl Interface {
    /// The property of that name.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// The method of that name.
    #[must_use]
    pub fn method(&self, name: &str) -> Option<&Method> {
        self.methods.iter().find(|method| method.name == name)
    }
}

/// The interface of that full name.
#[must_use]
pub fn interface(name: &str) -> Option<&'static Interface> {
    TABLE.iter().find(|interface| interface.name == name)
}

/// All interfaces of the table.
pub fn all() -> impl Iterator<Item = &'static Interface> {
    TABLE.iter()
}

static TABLE: LazyLock<Vec<Interface>> = LazyLock::new(|| parse(include_str!("interfaces.txt")));

fn parse(text: &'static str) -> Vec<Interface> {
    let mut table: Vec<Interface> = Vec::new();
    for line in text.lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix("interface ") {
            let empty = Interface { name, properties: Vec::new(), methods: Vec::new(), signals: Vec::new() };
            table.push(empty);
            continue;
        }
        let Some(current) = table.last_mut() else {
            continue;
        };
        if let Some(rest) = line.strip_prefix('.') {
            let (head, outputs) = rest.split_once("->").unwrap_or((rest, ""));
            let (name, inputs) = head.split_once(' ').unwrap_or((head, ""));
            current.methods.push(Method { name, inputs: arguments(inputs), outputs: arguments(outputs) });
        } else if let Some(rest) = line.strip_prefix('!') {
            let (name, list) = rest.split_once(' ').unwrap_or((rest, ""));
            current.signals.push(Signal { name, arguments: arguments(list) });
        } else if let Some(property) = property(line) {
            current.properties.push(property);
        }
    }
    table
}

fn property(line: &'static str) -> Option<Property> {
    let (head, value) = match line.split_once(" = ") {
        Some((head, value)) => (head, Some(value)),
        None => (line, None),
    };
    let mut words = head.split(' ');
    let (name, text, flags) = (words.next()?, words.next()?, words.next()?);
    let signature = Signature::try_from(text).ok()?;
    let default = match value {
        Some(value) => literal::parse(value, &signature)?,
        None => literal::zero(&signature),
    };
    let mut flags = flags.split(',');
    let emits = match flags.next()? {
        "changes" => Emits::Changes,
        "const" => Emits::Const,
        "invalidates" => Emits::Invalidates,
        _ => Emits::Nothing,
    };
    let (mut writable, mut own) = (false, false);
    for flag in flags {
        writable |= flag == "rw";
        own |= flag == "own";
    }
    Some(Property { name, text, signature, emits, writable, own, default })
}

fn arguments(list: &'static str) -> Vec<(&'static str, &'static str)> {
    list.split_whitespace().filter_map(|argument| argument.split_once(':')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every line of the table means something: no property is lost to a typing error.
    #[test]
    fn every_line_is_read() {
        let lines = include_str!("interfaces.txt").lines();
        let members =
            lines.filter(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with("interface "));
        let read: usize = all().map(|i| i.properties.len() + i.methods.len() + i.signals.len()).sum();
        assert_eq!(read, members.count());
    }

    #[test]
    fn counts_are_those_of_systemd_252() {
        for (name, count) in [("Manager", 118), ("Unit", 98), ("Service", 303), ("Socket", 302), ("Mount", 261)] {
            let interface = interface(&format!("org.freedesktop.systemd1.{name}")).unwrap();
            assert_eq!(interface.properties.iter().filter(|property| !property.own).count(), count, "{name}");
        }
    }

    #[test]
    fn defaults_have_the_type_of_their_property() {
        for interface in all() {
            for property in &interface.properties {
                assert_eq!(
                    property.default.value_signature().to_string(),
                    property.text,
                    "{}.{}",
                    interface.name,
                    property.name
                );
            }
        }
    }

    #[test]
    fn methods_know_their_arguments() {
        let manager = interface("org.freedesktop.systemd1.Manager").unwrap();
        assert_eq!(manager.method("StartUnit").unwrap().input_signature(), "ss");
        assert_eq!(manager.method("ListUnits").unwrap().outputs[0].0, "a(ssssssouso)");
        assert!(manager.method("NoSuch").is_none());
    }
}
