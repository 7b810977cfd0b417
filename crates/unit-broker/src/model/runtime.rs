//! What workers told of their units' properties: kept encoded until somebody asks, for there are many units and few questions.
//!
//! One block of memory a unit, in which each property is the number of its name, a length and a value. Values of the types that
//! nearly all have are a byte for the type and the value itself, the others what they are on the wire.

use std::collections::HashMap;

use unit_parser::UnitName;
use zbus::wire::serialized::{Context, Data};
use zbus::wire::{NATIVE_ENDIAN, to_bytes};
use zbus::{OwnedVariant, Variant};

/// Number of a name, length of the value.
const HEAD: usize = 2 + 4;

const ENCODED: u8 = 0;
const U32: u8 = 1;
const U64: u8 = 2;
const I32: u8 = 3;
const BOOL: u8 = 4;
const STRING: u8 = 5;

/// Runtime properties, by unit.
#[derive(Debug, Default)]
pub struct RuntimeProperties {
    names: HashMap<Box<str>, u16>,
    units: HashMap<UnitName, Box<[u8]>>,
}

impl RuntimeProperties {
    /// Whether a worker told anything of a unit.
    #[must_use]
    pub fn has(&self, unit: &UnitName) -> bool {
        self.units.contains_key(unit)
    }

    /// The units of which something was told.
    pub fn units(&self) -> impl Iterator<Item = &UnitName> {
        self.units.keys()
    }

    /// One property of a unit.
    #[must_use]
    pub fn get(&self, unit: &UnitName, property: &str) -> Option<Variant<'static>> {
        let name = *self.names.get(property)?;
        let (_, value) = entries(self.units.get(unit)?).find(|(other, _)| *other == name)?;
        decode(value)
    }

    /// What a worker tells takes the place of what it told before of these properties.
    pub fn update(&mut self, unit: &UnitName, properties: HashMap<String, OwnedVariant>) {
        let mut block = Vec::new();
        let mut new = Vec::with_capacity(properties.len());
        for (name, value) in &properties {
            let Some(name) = self.name(name) else { continue };
            new.push(name);
            append(&mut block, name, |block| encode(block, value));
        }
        if let Some(old) = self.units.get(unit) {
            for (name, value) in entries(old).filter(|(name, _)| !new.contains(name)) {
                append(&mut block, name, |block| block.extend_from_slice(value));
            }
        }
        self.units.insert(unit.clone(), block.into_boxed_slice());
    }

    /// All that a worker has to tell of a unit.
    pub fn replace(&mut self, unit: &UnitName, properties: HashMap<String, OwnedVariant>) {
        self.units.remove(unit);
        self.update(unit, properties);
    }

    /// Forgets a unit.
    pub fn remove(&mut self, unit: &UnitName) {
        self.units.remove(unit);
    }

    /// The number of a name. No worker has thousands of them.
    fn name(&mut self, name: &str) -> Option<u16> {
        if let Some(number) = self.names.get(name) {
            return Some(*number);
        }
        let number = u16::try_from(self.names.len()).ok()?;
        self.names.insert(name.into(), number);
        Some(number)
    }
}

fn append(block: &mut Vec<u8>, name: u16, value: impl FnOnce(&mut Vec<u8>)) {
    let start = block.len();
    block.extend_from_slice(&name.to_ne_bytes());
    block.extend_from_slice(&[0; 4]);
    value(block);
    let length = u32::try_from(block.len() - start - HEAD).unwrap_or(0);
    if let Some(place) = block.get_mut(start + 2..start + HEAD) {
        place.copy_from_slice(&length.to_ne_bytes());
    }
}

fn entries(mut block: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (name, rest) = block.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (value, rest) = rest.split_at_checked(usize::try_from(u32::from_ne_bytes(*length)).ok()?)?;
        block = rest;
        Some((u16::from_ne_bytes(*name), value))
    })
}

