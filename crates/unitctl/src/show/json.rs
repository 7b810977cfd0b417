//! Values as JSON.

use serde_json::Value as Json;
use zbus::Variant;

/// Numbers, strings, truth values, arrays (structures too) and objects; byte arrays are arrays of numbers.
pub fn json(value: &Variant<'_>) -> Json {
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
        Variant::Str(text) => Json::from(text.as_str()),
        Variant::ObjectPath(path) => Json::from(path.as_str()),
        Variant::Signature(signature) => Json::from(signature.to_string()),
        Variant::Variant(inner) => json(inner),
        Variant::Array(array) => array.inner().iter().map(json).collect(),
        Variant::Structure(structure) => structure.fields().iter().map(json).collect(),
        Variant::Dict(dict) => {
            Json::Object(dict.iter().map(|(key, value)| (super::scalar::text("", key), json(value))).collect())
        }
        Variant::Fd(_) => Json::Null,
    }
}
