//! What files ask for: dependency directives and dependency directories.

use super::{Edges, Rule, Source};
use crate::table::{Kind, rows};
use crate::value::Value;

pub(super) fn add(edges: &mut Edges<'_>) {
    let unit = edges.unit;
    for setting in unit.settings() {
        let Kind::Units(kind) = setting.row.row().kind else { continue };
        // Sockets= means other edges than its kind alone: see implicit dependencies.
        if setting.row == rows::service::SOCKETS {
            continue;
        }
        let Value::Units(list) = &setting.value else { continue };
        for (name, origin) in list.names.iter().zip(&list.origins) {
            let source = edges.source(*origin, Rule::SliceOfUnit);
            edges.add(kind, name.clone(), source);
        }
    }
    for (number, link) in (0u32..).zip(&unit.links) {
        edges.add(link.kind, link.name.clone(), Source::Link(number));
    }
}
