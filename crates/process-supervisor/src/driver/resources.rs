//! Limits of control groups: of services, and of the slices that they are in.

use std::collections::BTreeSet;

use exec_job::Attribute;
use sys::cgroup::{Cgroup, CgroupRoot};
use unit_parser::Unit;

use super::Supervisor;
use crate::core::action::Level;

impl Supervisor {
    /// Writes what the service may take, once a run; what there is to complain about. Nothing of it fails a start, as in systemd.
    pub(super) fn limit(&mut self, unit: &str, group: &Cgroup) -> Vec<String> {
        let (Some(root), Some(service)) = (&self.host.cgroups, self.services.get_mut(unit)) else { return Vec::new() };
        if service.limited == service.invocation {
            return Vec::new();
        }
        service.limited.clone_from(&service.invocation);
        write(root, group, exec_job::resource_attributes(&service.unit))
    }

    /// A new definition of a service that runs: what it changes of the limits counts at once.
    pub(super) fn change_limits(&mut self, unit: &str, old: &Unit) {
        let (Some(root), Some(service)) = (&self.host.cgroups, self.services.get(unit)) else { return };
        let runs = !service.invocation.is_empty() && service.limited == service.invocation;
        let Some(group) = service.cgroup.as_ref().filter(|_| runs && !service.machine.state().is_down()) else {
            return;
        };
        let complaints = write(root, group, exec_job::resource_changes(old, &service.unit));
        for text in complaints {
            self.log(unit, Level::Warning, text);
        }
    }

    /// A slice is up with this definition, or has another one: its control group is there, with its limits. That of the root
    /// slice is whoever's who gave it to us: its limits are not ours to set, and systemd leaves them alone as well.
    pub fn slice(&mut self, slice: Unit) {
        let Some(root) = &self.host.cgroups else { return };
        let name = slice.name.as_str().to_owned();
        let path = exec_job::core::cgroup_path::of_slice(&name);
        if path.is_empty() {
            return;
        }
        let group = root.cgroup(&path);
        if let Err(error) = group.create() {
            self.log(&name, Level::Warning, format!("No control group: {}: {error}", group.path().display()));
            return;
        }
        let attributes = match self.slices.get(&name) {
            Some(old) => exec_job::resource_changes(old, &slice),
            None => exec_job::resource_attributes(&slice),
        };
        let complaints = write(root, &group, attributes);
        self.slices.insert(name.clone(), slice);
        for text in complaints {
            self.log(&name, Level::Warning, text);
        }
    }

    /// A slice is down: its control group goes, unless somebody is still in it.
    pub fn slice_down(&mut self, name: &str) {
        self.slices.remove(name);
        let Some(root) = &self.host.cgroups else { return };
        let path = exec_job::core::cgroup_path::of_slice(name);
        // One that is not empty has units that nobody told of, or is not ours.
        if !path.is_empty() {
            let _ = std::fs::remove_dir(root.cgroup(&path).path());
        }
    }
}

/// Writes attributes; what there is to complain about.
fn write(root: &CgroupRoot, group: &Cgroup, attributes: Vec<Attribute>) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut missing: BTreeSet<(&str, &str)> = BTreeSet::new();
    let available = root.controllers();
    for attribute in attributes {
        let known = available.iter().any(|controller| controller == attribute.controller);
        let given = if known { root.give(group, attribute.controller) } else { Ok(false) };
        let written = given.and_then(|given| match attribute.file {
            _ if !given => Ok(false),
            "" => Ok(true),
            file => group.set(file, &attribute.value).map(|()| true),
        });
        match (written, attribute.directive) {
            (Ok(true), _) | (_, None) => {}
            (Ok(false), Some(directive)) => {
                missing.insert((directive, attribute.controller));
            }
            (Err(error), Some(directive)) => {
                complaints.push(format!("{directive}= has no effect: {}: {error}", attribute.controller));
            }
        }
    }
    for (directive, controller) in missing {
        complaints.push(format!("{directive}= has no effect: there is no {controller} controller for control groups."));
    }
    complaints
}
