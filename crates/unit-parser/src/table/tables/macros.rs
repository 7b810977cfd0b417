//! The form of a table. A row reads
//! `KEY "Name" kind, "default", ["Property" "signature", ...], repeatable, status, since, "documentation";`

/// A `repeatable` column that reads better than a boolean.
pub(super) const ONCE: bool = false;
/// Several assignments add up.
pub(super) const MANY: bool = true;

macro_rules! table {
    (
        $table:ident, section $section:literal, interface $interface:literal;
        $($key:ident $name:literal $kind:expr, $default:literal,
          [$($property:literal $signature:literal),*], $repeatable:ident, $status:expr, $since:literal,
          $doc:literal;)*
    ) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        #[repr(u16)]
        enum Index { $($key,)* }

        $(
            #[doc = concat!("`", $name, "=`: ", $doc)]
            pub const $key: $crate::table::RowId =
                $crate::table::RowId::new($crate::table::Table::$table, Index::$key as u16);
        )*

        pub(in crate::table) static ROWS: &[$crate::table::Row] = &[$(
            $crate::table::Row {
                section: $section,
                name: $name,
                kind: $kind,
                default: $default,
                properties: &[$(
                    $crate::table::Property { interface: $interface, name: $property, signature: $signature },
                )*],
                repeatable: $repeatable,
                status: $status,
                since: $since,
                doc: $doc,
            },
        )*];
    };
}
