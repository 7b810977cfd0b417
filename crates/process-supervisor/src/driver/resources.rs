//! Limits of a service's control group.

use std::collections::BTreeSet;

use exec_job::Attribute;
use sys::cgroup::{Cgroup, CgroupRoot};
use unit_parser::Unit;

use super::Supervisor;

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
        let (before, now) = (exec_job::resource_attributes(old), exec_job::resource_attributes(&service.unit));
        for complaint in write(root, group, Attribute::changes(&before, now)) {
            tracing::warn!(unit, "{complaint}");
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
