//! `list-dependencies`: what a unit pulls in (or what pulls it in), as a tree.

use std::collections::BTreeSet;

use super::unit_name;
use crate::cli::OutputArgs;
use crate::manager::{Manager, ManagerError};
use crate::output::dot;
use crate::value;

/// Properties that pull units in.
const FORWARD: [&str; 6] = ["Requires", "Requisite", "Wants", "ConsistsOf", "BindsTo", "Upholds"];
/// Their inverses.
const REVERSE: [&str; 6] = ["RequiredBy", "RequisiteOf", "WantedBy", "PartOf", "BoundBy", "UpheldBy"];

/// Prints the tree of each unit (`default.target` when none is named). Targets are followed, other units only with `--all`.
pub async fn tree(manager: &Manager, options: &OutputArgs, units: &[String]) -> Result<u8, ManagerError> {
    let default = ["default.target".to_owned()];
    for unit in if units.is_empty() { &default[..] } else { units } {
        let unit = unit_name(unit)?;
        println!("{unit}");
        let mut lines = Vec::new();
        let mut seen = BTreeSet::from([unit.clone()]);
        // A stack instead of recursion: (unit, depth), deepest last.
        let mut stack: Vec<(String, usize)> =
            children(manager, options, &unit).await?.into_iter().rev().map(|child| (child, 1)).collect();
        while let Some((name, depth)) = stack.pop() {
            let path = manager.load_unit(&name).await?;
            let properties = manager.properties(Some(path.as_str())).await?;
            let active = properties.get("ActiveState").map(|state| value::text(state)).unwrap_or_default();
            lines.push(format!("{} {}{name}", dot(&active), "  ".repeat(depth)));
            if seen.insert(name.clone()) && (options.all || name.ends_with(".target")) {
                let next = children(manager, options, &name).await?;
                stack.extend(next.into_iter().rev().map(|child| (child, depth + 1)));
            }
        }
        lines.iter().for_each(|line| println!("{line}"));
    }
    Ok(0)
}

async fn children(manager: &Manager, options: &OutputArgs, unit: &str) -> Result<BTreeSet<String>, ManagerError> {
    let path = manager.load_unit(unit).await?;
    let properties = manager.properties(Some(path.as_str())).await?;
    let kinds = if options.reverse { REVERSE } else { FORWARD };
    let lists = kinds.iter().map(|kind| value::json_of(&properties, kind));
    Ok(lists
        .flat_map(|list| list.as_array().cloned().unwrap_or_default())
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect())
}
