//! D-Bus values as text and as JSON.

use zbus::Variant;

/// Text in the manner of `systemctl show`: booleans as yes/no, arrays with blanks between, structures in braces.
pub fn text(value: &Variant<'_>) -> String {
    match value {
        Variant::U8(number) => number.to_string(),
        Variant::Bool(true) => "yes".to_owned(),
        Variant::Bool(false) => "no".to_owned(),
        Variant::I16(number) => number.to_string(),
        Variant::U16(number) => number.to_string(),
        Variant::I32(number) => number.to_string(),
        Variant::U32(number) => number.to_string(),
        Variant::I64(number) => number.to_string(),
        Variant::U64(u64::MAX) => "infinity".to_owned(),
        Variant::U64(number) => number.to_string(),
        Variant::F64(number) => number.to_string(),
        Variant::Str(string) => string.to_string(),
        Variant::Signature(signature) => signature.to_string(),
        Variant::ObjectPath(path) => path.to_string(),
        Variant::Variant(inner) => text(inner),
        Variant::Array(array) => array.iter().map(text).collect::<Vec<_>>().join(" "),
        Variant::Dict(dict) => {
            dict.iter().map(|(key, value)| format!("{}={}", text(key), text(value))).collect::<Vec<_>>().join(" ")
        }
        Variant::Structure(structure) => {
            format!("{{ {} }}", structure.fields().iter().map(text).collect::<Vec<_>>().join(" ; "))
        }
        Variant::Fd(_) => "(descriptor)".to_owned(),
    }
}

/// JSON with D-Bus's own types; numbers that JSON cannot hold exactly stay numbers, as in `busctl --json`.
pub fn json(value: &Variant<'_>) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Variant::U8(number) => Json::from(*number),
        Variant::Bool(truth) => Json::from(*truth),
        Variant::I16(number) => Json::from(*number),
        Variant::U16(number) => Json::from(*number),
        Variant::I32(number) => Json::from(*number),
        Variant::U32(number) => Json::from(*number),
        Variant::I64(number) => Json::from(*number),
        Variant::U64(number) => Json::from(*number),
        Variant::F64(number) => Json::from(*number),
        Variant::Variant(inner) => json(inner),
        Variant::Array(array) => array.iter().map(json).collect(),
        Variant::Structure(structure) => structure.fields().iter().map(json).collect(),
        Variant::Dict(dict) => Json::Object(dict.iter().map(|(key, value)| (text(key), json(value))).collect()),
        Variant::Str(_) | Variant::Signature(_) | Variant::ObjectPath(_) | Variant::Fd(_) => Json::from(text(value)),
    }
}

/// A property as JSON; null when it is not there.
pub fn json_of(properties: &crate::manager::Properties, name: &str) -> serde_json::Value {
    properties.get(name).map(|value| json(value)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_in_systemctl_show() {
        let table = [
            (Variant::from(true), "yes"),
            (Variant::from(u64::MAX), "infinity"),
            (Variant::from(vec!["a", "b"]), "a b"),
            (Variant::from((1u32, "x")), "{ 1 ; x }"),
        ];
        for (value, expected) in table {
            assert_eq!(text(&value), expected);
        }
    }
}
