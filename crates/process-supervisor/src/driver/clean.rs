//! `systemctl clean`: removing trees beside the event loop, on a thread that ends when nobody wants it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::watch::{self, Input, Task};
use super::{RequestError, Supervisor};
use crate::core::event::Event;

/// A removal under way; dropping it ends it soon.
#[derive(Debug)]
pub struct Cleaning {
    cancelled: Arc<AtomicBool>,
    _task: Task,
}

impl Drop for Cleaning {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

impl Supervisor {
    /// Begins to remove what a service that is down has left behind: `runtime`, `state`, `cache`, `logs`, `configuration`,
    /// `fdstore` (systemctl(1), clean).
    ///
    /// # Errors
    /// [`RequestError::Busy`] when it is up, or failed; when the definition is none.
    pub fn clean(
        &mut self,
        unit: &str,
        definition: String,
        what: Vec<String>,
        cause: String,
    ) -> Result<(), RequestError> {
        if self.services.get(unit).is_some_and(|service| !service.machine.may_clean()) {
            return Err(RequestError::Busy);
        }
        if definition.is_empty() {
            // Nobody knows a better one than we have.
            self.known(unit)?;
        } else {
            self.define_as(unit, definition)?;
        }
        self.feed(unit, Event::Clean { what, cause });
        Ok(())
    }

    /// Does it.
    pub(super) fn begin_clean(&mut self, unit: &str, what: &[String]) {
        let (mode, inputs, name) = (self.host.mode, self.inputs.clone(), unit.to_owned());
        let Some(service) = self.services.get_mut(unit) else { return };
        if what.iter().any(|word| word == "fdstore") {
            for (held, _) in std::mem::take(&mut service.store) {
                held.release(&self.host.runner);
            }
        }
        let directories = exec_job::cleanable_directories(&service.unit, mode, what);
        let cancelled = Arc::new(AtomicBool::new(false));
        let flag = cancelled.clone();
        let task = watch::task(async move {
            let removed = tokio::task::spawn_blocking(move || exec_job::clean(&directories, &flag)).await;
            let error = match removed {
                Ok(result) => result.err(),
                Err(error) => Some(error.to_string()),
            };
            let _ = inputs.send(Input::Cleaned { unit: name, error }).await;
        });
        service.cleaning = Some(Cleaning { cancelled, _task: task });
    }
}
