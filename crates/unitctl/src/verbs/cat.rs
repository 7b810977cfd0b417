//! `cat`: the files that make up a unit, each under its path.

use super::names::expand;
use crate::manager::{Manager, ManagerError};

/// Prints fragment and drop-ins of units.
pub async fn cat(manager: &Manager, units: &[String]) -> Result<u8, ManagerError> {
    let mut code = 0;
    let mut first = true;
    for unit in expand(manager, units).await? {
        let properties = manager.unit(&unit).await?;
        let fragment = std::iter::once(properties.text("FragmentPath"));
        let files: Vec<&str> = fragment.chain(properties.list("DropInPaths")).filter(|path| !path.is_empty()).collect();
        if files.is_empty() {
            eprintln!("No files found for {unit}.");
            code = 1;
        }
        if properties.truth("NeedDaemonReload") {
            eprintln!("Warning: the files of {unit} changed on disk. Run `unitctl daemon-reload` to load them.");
        }
        for file in files {
            if !std::mem::take(&mut first) {
                println!();
            }
            match std::fs::read(file) {
                Ok(text) => print!("# {file}\n{}", String::from_utf8_lossy(&text)),
                Err(error) => {
                    eprintln!("{file}: {error}");
                    code = 1;
                }
            }
        }
    }
    Ok(code)
}
