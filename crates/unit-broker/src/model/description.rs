//! What a unit is called where its files don't say.

use std::borrow::Cow;

use unit_parser::{LoadState, UnitName, UnitType, rows};

use super::Model;
use crate::core::UnitView;

impl Model {
    /// `Description`: the setting, what the device says of itself, or what systemd makes of the name. A service that serves
    /// one accepted connection has the peer's address in it.
    #[must_use]
    pub fn description<'a>(&'a self, view: &UnitView<'a>) -> Cow<'a, str> {
        let set = view.definition.is_set(rows::unit::DESCRIPTION);
        if let Some(peer) = self.peers.get(view.name) {
            return Cow::Owned(if set { format!("{} ({peer})", view.description) } else { peer.clone() });
        }
        let named = view.description == view.name.as_str();
        if set || !named || view.load_state != LoadState::Loaded {
            return Cow::Borrowed(view.description);
        }
        of_name(view.name).map_or(Cow::Borrowed(view.description), Cow::Owned)
    }
}

fn of_name(name: &UnitName) -> Option<String> {
    match (name.as_str(), name.unit_type()) {
        ("-.slice", _) => Some("Root Slice".to_owned()),
        ("system.slice", _) => Some("System Slice".to_owned()),
        ("init.scope", _) => Some("System and Service Manager".to_owned()),
        ("-.mount", _) => Some("Root Mount".to_owned()),
        (_, UnitType::Slice) => {
            // a-b\x2dc.slice: the dashes are the tree, escapes are part of a name.
            let stem = unit_parser::escape::unescape(&name.prefix().replace('-', "/"));
            Some(format!("Slice /{}", stem.unwrap_or_else(|_| name.prefix().to_owned())))
        }
        (_, UnitType::Device | UnitType::Mount | UnitType::Automount | UnitType::Swap) => name.to_path(),
        (
            _,
            UnitType::Service
            | UnitType::Socket
            | UnitType::Target
            | UnitType::Timer
            | UnitType::Path
            | UnitType::Scope,
        ) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_descriptions() {
        for (name, expected) in [
            ("one-two.slice", Some("Slice /one/two")),
            ("-.slice", Some("Root Slice")),
            ("sys-nix.device", Some("/sys/nix")),
            ("srv-a\\x2db.mount", Some("/srv/a-b")),
            ("a.service", None),
        ] {
            assert_eq!(of_name(&UnitName::parse(name).unwrap()).as_deref(), expected);
        }
    }
}
