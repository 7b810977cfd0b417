//! Coming back: saved services meet the descriptors that were kept and the processes that are still there.

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use serde_json::value::RawValue;
use sys::notify::NotifySocket;
use sys::pidfd::PidFd;
use sys::process::Stat;

use super::held::Held;
use super::service::{Followed, Saved};
use super::spawn::watch_end;
use super::told::Told;
use super::{Supervisor, definition_key, notices_key, notifications};
use crate::core::action::Level;
use crate::core::event::Event;
use crate::core::exit::Exit;
use crate::core::machine::Machine;

impl Supervisor {
    /// Takes up all saved services. `fds` is what the runner kept.
    pub fn recover(&mut self, fds: Vec<(String, OwnedFd)>) {
        self.coming_back = true;
        let mut kept: HashMap<String, OwnedFd> = fds.into_iter().collect();
        let saved: Vec<(String, Saved<Machine>)> = self
            .host
            .state
            .load_all::<serde_json::Value>()
            .into_iter()
            .filter(|(key, _)| !key.contains('#'))
            .filter_map(|(key, value)| match serde_json::from_value(value) {
                Ok(saved) => Some((key, saved)),
                Err(error) => {
                    tracing::error!(unit = key, "saved state is of no use: {error}");
                    None
                }
            })
            .collect();
        let units: Vec<String> =
            saved.into_iter().filter_map(|(unit, saved)| self.restore(unit, saved, &mut kept)).collect();
        let mut spawned = Vec::new();
        // Nobody asks for these any more.
        for (name, fd) in kept {
            match self.unfinished(&name) {
                Some((unit, pid)) => spawned.push((unit, PidFd::from_fd_of(fd, pid))),
                None => self.host.runner.remove(&name),
            }
        }
        // While they are in the state that the signals were for.
        for unit in &units {
            self.signal_again(unit);
        }
        // Exits that the launcher saw come before anything that is concluded from absence.
        self.read_exits();
        for unit in units {
            let at = spawned.iter().position(|(of, _)| *of == unit);
            let pidfd = at.map(|at| spawned.swap_remove(at).1);
            self.resume(&unit, pidfd);
        }
        self.coming_back = false;
        self.strays.clear();
        self.reap();
    }

    fn restore(&mut self, name: String, saved: Saved<Machine>, kept: &mut HashMap<String, OwnedFd>) -> Option<String> {
        let definition = self.host.state.load::<Box<RawValue>>(&definition_key(&name));
        let defined = definition.is_some_and(|text| {
            let defined = self.define_as(&name, Box::<str>::from(text).into_string());
            defined.inspect_err(|error| tracing::error!("{error}")).is_ok()
        });
        if !defined {
            tracing::error!(unit = name, "saved without its definition, dropped");
            self.host.state.remove(&name);
            return None;
        }
        let inputs = self.inputs.clone();
        let runner = &self.host.runner;
        let service = self.services.get_mut(&name)?;
        let definition = service.machine.definition().clone();
        service.machine = saved.machine;
        service.machine.redefine(definition);
        service.invocation = service.machine.invocation().to_owned();
        service.told = Told::unknown();
        service.start = saved.start;
        service.next_fd = saved.next_fd;
        service.limit = saved.limit;
        service.ids = saved.ids;
        service.shared.tmp = saved.private_tmp;
        service.oom_kills = saved.oom_kills;
        service.usage = saved.usage;
        // Whether its group says something of devices is not known.
        service.confined = true;
        service.signalling = saved.signalling;
        service.notices = self.host.state.load(&notices_key(&name)).unwrap_or_default();
        for record in saved.fds {
            match kept.remove(&record.id) {
                Some(fd) => service.fds.push(Held { record, fd }),
                None => tracing::warn!(unit = name, "a descriptor ({}) did not come back", record.name),
            }
        }
        for record in saved.store {
            match kept.remove(&record.id) {
                Some(fd) => {
                    let held = Held { record, fd };
                    let task = notifications::watch_hangup(&name, &held, &inputs);
                    service.store.push((held, task));
                }
                None => tracing::warn!(unit = name, "a stored descriptor ({}) did not come back", record.name),
            }
        }
        let key = service.key.clone();
        for (pid, identity) in saved.processes {
            let id = format!("p.{key}.{pid}");
            let Ok(number) = i32::try_from(pid) else { continue };
            let pidfd = match kept.remove(&id) {
                Some(fd) => Some(PidFd::from_fd_of(fd, number)),
                // Without a descriptor its identity tells whether it is the same process.
                None => PidFd::open(number)
                    .ok()
                    .filter(|pidfd| pidfd.identity().is_ok_and(|now| now == identity))
                    .inspect(|pidfd| {
                        runner.store(&id, &[std::os::fd::AsFd::as_fd(pidfd)], false);
                    }),
            };
            if let Some(pidfd) = pidfd {
                let task = watch_end(&name, pid, &pidfd, &inputs);
                service.processes.insert(pid, Followed { pidfd, identity, task });
            }
            self.by_pid.insert(pid, name.clone());
        }
        self.restore_shared(&name, saved.shared, kept);
        match kept.remove(&format!("n.{key}")) {
            Some(fd) => match NotifySocket::from_fd(fd) {
                Ok(socket) => {
                    if let Err(error) = self.adopt_listener(&name, socket) {
                        tracing::error!(unit = name, "cannot listen on the notify socket: {error}");
                    }
                }
                Err(error) => tracing::error!(unit = name, "the notify socket that came back is none: {error}"),
            },
            None => self.listen_again(&name),
        }
        Some(name)
    }

