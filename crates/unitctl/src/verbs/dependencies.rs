//! `list-dependencies`: what a unit pulls in (or what pulls it in, or its order), as a tree.

use std::collections::{BTreeMap, BTreeSet};

use unit_parser::UnitName;

use super::names::expand;
use crate::cli::OutputArgs;
use crate::manager::{Manager, ManagerError};
use crate::output::dot;

/// Properties that pull units in.
const FORWARD: &[&str] = &["Requires", "Requisite", "Wants", "ConsistsOf", "BindsTo", "Upholds"];
/// Their inverses.
const REVERSE: &[&str] = &["RequiredBy", "RequisiteOf", "WantedBy", "PartOf", "BoundBy", "UpheldBy"];

/// What was asked of one unit.
#[derive(Debug, Clone)]
struct Node {
    active: String,
    /// Targets last, which have most below them.
    others: Vec<String>,
}

/// Prints the tree of each unit (`default.target` when none is named). Targets are followed, other units only with `--all`.
pub async fn print(manager: &Manager, options: &OutputArgs, units: &[String]) -> Result<u8, ManagerError> {
    let default = ["default.target".to_owned()];
    let kinds = match (options.reverse, options.after, options.before) {
        (true, _, _) => REVERSE,
        (false, true, _) => &["After"],
        (false, false, true) => &["Before"],
        (false, false, false) => FORWARD,
    };
    let mut known: BTreeMap<String, Node> = BTreeMap::new();
    for unit in expand(manager, if units.is_empty() { &default } else { units }).await? {
        println!("{unit}");
        // Units on the way down from the root are not followed again: order can go in circles.
        let mut path: Vec<(Vec<String>, usize)> = Vec::new();
        let mut above: Vec<String> = vec![unit.to_string()];
        let root = node(manager, kinds, unit.as_str(), &mut known).await?;
        path.push((root.others, 0));
        let mut printed = BTreeSet::new();
        while let Some((others, next)) = path.last_mut() {
            let Some(name) = others.get(*next).cloned() else {
                path.pop();
                above.pop();
                continue;
            };
            *next += 1;
            let depth = path.len();
            let found = node(manager, kinds, &name, &mut known).await?;
            if options.plain {
                println!("{}{name}", "  ".repeat(depth));
            } else {
                let trunk: String = path
                    .iter()
                    .enumerate()
                    .map(|(level, (others, next))| match (level + 1 == depth, *next < others.len()) {
                        (true, true) => "├─",
                        (true, false) => "└─",
                        (false, true) => "│ ",
                        (false, false) => "  ",
                    })
                    .collect();
                println!("{} {trunk}{name}", dot(&found.active));
            }
            // Without `--all` only targets are opened, and each only once.
            let open = if options.all {
                !above.contains(&name)
            } else {
                name.ends_with(".target") && printed.insert(name.clone())
            };
            if open {
                above.push(name);
                path.push((found.others, 0));
            }
        }
    }
    Ok(0)
}

async fn node(
    manager: &Manager,
    kinds: &[&str],
    name: &str,
    known: &mut BTreeMap<String, Node>,
) -> Result<Node, ManagerError> {
    if let Some(node) = known.get(name) {
        return Ok(node.clone());
    }
    let unit = UnitName::parse(name).map_err(|error| ManagerError::Reply(error.to_string()))?;
    let properties = manager.unit(&unit).await?;
    let others: BTreeSet<&str> = kinds.iter().flat_map(|kind| properties.list(kind)).collect();
    let mut others: Vec<String> = others.into_iter().map(str::to_owned).collect();
    others.sort_by_key(|name| name.ends_with(".target"));
    let node = Node { active: properties.text("ActiveState").to_owned(), others };
    known.insert(name.to_owned(), node.clone());
    Ok(node)
}
