//! Limits of a service's control group.

use std::collections::BTreeSet;

use sys::cgroup::Cgroup;

use super::Supervisor;

impl Supervisor {
    /// Writes what the service may take, once a run; what there is to complain about. Nothing of it fails a start, as in systemd.
    pub(super) fn limit(&mut self, unit: &str, group: &Cgroup) -> Vec<String> {
        let (Some(root), Some(service)) = (&self.host.cgroups, self.services.get_mut(unit)) else { return Vec::new() };
        if service.limited == service.invocation {
            return Vec::new();
        }
        service.limited.clone_from(&service.invocation);
        let mut complaints = Vec::new();
        let mut missing: BTreeSet<(&str, &str)> = BTreeSet::new();
        let available = root.controllers();
        for attribute in exec_job::resource_attributes(&service.unit) {
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
            complaints
                .push(format!("{directive}= has no effect: there is no {controller} controller for control groups."));
        }
        complaints
    }
}