    /// The notify socket was not kept (no runner): a new one at the same path.
    fn listen_again(&mut self, unit: &str) {
        let up = self.services.get(unit).is_some_and(|service| !service.machine.state().is_down());
        if up {
            self.prepare(unit);
        }
    }

    /// What happened to a service meanwhile.
    fn resume(&mut self, unit: &str, spawned: Option<PidFd>) {
        self.arm(unit);
        self.resume_spawn(unit, spawned);
        let Some(service) = self.services.get(unit) else { return };
        for pid in service.machine.followed() {
            let Some(service) = self.services.get(unit) else { return };
            match service.processes.get(&pid) {
                Some(followed) if followed.pidfd.ended() => self.ended_elsewhere(unit, pid),
                Some(_) => {}
                None => {
                    let text = format!("Process {pid} ended while nobody looked: its exit status is lost.");
                    self.log(unit, Level::Warning, text);
                    self.feed(unit, Event::ProcessExited { pid, exit: Exit::Exited(0) });
                }
            }
        }
        self.resume_instances(unit);
        let Some(service) = self.services.get_mut(unit) else { return };
        let cgroup = service.cgroup.clone();
        if service.machine.watches_pid_file() {
            self.watch_pid_file(unit);
        }
        if let (Some(cgroup), Some(watcher)) = (&cgroup, &mut self.watcher)
            && cgroup.exists()
            && let Err(error) = watcher.add(cgroup)
        {
            tracing::warn!(unit, "cannot watch {}: {error}", cgroup.path().display());
        }
        let Some(service) = self.services.get_mut(unit) else { return };
        if let Some(what) = service.machine.cleaning().map(<[String]>::to_vec) {
            self.begin_clean(unit, &what);
            return;
        }
        let quiet = service.machine.state().is_down()
            || matches!(service.machine.state(), crate::core::state::State::AutoRestart { .. });
        if quiet {
            self.remove_cgroup(unit, 0);
            return;
        }
        let (_, view) = service.with_view(&self.host);
        if crate::core::view::View::populated(&view) == Some(false) {
            self.feed(unit, Event::Empty);
        }
        self.watch_bus_name(unit);
    }

    /// A spawn was under way: either its process is there, or it has ended, or it was never made.
    fn resume_spawn(&mut self, unit: &str, spawned: Option<PidFd>) {
        let Some(service) = self.services.get_mut(unit) else { return };
        let Some(spawning) = service.machine.spawning() else { return };
        if let Some(pidfd) = spawned
            && let Ok(pid) = u32::try_from(pidfd.pid())
        {
            self.found(unit, pid, pidfd);
            return;
        }
        let known = service.machine.followed();
        let instance = service.machine.order(spawning.kind, spawning.index).instance;
        let (_, view) = service.with_view(&self.host);
        let members = match &instance {
            Some(instance) => view.members_of(instance),
            None => view.members().clone(),
        };
        let found = members
            .iter()
            .filter_map(|pid| u32::try_from(*pid).ok())
            .filter(|pid| !known.contains(pid))
            .find(|pid| spawned_by_us(*pid));
        if let Some(pid) = found
            && let Some(pidfd) = i32::try_from(pid).ok().and_then(|number| PidFd::open(number).ok())
        {
            self.found(unit, pid, pidfd);
            return;
        }
        // The launcher reaped a process that nobody knows: only the one that was just made can be such, unless a daemon's
        // orphan ended in the same moment.
        if let [(pid, exit)] = self.strays.as_slice() {
            let (pid, exit) = (*pid, *exit);
            self.strays.clear();
            self.feed(unit, Event::Spawned { pid });
            self.feed(unit, Event::ProcessExited { pid, exit });
            return;
        }
        // Never made, or ended without a trace: the command runs (again).
        let order = service.machine.order(spawning.kind, spawning.index);
        let answer = self.spawn(unit, &order);
        self.feed(unit, answer);
    }
}

impl Supervisor {
    fn found(&mut self, unit: &str, pid: u32, pidfd: PidFd) {
        tracing::info!(unit, pid, "found the process of an unfinished start");
        self.keep(unit, pid, pidfd, true);
        self.feed(unit, Event::Spawned { pid });
    }

    /// The unit and process of a kept pidfd that no saved state names: the process was made, and the supervisor died before
    /// it could write that down.
    fn unfinished(&self, name: &str) -> Option<(String, i32)> {
        let (key, pid) = name.strip_prefix("p.")?.split_once('.')?;
        let (unit, _) =
            self.services.iter().find(|(_, service)| service.key == key && service.machine.spawning().is_some())?;
        Some((unit.clone(), pid.parse().ok()?))
    }
}

/// Whether a process was made by a supervisor rather than by the service: one that has not got to the executor yet (on a busy
/// machine a new supervisor may be there first), the executor itself, or what it became, which finds its own id in
/// `$SYSTEMD_EXEC_PID`.
fn spawned_by_us(pid: u32) -> bool {
    let Ok(number) = i32::try_from(pid) else { return false };
    let under_way = ["process-superv", "process-execut"];
    let ours = Stat::read(number).is_ok_and(|stat| under_way.iter().any(|name| stat.comm.starts_with(name)));
    ours || sys::process::environ(number, "SYSTEMD_EXEC_PID").is_ok_and(|value| value == Some(pid.to_string()))
}
