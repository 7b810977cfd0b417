//! Overlapping restarts: the request, which processes are whose, and the signals and control groups of single instances.
//!
//! What an ordinary start makes lives in the unit's own control group; a new instance beside it gets one below, `run-N`.
//! Where there are no control groups, an instance is what descends from its main process or carries its `$INVOCATION_ID`.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use sys::cgroup::Cgroup;
use sys::process::{self, Stat};

use super::view::KernelView;
use super::{RequestError, StartRequest, Supervisor, kill, random_id, random_u64};
use crate::core::Pid;
use crate::core::action::{InstanceOrder, KillOrder};
use crate::core::event::{Event, StartOrder};
use crate::core::instance::Instance;

/// How long after its end an instance's control group may refuse to be removed, in tries of growing pauses.
const REMOVE_TRIES: u32 = 8;
/// SIGKILL.
const SIGKILL: i32 = 9;

impl Supervisor {
    /// Starts a new instance of a running service with this definition; the old one ends when the new one is up. The same
    /// invocation twice is one restart, whose end is told again.
    ///
    /// # Errors
    /// When the service is unknown or is not one that can be restarted like this now, or the text is no definition.
    pub fn overlap(&mut self, unit: &str, definition: String, request: StartRequest) -> Result<(), RequestError> {
        let known = !request.invocation.is_empty() && self.known(unit)?.machine.knows_overlap(&request.invocation);
        if !known {
            self.define_as(unit, definition)?;
            let machine = &self.known(unit)?.machine;
            if !machine.may_overlap() {
                return Err(RequestError::State { unit: unit.to_owned(), sub: machine.state().sub() });
            }
            self.take_start(unit, request.start, request.fds);
        }
        let order = StartOrder {
            invocation: if request.invocation.is_empty() { random_id() } else { request.invocation },
            cause: request.cause,
            random: random_u64(),
        };
        self.feed(unit, Event::Overlap(order));
        Ok(())
    }

    /// Signals to one instance. That they were to be sent is on disk before, for with the first one the new instance is the
    /// service.
    pub(super) fn kill_instance(&mut self, unit: &str, order: &InstanceOrder) {
        self.save(unit);
        let InstanceOrder { instance, group, signal, hangup } = order;
        let main = instance.main;
        let of_main = KillOrder { main, control: None, group: false, signal: *signal, hangup: *hangup };
        if main.is_some() {
            self.kill_order(unit, &of_main);
        }
        if *group {
            self.kill_group_of(unit, instance, &of_main);
        }
        if let Some(service) = self.services.get_mut(unit) {
            service.machine.instance_signalled(instance);
        }
    }

    fn kill_group_of(&mut self, unit: &str, instance: &Instance, order: &KillOrder) {
        let Some(service) = self.services.get_mut(unit) else { return };
        let own = service.cgroup.as_ref().filter(|_| instance.run > 0).map(|cgroup| group_of(cgroup, instance.run));
        if order.signal == SIGKILL
            && let Some(cgroup) = own
            && cgroup.kill().inspect_err(|error| tracing::warn!(unit, "cannot kill all at once: {error}")).is_ok()
        {
            return;
        }
        // The main one has it already. Processes may fork while we look: look until there are no new ones.
        let mut done: BTreeSet<i32> = instance.main.and_then(|pid| i32::try_from(pid).ok()).into_iter().collect();
        loop {
            let members = service.with_view(&self.host).1.members_of(instance);
            let fresh: Vec<i32> = members.into_iter().filter(|pid| done.insert(*pid)).collect();
            if fresh.is_empty() {
                return;
            }
            for pid in fresh {
                kill::signal_one(pid, order);
            }
        }
    }

    /// Removes the control group of an instance that is gone, again later while the kernel is not done with it. What may be
    /// left goes with the unit's.
    pub(super) fn release_instance(&mut self, unit: &str, instance: &Instance) {
        let Some(service) = self.services.get(unit) else { return };
        let Some(cgroup) = service.cgroup.as_ref().filter(|_| instance.run > 0) else { return };
        let cgroup = group_of(cgroup, instance.run);
        if removed(&cgroup) {
            return;
        }
        tokio::task::spawn_local(async move {
            for tries in 0..REMOVE_TRIES {
                tokio::time::sleep(std::time::Duration::from_millis(1 << tries)).await;
                if removed(&cgroup) {
                    return;
                }
            }
        });
    }

    /// Signals that an earlier supervisor may not have sent.
    pub(super) fn resume_instances(&mut self, unit: &str) {
        let orders = self.services.get(unit).map(|service| service.machine.orders_again()).unwrap_or_default();
        for order in orders {
            self.kill_instance(unit, &order);
        }
    }
}

impl KernelView<'_> {
    /// The processes of one instance.
    pub(super) fn members_of(&self, instance: &Instance) -> BTreeSet<i32> {
        match self.cgroup() {
            Some(cgroup) => {
                let all = cgroup.processes().unwrap_or_default().into_iter();
                let its = all.filter(|(group, _)| run_of(group.path(), cgroup.path()) == instance.run);
                its.map(|(_, pid)| pid).collect()
            }
            None => self.walk(instance.main.iter(), std::iter::once(instance.invocation.as_str())),
        }
    }

    /// Whether any process of an instance is alive.
    pub(super) fn is_populated(&self, instance: &Instance) -> Option<bool> {
        match self.cgroup() {
            Some(cgroup) if instance.run > 0 => group_of(cgroup, instance.run).populated().ok(),
            _ => Some(!self.members_of(instance).is_empty()),
        }
    }

    /// Whether a process is one of an instance.
    pub(super) fn is_of(&self, pid: Pid, instance: &Instance) -> bool {
        let Ok(number) = i32::try_from(pid) else { return false };
        if !Stat::read(number).is_ok_and(|stat| !matches!(stat.state, 'Z' | 'X')) {
            return false;
        }
        match self.cgroup() {
            Some(cgroup) => {
                let (own, root) = (process::cgroup(number).unwrap_or_default(), cgroup.name());
                Path::new(&own).starts_with(&root) && run_of(Path::new(&own), Path::new(&root)) == instance.run
            }
            None => self.members_of(instance).contains(&number),
        }
    }
}

/// An instance's control group.
pub(super) fn group_of(unit: &Cgroup, run: u64) -> Cgroup {
    if run == 0 { unit.clone() } else { unit.child(&format!("run-{run}")) }
}

/// Whose processes are in a group at or below a unit's.
fn run_of(group: &Path, unit: &Path) -> u64 {
    let below = group.strip_prefix(unit).ok().and_then(|below| below.components().next());
    let name = below.and_then(|name| name.as_os_str().to_str()).unwrap_or_default();
    name.strip_prefix("run-").and_then(|run| run.parse().ok()).unwrap_or(0)
}

fn removed(cgroup: &Cgroup) -> bool {
    match std::fs::remove_dir(cgroup.path()) {
        Ok(()) => true,
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_tell_whose_a_process_is() {
        let unit = Path::new("/system.slice/a.service");
        let table = [("", 0), ("/run-3", 3), ("/run-12/workers", 12), ("/workers", 0), ("/workers/run-3", 0)];
        for (below, run) in table {
            assert_eq!(run_of(Path::new(&format!("{}{below}", unit.display())), unit), run, "{below}");
        }
    }
}
