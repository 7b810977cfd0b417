//! What people type for a unit: names without suffix, paths, shell patterns.

use unit_parser::UnitName;

use crate::manager::{Manager, ManagerError};

/// A unit name: `.service` is added when there is no suffix, a path becomes a mount or device name.
pub fn unit_name(text: &str) -> Result<UnitName, ManagerError> {
    UnitName::mangle(text).map_err(|error| ManagerError::Arguments(format!("{text}: {error}")))
}

/// Whether this is a pattern rather than a name.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Names as they are, patterns as the loaded units that they match; sorted by pattern, then as the broker lists them.
pub async fn expand(manager: &Manager, units: &[String]) -> Result<Vec<UnitName>, ManagerError> {
    let mut names = Vec::new();
    for unit in units {
        if !is_pattern(unit) {
            names.push(unit_name(unit)?);
            continue;
        }
        let pattern = if unit.contains('.') { unit.clone() } else { format!("{unit}.service") };
        let rows = manager.matching(&[pattern]).await?;
        let mut found: Vec<UnitName> = rows.iter().filter_map(|row| UnitName::parse(&row.name).ok()).collect();
        found.sort();
        names.extend(found);
    }
    Ok(names)
}

/// Names of unit files: patterns make no sense, paths stay paths.
pub fn files(units: &[String]) -> Result<Vec<String>, ManagerError> {
    let file = |unit: &String| {
        if unit.contains('/') {
            let path =
                std::path::absolute(unit).map_err(|error| ManagerError::Arguments(format!("{unit}: {error}")))?;
            return Ok(path.to_string_lossy().into_owned());
        }
        unit_name(unit).map(|name| name.to_string())
    };
    units.iter().map(file).collect()
}
