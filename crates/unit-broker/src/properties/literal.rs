//! D-Bus values from text, and the value that means nothing, by type.

use serde_json::Value as Json;
use zbus::{Array, Dict, ObjectPath, Signature, Structure, Variant};

/// The value of a type that says nothing: zero, the empty string, the empty list, the path `/`.
#[must_use]
pub fn zero(signature: &Signature) -> Variant<'static> {
    match signature {
        Signature::U8 => Variant::U8(0),
        Signature::Bool => Variant::Bool(false),
        Signature::I16 => Variant::I16(0),
        Signature::U16 => Variant::U16(0),
        Signature::I32 => Variant::I32(0),
        Signature::U32 | Signature::Fd => Variant::U32(0),
        Signature::I64 => Variant::I64(0),
        Signature::U64 => Variant::U64(0),
        Signature::F64 => Variant::F64(0.0),
        Signature::Str | Signature::Unit => Variant::Str("".into()),
        Signature::Signature => Variant::Signature(Signature::Unit),
        Signature::ObjectPath => Variant::ObjectPath(ObjectPath::from_static_str_unchecked("/")),
        Signature::Variant => Variant::Variant(Box::new(Variant::U8(0))),
        Signature::Array(element) => Variant::Array(Array::new(element.signature())),
        Signature::Dict { key, value } => Variant::Dict(Dict::new(key.signature(), value.signature())),
        Signature::Structure(fields) => structure(fields.iter().map(zero)),
    }
}

/// A value from JSON; `max` stands for [`u64::MAX`]. `None` when text and type don't fit.
#[must_use]
pub fn parse(text: &str, signature: &Signature) -> Option<Variant<'static>> {
    if text == "max" {
        return matches!(signature, Signature::U64).then_some(Variant::U64(u64::MAX));
    }
    from_json(&serde_json::from_str(text).ok()?, signature)
}

/// A value from JSON. `None` when it has another shape than the type.
#[must_use]
pub fn from_json(json: &Json, signature: &Signature) -> Option<Variant<'static>> {
    Some(match signature {
        Signature::U8 => Variant::U8(json.as_u64()?.try_into().ok()?),
        Signature::Bool => Variant::Bool(json.as_bool()?),
        Signature::I16 => Variant::I16(json.as_i64()?.try_into().ok()?),
        Signature::U16 => Variant::U16(json.as_u64()?.try_into().ok()?),
        Signature::I32 => Variant::I32(json.as_i64()?.try_into().ok()?),
        Signature::U32 => Variant::U32(json.as_u64()?.try_into().ok()?),
        Signature::I64 => Variant::I64(json.as_i64()?),
        Signature::U64 => Variant::U64(json.as_u64()?),
        Signature::F64 => Variant::F64(json.as_f64()?),
        Signature::Str => Variant::Str(json.as_str()?.to_owned().into()),
        Signature::ObjectPath => Variant::ObjectPath(ObjectPath::try_from(json.as_str()?.to_owned()).ok()?),
        Signature::Array(element) => {
            let mut array = Array::new(element.signature());
            for item in json.as_array()? {
                array.append(from_json(item, element.signature())?).ok()?;
            }
            Variant::Array(array)
        }
        Signature::Structure(fields) => {
            let items = json.as_array()?;
            if items.len() != fields.len() {
                return None;
            }
            let items: Option<Vec<_>> =
                items.iter().zip(fields.iter()).map(|(item, field)| from_json(item, field)).collect();
            structure(items?.into_iter())
        }
        Signature::Unit | Signature::Signature | Signature::Variant | Signature::Fd | Signature::Dict { .. } => {
            return None;
        }
    })
}

/// A structure of these fields; a byte when there are none, which D-Bus doesn't know.
pub fn structure(fields: impl Iterator<Item = Variant<'static>>) -> Variant<'static> {
    let mut builder = Structure::builder();
    for field in fields {
        builder.push_value(field);
    }
    builder.build().map_or(Variant::U8(0), Variant::Structure)
}

/// An array of strings.
pub fn strings<I, S>(items: I) -> Variant<'static>
where
    I: IntoIterator<Item = S>,
    S: Into<String>,
{
    let mut array = Array::new(&Signature::Str);
    for item in items {
        // Only a wrong type can fail here, and all are strings.
        let _ = array.append(Variant::Str(item.into().into()));
    }
    Variant::Array(array)
}

/// A string.
pub fn string(text: impl Into<String>) -> Variant<'static> {
    Variant::Str(text.into().into())
}

/// An object path; `/` when it is none.
pub fn path(text: impl Into<String>) -> Variant<'static> {
    Variant::ObjectPath(
        ObjectPath::try_from(text.into()).unwrap_or_else(|_| ObjectPath::from_static_str_unchecked("/")),
    )
}

/// An array of `element` with these items.
pub fn array(element: &Signature, items: impl IntoIterator<Item = Variant<'static>>) -> Variant<'static> {
    let mut array = Array::new(element);
    for item in items {
        if let Err(error) = array.append(item) {
            tracing::error!(%error, "an array with items of another type");
        }
    }
    Variant::Array(array)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_becomes_the_type_that_is_asked_for() {
        let signature = Signature::try_from("a(sasbt)").unwrap();
        let value = parse(r#"[["a",["b","c"],true,7]]"#, &signature).unwrap();
        assert_eq!(value.value_signature().to_string(), "a(sasbt)");
        assert!(parse(r#"[["a",["b"],7,7]]"#, &signature).is_none());
        assert_eq!(parse("max", &Signature::U64), Some(Variant::U64(u64::MAX)));
        assert_eq!(parse("max", &Signature::U32), None);
    }

    #[test]
    fn zeros_have_their_type() {
        for text in ["y", "b", "s", "as", "(uo)", "a(ss)", "a{sv}", "(bas)", "o", "d"] {
            let signature = Signature::try_from(text).unwrap();
            assert_eq!(zero(&signature).value_signature().to_string(), text);
        }
    }
}