fn context() -> Context {
    Context::new(NATIVE_ENDIAN, 0)
}

fn encode(block: &mut Vec<u8>, value: &OwnedVariant) {
    let mut simple = |kind, bytes: &[u8]| {
        block.push(kind);
        block.extend_from_slice(bytes);
    };
    match &**value {
        Variant::U32(number) => simple(U32, &number.to_ne_bytes()),
        Variant::U64(number) => simple(U64, &number.to_ne_bytes()),
        Variant::I32(number) => simple(I32, &number.to_ne_bytes()),
        Variant::Bool(yes) => simple(BOOL, &[u8::from(*yes)]),
        Variant::Str(text) => simple(STRING, text.as_bytes()),
        // What came over the wire can go there again.
        _ => simple(ENCODED, &to_bytes(context(), value).map(|data| data.bytes().to_vec()).unwrap_or_default()),
    }
}

fn decode(value: &[u8]) -> Option<Variant<'static>> {
    let (kind, bytes) = value.split_first()?;
    Some(match *kind {
        U32 => Variant::U32(u32::from_ne_bytes(bytes.try_into().ok()?)),
        U64 => Variant::U64(u64::from_ne_bytes(bytes.try_into().ok()?)),
        I32 => Variant::I32(i32::from_ne_bytes(bytes.try_into().ok()?)),
        BOOL => Variant::Bool(bytes == [1]),
        STRING => Variant::from(std::str::from_utf8(bytes).ok()?.to_owned()),
        _ => Data::new(bytes, context()).deserialize::<OwnedVariant>().ok()?.0.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(properties: Vec<(&str, Variant<'static>)>) -> HashMap<String, OwnedVariant> {
        let owned = properties.into_iter().map(|(name, value)| (name.to_owned(), value.try_to_owned().unwrap()));
        owned.collect()
    }

    #[test]
    fn values_come_back() {
        let unit = UnitName::parse("a.service").unwrap();
        let mut properties = RuntimeProperties::default();
        let all = vec![
            ("MainPID", Variant::U32(7)),
            ("NRestarts", Variant::U64(u64::MAX)),
            ("ExecMainStatus", Variant::I32(-1)),
            ("Yes", Variant::Bool(true)),
            ("No", Variant::Bool(false)),
            ("StatusText", Variant::from("läuft".to_owned())),
            ("Empty", Variant::from(String::new())),
            ("InvocationID", Variant::from(vec![1u8, 2])),
            ("ExecStart", Variant::from(vec![("/bin/true".to_owned(), vec!["true".to_owned()], 4u64)])),
            ("Byte", Variant::U8(9)),
        ];
        properties.update(&unit, told(all.clone()));
        for (name, value) in all {
            assert_eq!(properties.get(&unit, name), Some(value), "{name}");
        }
        assert_eq!(properties.get(&unit, "Other"), None);
    }

    #[test]
    fn what_is_not_told_stays() {
        let unit = UnitName::parse("a.service").unwrap();
        let other = UnitName::parse("b.service").unwrap();
        let mut properties = RuntimeProperties::default();
        properties.update(&unit, told(vec![("A", Variant::U32(1)), ("B", Variant::from("x".to_owned()))]));
        properties.update(&other, told(vec![("A", Variant::U32(5))]));
        properties.update(&unit, told(vec![("A", Variant::from("longer".to_owned()))]));
        assert_eq!(properties.get(&unit, "A"), Some(Variant::from("longer".to_owned())));
        assert_eq!(properties.get(&unit, "B"), Some(Variant::from("x".to_owned())));
        assert_eq!(properties.get(&other, "A"), Some(Variant::U32(5)));
        properties.replace(&unit, told(vec![("B", Variant::U32(2))]));
        assert_eq!((properties.get(&unit, "A"), properties.get(&unit, "B")), (None, Some(Variant::U32(2))));
        properties.remove(&unit);
        assert!(!properties.has(&unit) && properties.has(&other));
    }
}
