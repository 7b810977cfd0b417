//! Mounted file systems (systemd.mount(5)): they come and go by themselves, as the kernel's table lists them.
//!
//! dead --mounted--> active --unmounted--> dead. Nothing here mounts or unmounts yet.

use std::collections::BTreeSet;

use unit_parser::{LoadState, UnitName, UnitType};

use crate::core::api::types::ActiveState;
use crate::core::engine::{Cx, Engine};
use crate::core::states::change::Reached;

impl Engine {
    /// All units that the table has a file system for: the others aren't mounted (any more).
    pub(in crate::core) fn mounts(&mut self, cx: &mut Cx, mounted: Vec<UnitName>) {
        let mounted: BTreeSet<UnitName> = mounted.into_iter().collect();
        for id in self.graph.ids() {
            let record = &self.graph[id];
            let gone = record.name.unit_type() == UnitType::Mount
                && record.active == ActiveState::Active
                && !record.perpetual
                && !mounted.contains(&record.name);
            if gone {
                let mut reached = Reached::own(ActiveState::Inactive, "dead");
                reached.cause = "not mounted any more".to_owned();
                self.reached(cx, id, reached);
                self.gc.insert(id);
            }
        }
        for name in mounted {
            let mut id = self.load(cx, &name);
            if self.graph[id].load_state == LoadState::NotFound {
                // Something had mentioned it before it was there.
                self.reload_units(cx, vec![id]);
                id = self.load(cx, &name);
            }
            if self.graph[id].active == ActiveState::Active {
                continue;
            }
            let mut reached = Reached::own(ActiveState::Active, "mounted");
            reached.cause = "mounted".to_owned();
            self.reached(cx, id, reached);
            self.order_after_mount(cx, &name);
        }
    }
}
