//! Text to typed values.

use crate::table::Row;
use crate::value::Value;

/// A row's default as a value.
pub(crate) fn default_value(_row: &Row) -> Value {
    Value::Unset
}
