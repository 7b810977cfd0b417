//! Limits of control groups: of services, and of the slices that they are in.

use std::collections::BTreeSet;

use exec_job::{Attribute, Devices};
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
        let devices = exec_job::devices(&service.unit);
        // The group may be that of an earlier run.
        let stale = std::mem::replace(&mut service.confined, devices.is_some());
        let mut complaints = write(root, group, exec_job::resource_attributes(&service.unit));
        complaints.extend(confine(group, devices, stale));
        complaints
    }

    /// What is said of a service that has no control group, once a run: that nothing limits it.
    pub(super) fn unlimited(&mut self, unit: &str) -> Vec<String> {
        let Some(service) = self.services.get_mut(unit) else { return Vec::new() };
        if service.limited == service.invocation {
            return Vec::new();
        }
        service.limited.clone_from(&service.invocation);
        let limits = exec_job::resource_attributes(&service.unit).into_iter().filter_map(|it| it.directive);
        let devices = exec_job::devices(&service.unit).and_then(|it| it.directive);
        let directives: BTreeSet<&str> = limits.chain(devices).collect();
        let line = |directive| format!("{directive}= has no effect: the service has no control group.");
        directives.into_iter().map(line).collect()
    }

    /// A new definition of a service that runs: what it changes of the limits counts at once.
    pub(super) fn change_limits(&mut self, unit: &str, old: &Unit) {
        let (Some(root), Some(service)) = (&self.host.cgroups, self.services.get_mut(unit)) else { return };
        let runs = !service.invocation.is_empty() && service.limited == service.invocation;
        let Some(group) = service.cgroup.as_ref().filter(|_| runs && !service.machine.state().is_down()) else {
            return;
        };
        let mut complaints = write(root, group, exec_job::resource_changes(old, &service.unit));
        complaints.extend(confine_again(group, old, &service.unit));
        service.confined = exec_job::devices(&service.unit).is_some();
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
        let (attributes, refused) = match self.slices.get(&name) {
            Some(old) => (exec_job::resource_changes(old, &slice), confine_again(&group, old, &slice)),
            // An earlier supervisor may have said something of its devices that no longer counts.
            None => (exec_job::resource_attributes(&slice), confine(&group, exec_job::devices(&slice), true)),
        };
        let mut complaints = write(root, &group, attributes);
        complaints.extend(refused);
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
    let there = group.controllers();
    let has = |controllers: &[String], attribute: &Attribute| controllers.iter().any(|it| it == attribute.controller);
    let all = attributes.iter().all(|attribute| has(&there, attribute));
    let available = if all { Vec::new() } else { root.controllers() };
    for attribute in attributes {
        let given = match has(&there, &attribute) {
            true => Ok(true),
            false if !has(&available, &attribute) => Ok(false),
            false => root.give(group, attribute.controller).map(|()| true),
        };
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

/// Says which devices may be used in a group; what there is to complain about. `stale`: something may have been said before.
fn confine(group: &Cgroup, devices: Option<Devices>, stale: bool) -> Vec<String> {
    if devices.is_none() && !stale {
        return Vec::new();
    }
    let Some(devices) = devices else {
        // Where it is refused nothing can have been said before.
        let _ = sys::bpf::allow_devices(group.path(), None);
        return Vec::new();
    };
    let mut complaints = devices.complaints;
    if let Err(error) = sys::bpf::allow_devices(group.path(), Some(&devices.rules)) {
        let directive = devices.directive.unwrap_or("PrivateDevices");
        complaints.push(format!(
            "{directive}= does not keep processes from devices: the kernel refuses the BPF program: {error}"
        ));
    }
    complaints
}

/// The same when a definition takes the place of another.
fn confine_again(group: &Cgroup, old: &Unit, new: &Unit) -> Vec<String> {
    let (old, new) = (exec_job::devices(old), exec_job::devices(new));
    if old == new { Vec::new() } else { confine(group, new, true) }
}
