//! What is on disk of services, and what becomes of it when the disk doesn't take it.

use super::{RETRY_SAVE, Supervisor, definition_key, notices_key};
use crate::core::action::Level;

impl Supervisor {
    /// Writes down where a service is. Where that fails (a full disk) the service goes on and is told of it: not to start
    /// what is wanted would be worse than to be unable to outlive a crash. It is tried again until it works.
    pub(super) fn save(&mut self, unit: &str) {
        let Some(service) = self.services.get(unit) else { return };
        let mut batch = self.host.state.batch();
        batch.save(unit, &service.saved());
        if self.remarked.remove(unit) {
            batch.save(&notices_key(unit), &service.notices);
        }
        if batch.commit() {
            if self.unsaved.remove(unit) {
                self.log(unit, Level::Info, "State can be saved again.".into());
            }
        } else {
            self.not_saved(unit);
        }
    }

    pub(super) fn not_saved(&mut self, unit: &str) {
        self.retry_save = Some(self.host.now().monotonic.saturating_add(RETRY_SAVE));
        if self.unsaved.insert(unit.to_owned()) {
            let text = "State cannot be saved: if the supervisor died now, the service would not be found again.";
            self.log(unit, Level::Warning, text.into());
        }
    }

    pub(super) fn save_again(&mut self) {
        self.retry_save = None;
        for unit in self.unsaved.clone() {
            match self.services.get(&unit) {
                Some(service) => {
                    self.host.state.save(&definition_key(&unit), &service.unit);
                    self.save(&unit);
                }
                None => {
                    self.unsaved.remove(&unit);
                }
            }
        }
    }
}
