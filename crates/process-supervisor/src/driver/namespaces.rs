//! `PrivateTmp=` and `JoinsNamespaceOf=`: whose directories a run has.

use sys::executor::PrivateTmp;
use unit_parser::Unit;
use unit_parser::rows::{exec, unit as rows};

use super::Supervisor;
use crate::core::action::Level;

impl Supervisor {
    /// A start begins: its own private /tmp, or that of a service which is up and joined with it, whichever names the other.
    pub(super) fn choose_private_tmp(&mut self, unit: &str) {
        let Some(service) = self.services.get(unit) else { return };
        let own = exec_job::private_tmp(&service.unit, &self.host.boot_id, &service.invocation);
        let mut joined = self
            .services
            .values()
            .filter(|other| joins(&service.unit, &other.unit) || joins(&other.unit, &service.unit));
        let shared = own.as_ref().and_then(|_| joined.clone().find_map(|other| other.private_tmp.clone()));
        let apart = [exec::PRIVATE_NETWORK, exec::PRIVATE_IPC].into_iter().find(|row| {
            service.unit.bool(*row) && joined.any(|other| other.unit.bool(*row) && !other.machine.state().is_down())
        });
        if let Some(service) = self.services.get_mut(unit) {
            service.private_tmp = shared.or(own);
        }
        if let Some(row) = apart {
            let name = unit_parser::row(row).name;
            self.log(
                unit,
                Level::Warning,
                format!("JoinsNamespaceOf= shares /tmp only: {name}=yes is a new namespace."),
            );
        }
    }

    /// A run is over: its directories, unless somebody joined them.
    pub(super) fn release_private_tmp(&mut self, unit: &str) {
        let Some(places) = self.services.get_mut(unit).and_then(|service| service.private_tmp.take()) else { return };
        if self.services.values().all(|other| other.private_tmp.as_ref() != Some(&places)) {
            let PrivateTmp { tmp, var_tmp } = places;
            exec_job::remove_runtime(&[tmp, var_tmp]);
        }
    }
}

fn joins(unit: &Unit, other: &Unit) -> bool {
    unit.units(rows::JOINS_NAMESPACE_OF).contains(&other.name)
}
