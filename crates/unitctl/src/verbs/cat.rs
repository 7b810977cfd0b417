//! `cat`: the files that make up a unit, each under its path.

use super::unit_names;
use crate::manager::{Manager, ManagerError};
use crate::value;

/// Prints fragment and drop-ins of units.
pub async fn cat(manager: &Manager, units: &[String]) -> Result<u8, ManagerError> {
    let mut code = 0;
    for unit in unit_names(units)? {
        let path = manager.load_unit(&unit).await?;
        let properties = manager.properties(Some(path.as_str())).await?;
        let fragment = properties.get("FragmentPath").map(|path| value::text(path)).unwrap_or_default();
        let drop_ins = value::json_of(&properties, "DropInPaths");
        let drop_ins = drop_ins.as_array().into_iter().flatten().filter_map(|path| path.as_str());
        let files: Vec<&str> =
            std::iter::once(fragment.as_str()).chain(drop_ins).filter(|path| !path.is_empty()).collect();
        if files.is_empty() {
            eprintln!("No files found for {unit}.");
            code = 1;
        }
        for file in files {
            match std::fs::read_to_string(file) {
                Ok(text) => println!("# {file}\n{text}"),
                Err(error) => {
                    eprintln!("{file}: {error}");
                    code = 1;
                }
            }
        }
    }
    Ok(code)
}
