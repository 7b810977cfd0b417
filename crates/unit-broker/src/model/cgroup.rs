//! Control groups of units, as far as the broker reads them itself.

use std::path::PathBuf;

use unit_parser::{UnitName, UnitType};

use super::Model;
use crate::core::UnitView;
use crate::properties::kinds::slice_path;

impl Model {
    /// Directory of a unit's control group, whether it exists or not; `None` without control groups.
    #[must_use]
    pub fn cgroup_directory(&self, unit: &UnitName) -> Option<PathBuf> {
        let root = self.facts.cgroup_root.as_ref()?;
        let relative = match unit.unit_type() {
            UnitType::Slice => slice_path(unit.as_str()),
            UnitType::Scope => {
                let view = self.engine.unit(unit)?;
                format!("{}/{unit}", view.slice.map(|slice| slice_path(slice.as_str())).unwrap_or_default())
            }
            UnitType::Service
            | UnitType::Socket
            | UnitType::Target
            | UnitType::Device
            | UnitType::Mount
            | UnitType::Automount
            | UnitType::Swap
            | UnitType::Timer
            | UnitType::Path => {
                let told = self.runtime_string(unit, "ControlGroup").unwrap_or_default();
                let told = told.strip_prefix(self.facts.cgroup_prefix.as_str()).unwrap_or(&told);
                if told.is_empty() {
                    return None;
                }
                told.to_owned()
            }
        };
        Some(root.join(relative.trim_start_matches('/')))
    }

    /// Where the control group of a unit is that is down, if anything is left of it.
    #[must_use]
    pub fn left_cgroup_directory(&self, unit: &UnitName) -> Option<PathBuf> {
        let root = self.facts.cgroup_root.as_ref()?;
        let slice = self.engine.unit(unit)?.slice.map(|slice| slice_path(slice.as_str())).unwrap_or_default();
        let directory = root.join(slice.trim_start_matches('/')).join(unit.as_str());
        directory.exists().then_some(directory)
    }

    /// `FreezerState`: what the kernel says of the unit's control group.
    #[must_use]
    pub fn freezer_state(&self, view: &UnitView<'_>) -> &'static str {
        let kind = matches!(view.name.unit_type(), UnitType::Service | UnitType::Slice | UnitType::Scope);
        let directory = if kind && !view.active.is_down() { self.cgroup_directory(view.name) } else { None };
        let Some(directory) = directory else { return "running" };
        let events = std::fs::read_to_string(directory.join("cgroup.events")).unwrap_or_default();
        if events.lines().any(|line| line == "frozen 1") { "frozen" } else { "running" }
    }
}
