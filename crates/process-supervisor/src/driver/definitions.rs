//! Definitions of services: they come with a start or alone, and are on disk before they count.

use std::hash::BuildHasher;

use serde_json::value::{RawValue, to_raw_value};
use unit_parser::Unit;
use unit_parser::rows::cgroup as cgroup_rows;

use super::{RequestError, Service, Supervisor, actions, definition_key, notices_key};
use crate::core::definition::Definition;
use crate::core::machine::Machine;

impl Supervisor {
    /// A new definition. What runs goes on.
    pub fn define(&mut self, unit: Unit) {
        match to_raw_value(&unit) {
            Ok(text) => self.take_definition(unit, &text),
            Err(error) => tracing::error!(unit = unit.name.as_str(), "a definition that can't be written: {error}"),
        }
    }

    /// As [`Supervisor::define`], with the text that it was sent as.
    ///
    /// # Errors
    /// When the text is no definition of that unit.
    pub fn define_as(&mut self, name: &str, text: String) -> Result<(), RequestError> {
        let fingerprint = self.random.hash_one(text.as_str());
        if self.services.get(name).is_some_and(|service| service.definition == Some(fingerprint)) {
            return Ok(());
        }
        let wrong = |error: String| RequestError::Definition { unit: name.to_owned(), error };
        let mut unit: Unit = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        unit.compact(&mut self.names);
        if unit.name.as_str() != name {
            return Err(wrong(format!("it is of {}", unit.name)));
        }
        let text = RawValue::from_string(text).map_err(|error| wrong(error.to_string()))?;
        self.take_definition(unit, &text);
        Ok(())
    }

    pub(super) fn take_definition(&mut self, unit: Unit, text: &RawValue) {
        let name = unit.name.as_str().to_owned();
        let saved = self.host.state.save(&definition_key(&name), text);
        let fingerprint = self.random.hash_one(text.get());
        let definition = Definition::from_unit(&unit);
        let cgroup = self.host.cgroups.as_ref().map(|root| {
            let slice = unit.units(cgroup_rows::SLICE).first().map_or("", |slice| slice.as_str());
            let slice = if slice.is_empty() { unit.str(cgroup_rows::SLICE) } else { slice };
            root.cgroup(&exec_job::core::cgroup_path::of_unit(&unit.name, slice, self.host.default_slice()))
        });
        match self.services.get_mut(&name) {
            Some(service) => {
                service.pid_file.clone_from(&definition.pid_file);
                service.machine.redefine(definition);
                let old = std::mem::replace(&mut service.unit, unit);
                // The processes of a running service stay where they are; what is said of that counts at the next start.
                service.definition = None;
                if service.machine.state().is_down() {
                    service.definition = Some(fingerprint);
                    service.cgroup = cgroup;
                }
                self.change_limits(&name, &old);
            }
            None => {
                let mut service = Box::new(Service::new(unit, Machine::new(definition), cgroup));
                service.definition = Some(fingerprint);
                self.services.insert(name.clone(), service);
            }
        }
        if let Some(cgroup) = self.services.get(&name).and_then(|service| service.cgroup.as_ref()) {
            self.by_cgroup.insert(cgroup.path().to_owned(), name.clone());
        }
        if !saved {
            self.not_saved(&name);
        }
    }

    /// Drops a service that is down.
    ///
    /// # Errors
    /// When it is not down.
    pub fn forget(&mut self, unit: &str) -> Result<(), RequestError> {
        let Some(service) = self.services.get(unit) else { return Ok(()) };
        if !service.machine.state().is_down() || service.machine.spawning().is_some() {
            return Err(RequestError::State { unit: unit.to_owned(), sub: service.machine.state().sub() });
        }
        if let Some(service) = self.services.remove(unit) {
            if let Some(at) = service.armed {
                self.deadlines.remove(&(at, unit.to_owned()));
            }
            if let Some(cgroup) = &service.cgroup {
                self.by_cgroup.remove(cgroup.path());
                actions::remove_left(cgroup.clone());
            }
            for held in service.fds.into_iter().chain(service.store.into_iter().map(|(held, _)| held)) {
                held.release(&self.host.runner);
            }
        }
        self.host.state.remove(unit);
        self.host.state.remove(&definition_key(unit));
        self.host.state.remove(&notices_key(unit));
        Ok(())
    }
}
