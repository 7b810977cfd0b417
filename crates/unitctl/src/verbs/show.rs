//! `show`: properties as `NAME=VALUE` lines or JSON.

use super::names::expand;
use crate::cli::OutputArgs;
use crate::manager::{Manager, ManagerError};
use crate::properties::Properties;
use crate::show::{json, lines};

/// Properties of units, or of the manager when none is named.
pub async fn show(manager: &Manager, options: &OutputArgs, units: &[String]) -> Result<u8, ManagerError> {
    if units.is_empty() {
        print(options, &manager.properties(None).await?);
    }
    for (index, unit) in expand(manager, units).await?.iter().enumerate() {
        let properties = manager.unit(unit).await?;
        if index > 0 && !options.json {
            println!();
        }
        print(options, &properties);
    }
    Ok(0)
}

fn print(options: &OutputArgs, properties: &Properties) {
    let wanted = |name: &str| options.properties.is_empty() || options.properties.iter().any(|want| want == name);
    let chosen = properties.iter().filter(|(name, _)| wanted(name));
    if options.json {
        let object: serde_json::Map<_, _> = chosen.map(|(name, value)| (name.to_owned(), json(value))).collect();
        println!("{}", serde_json::Value::Object(object));
        return;
    }
    for (name, value) in chosen {
        let prefix = if options.value { String::new() } else { format!("{name}=") };
        match lines(name, value) {
            Some(lines) => lines.iter().for_each(|line| println!("{prefix}{line}")),
            // Asked for by name, an empty value is an answer too.
            None if options.all || !options.properties.is_empty() => println!("{prefix}"),
            None => {}
        }
    }
}
