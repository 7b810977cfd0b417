//! Properties of an object, in the order of the broker's reply, which is that of `show`.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use zbus::{OwnedVariant, Signature, Type, Variant};

/// What `Properties.GetAll` answers.
#[derive(Debug, Default)]
pub struct Properties(Vec<(String, OwnedVariant)>);

impl Properties {
    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Variant<'_>)> {
        self.0.iter().map(|(name, value)| (name.as_str(), &**value))
    }

    /// One of them.
    pub fn value(&self, name: &str) -> Option<&Variant<'_>> {
        self.iter().find(|(have, _)| *have == name).map(|(_, value)| value)
    }

    /// A string or object path; empty when it is not there.
    pub fn text(&self, name: &str) -> &str {
        match self.value(name) {
            Some(Variant::Str(text)) => text.as_str(),
            Some(Variant::ObjectPath(path)) => path.as_str(),
            Some(_) | None => "",
        }
    }

    /// A number, `None` when it is not there or "not set" (all bits set).
    pub fn number(&self, name: &str) -> Option<u64> {
        match self.value(name)? {
            Variant::U64(u64::MAX) => None,
            Variant::U64(number) => Some(*number),
            Variant::U32(number) => Some(u64::from(*number)),
            Variant::I32(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// A truth value, false when it is not there.
    pub fn truth(&self, name: &str) -> bool {
        matches!(self.value(name), Some(Variant::Bool(true)))
    }

    /// A list of strings, empty when it is not there.
    pub fn list(&self, name: &str) -> Vec<&str> {
        let Some(Variant::Array(array)) = self.value(name) else { return Vec::new() };
        array.inner().iter().filter_map(as_text).collect()
    }

    /// The rows of an array of structures, empty when it is not there.
    pub fn rows(&self, name: &str) -> Vec<&[Variant<'_>]> {
        let Some(Variant::Array(array)) = self.value(name) else { return Vec::new() };
        array.inner().iter().filter_map(fields).collect()
    }

    /// The fields of a structure.
    pub fn fields(&self, name: &str) -> &[Variant<'_>] {
        self.value(name).and_then(fields).unwrap_or_default()
    }
}

/// A value's text, if it is one.
pub fn as_text<'v>(value: &'v Variant<'_>) -> Option<&'v str> {
    match value {
        Variant::Str(text) => Some(text.as_str()),
        Variant::ObjectPath(path) => Some(path.as_str()),
        _ => None,
    }
}

/// A structure's fields, if it is one.
pub fn fields<'v, 'a>(value: &'v Variant<'a>) -> Option<&'v [Variant<'a>]> {
    match value {
        Variant::Structure(structure) => Some(structure.fields()),
        _ => None,
    }
}

impl Type for Properties {
    const SIGNATURE: &'static Signature = <std::collections::HashMap<String, OwnedVariant> as Type>::SIGNATURE;
}

impl<'de> Deserialize<'de> for Properties {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Properties;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a dictionary of variants")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Properties, A::Error> {
                let mut all = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    all.push(entry);
                }
                Ok(Properties(all))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
impl Properties {
    /// For tests of what is printed.
    pub fn from_pairs(pairs: Vec<(&str, Variant<'static>)>) -> Properties {
        let owned = |value: Variant<'static>| OwnedVariant::try_from(value).expect("no descriptors");
        Properties(pairs.into_iter().map(|(name, value)| (name.to_owned(), owned(value))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_reply_is_kept() {
        let body = std::collections::BTreeMap::from([("Z", Variant::from(1u32)), ("A", Variant::from("x"))]);
        let reply = zbus::Message::method_call("/", "X").build(&(body,)).unwrap();
        let (properties,) = bus_api::message::arguments::<(Properties,)>(&reply).unwrap();
        assert_eq!(properties.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["A", "Z"]);
        assert_eq!(properties.number("Z"), Some(1));
        assert_eq!(properties.text("A"), "x");
        assert_eq!(properties.text("B"), "");
    }
}
