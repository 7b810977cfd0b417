//! `a{sv}` in the order in which it is built: `systemctl show` prints properties in the order of the reply.

use serde::ser::{Serialize, SerializeMap, Serializer};
use zbus::{Signature, Type, Variant};

/// Properties in their order.
#[derive(Debug, Default)]
pub struct PropertyDict(Vec<(&'static str, Variant<'static>)>);

impl PropertyDict {
    /// Adds one at the end.
    pub fn push(&mut self, name: &'static str, value: Variant<'static>) {
        self.0.push((name, value));
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Variant<'static>> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

impl FromIterator<(&'static str, Variant<'static>)> for PropertyDict {
    fn from_iter<I: IntoIterator<Item = (&'static str, Variant<'static>)>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl Type for PropertyDict {
    const SIGNATURE: &'static Signature = &Signature::static_dict(&Signature::Str, &Signature::Variant);
}

impl Serialize for PropertyDict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept() {
        let dict: PropertyDict =
            [("b", Variant::U32(1)), ("a", Variant::Bool(true)), ("c", Variant::Str("x".into()))].into_iter().collect();
        let message = zbus::Message::signal("/", "a.b", "C").build(&dict).unwrap();
        assert_eq!(message.body().signature().to_string(), "a{sv}");
        let bytes = message.body().data().bytes().to_vec();
        let at = |name: u8| bytes.windows(3).position(|window| window == [0, name, 0]);
        assert!(at(b'b') < at(b'a') && at(b'a') < at(b'c'));
    }
}
