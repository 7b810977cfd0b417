//! Where a unit's control group is: `system.slice/foo.service`, `system.slice/system-foo.slice/foo@x.service`
//! (systemd.slice(5)).

use unit_parser::{UnitName, escape};

/// Path below the manager's root. `slice` is `Slice=`, or empty for the default: `parent` (`system.slice`, `app.slice`), and
/// a slice of the template's own within it for instances.
pub fn of_unit(unit: &UnitName, slice: &str, parent: &str) -> String {
    let slice = match (slice, unit.instance()) {
        ("", Some(_)) => {
            let stem = parent.strip_suffix(".slice").unwrap_or(parent);
            // A dash in the prefix must not nest: slices nest at dashes.
            format!("{stem}-{}.slice", escape::escape(unit.prefix()))
        }
        ("", None) => parent.to_owned(),
        (slice, _) => slice.to_owned(),
    };
    let mut path = of_slice(&slice);
    if !path.is_empty() {
        path.push('/');
    }
    path.push_str(unit.as_str());
    path
}

/// `a-b.slice` is in `a.slice`; `-.slice` is the root.
pub fn of_slice(slice: &str) -> String {
    let stem = slice.strip_suffix(".slice").unwrap_or(slice);
    if stem == "-" {
        return String::new();
    }
    let mut parts = Vec::new();
    for (at, _) in stem.match_indices('-') {
        if let Some(above) = stem.get(..at).filter(|above| !above.is_empty()) {
            parts.push(format!("{above}.slice"));
        }
    }
    parts.push(slice.to_owned());
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let table = [
            ("a.service", "", "system.slice/a.service"),
            ("b.service", "one-two.slice", "one.slice/one-two.slice/b.service"),
            ("t@x.service", "", "system.slice/system-t.slice/t@x.service"),
            ("with-dash@x.service", "", "system.slice/system-with\\x2ddash.slice/with-dash@x.service"),
            ("c.service", "-.slice", "c.service"),
        ];
        for (unit, slice, want) in table {
            assert_eq!(of_unit(&UnitName::parse(unit).unwrap(), slice, "system.slice"), want);
        }
    }
}
