//! `show`: properties as `NAME=VALUE` lines or JSON.

use super::unit_names;
use crate::cli::OutputArgs;
use crate::manager::{Manager, ManagerError, Properties};
use crate::value;

/// Properties of units, or of the manager when none is named.
pub async fn show(manager: &Manager, options: &OutputArgs, units: &[String]) -> Result<u8, ManagerError> {
    if units.is_empty() {
        print(options, &manager.properties(None).await?);
    }
    for (index, unit) in unit_names(units)?.iter().enumerate() {
        let path = manager.load_unit(unit).await?;
        if index > 0 && !options.json {
            println!();
        }
        print(options, &manager.properties(Some(path.as_str())).await?);
    }
    Ok(0)
}

fn print(options: &OutputArgs, properties: &Properties) {
    let wanted = |name: &String| options.properties.is_empty() || options.properties.contains(name);
    if options.json {
        let object: serde_json::Map<_, _> = properties
            .iter()
            .filter(|(name, _)| wanted(name))
            .map(|(name, value)| (name.clone(), value::json(value)))
            .collect();
        println!("{}", serde_json::Value::Object(object));
        return;
    }
    for (name, value) in properties.iter().filter(|(name, _)| wanted(name)) {
        let text = value::text(value);
        if options.value {
            println!("{text}");
        } else {
            println!("{name}={text}");
        }
    }
}
