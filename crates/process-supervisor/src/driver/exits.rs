//! The ends of processes: our children's, those that the launcher reaped, and those that only a pidfd tells.

use std::os::fd::AsFd;

use sys::ExitStatus;
use sys::pidfd::PidFd;

use super::Supervisor;
use crate::core::action::Level;
use crate::core::event::Event;
use crate::core::exit::Exit;
use crate::core::state::State;

const SIGKILL: i32 = nix::sys::signal::Signal::SIGKILL as i32;

impl Supervisor {
    /// SIGCHLD: handles every ended child. Each is reaped only after what its end means is saved, so that a supervisor that
    /// dies in between leaves a zombie with its status, which the launcher finds.
    pub fn reap(&mut self) {
        loop {
            let (pid, status) = match sys::reap::peek_any() {
                Ok(Some(ended)) => ended,
                Ok(None) => return,
                Err(error) => {
                    tracing::error!("cannot look for ended children: {error}");
                    return;
                }
            };
            if let Ok(pid) = u32::try_from(pid) {
                self.ended(pid, exit_of(status));
            }
            let reaped = PidFd::open(pid).and_then(|pidfd| pidfd.reap());
            if !matches!(reaped, Ok(Some(_))) {
                // Not to be looked at for ever: take whichever ended.
                tracing::error!(pid, "cannot reap: {reaped:?}");
                if let Err(error) = sys::reap::any() {
                    tracing::error!("cannot reap at all: {error}");
                    return;
                }
            }
        }
    }

    /// What the launcher reaped: "PID CODE STATUS" a datagram.
    pub(super) fn read_exits(&mut self) {
        let Some(exits) = self.exits.clone() else { return };
        let mut buffer = [0; 64];
        loop {
            let received = match sys::fdpass::try_recv(exits.get_ref().as_fd(), &mut buffer) {
                Ok(received) if received.bytes > 0 => received,
                Ok(_) | Err(_) => return,
            };
            let text = buffer.get(..received.bytes).and_then(|bytes| std::str::from_utf8(bytes).ok());
            match text.and_then(parse_record) {
                Some((pid, exit)) => self.ended(pid, exit),
                None => tracing::warn!("the launcher sent an exit that makes no sense: {text:?}"),
            }
        }
    }

    /// A followed process ended that is not our child.
    pub(super) fn ended_elsewhere(&mut self, unit: &str, pid: u32) {
        // What the launcher knows of it counts, if it has told.
        self.read_exits();
        let Some(followed) = self.services.get(unit).and_then(|service| service.processes.get(&pid)) else { return };
        match followed.pidfd.exit_status() {
            Ok(Some(status)) => self.ended(pid, exit_of(status)),
            Ok(None) | Err(_) if followed.pidfd.ended() => {
                // An older kernel, and nobody who told: a process nobody knows the status of counts as ended well.
                let text = format!("Process {pid} ended and nobody can tell how: taken as a success.");
                self.log(unit, Level::Warning, text);
                self.ended(pid, Exit::Exited(0));
            }
            Ok(None) | Err(_) => {}
        }
    }

    /// The end of any process.
    pub(super) fn ended(&mut self, pid: u32, exit: Exit) {
        match self.by_pid.get(&pid).cloned() {
            Some(unit) => {
                if exit == Exit::Killed(SIGKILL) {
                    // Why it was killed comes first.
                    self.check_memory(&unit);
                }
                self.feed(&unit, Event::ProcessExited { pid, exit });
                self.check_empty(&unit);
            }
            None => {
                self.strays.push((pid, exit));
                self.stranger_ended();
                if !self.coming_back {
                    self.strays.clear();
                }
            }
        }
    }

    /// A process that we don't follow ended: it may have been the last one of a service whose control group can't tell.
    fn stranger_ended(&mut self) {
        let waiting: Vec<String> = self
            .services
            .iter()
            .filter(|(_, service)| service.cgroup.is_none() && service.machine.main_pid().is_none())
            .filter(|(_, service)| {
                !service.machine.state().is_down() && !matches!(service.machine.state(), State::AutoRestart { .. })
            })
            .map(|(unit, _)| unit.clone())
            .collect();
        for unit in waiting {
            self.check_empty(&unit);
        }
    }

    /// Without control groups nobody tells that a service has no process left: look.
    fn check_empty(&mut self, unit: &str) {
        let Some(service) = self.services.get_mut(unit) else { return };
        if service.cgroup.is_some() || service.machine.main_pid().is_some() || service.machine.control_pid().is_some() {
            return;
        }
        if service.machine.state().is_down() || matches!(service.machine.state(), State::AutoRestart { .. }) {
            return;
        }
        let (_, view) = service.with_view(&self.host);
        if view.members().is_empty() {
            self.feed(unit, Event::Empty);
        }
    }

    /// Whether the kernel has killed a process of a service for lack of memory since the last look.
    fn check_memory(&mut self, unit: &str) {
        let Some(service) = self.services.get_mut(unit) else { return };
        let kills = service.cgroup.as_ref().map_or(0, sys::cgroup::Cgroup::oom_kills);
        if kills > service.oom_kills {
            service.oom_kills = kills;
            self.feed(unit, Event::OutOfMemory);
        }
    }

    /// The kernel told that control groups changed.
    pub(super) fn read_cgroups(&mut self) {
        loop {
            let Some(watcher) = &mut self.watcher else { return };
            let changed = match watcher.read() {
                Ok(changed) if changed.is_empty() => return,
                Ok(changed) => changed,
                Err(error) => {
                    tracing::error!("cannot read control group events: {error}");
                    return;
                }
            };
            for cgroup in changed {
                if let Some(unit) = self.by_cgroup.get(cgroup.path()).cloned() {
                    self.check_memory(&unit);
                }
                if cgroup.populated().unwrap_or(true) {
                    continue;
                }
                if let Some(unit) = self.by_cgroup.get(cgroup.path()).cloned() {
                    // The ends of its processes say more than its emptiness: those first.
                    self.reap();
                    self.read_exits();
                    self.feed(&unit, Event::Empty);
                }
            }
        }
    }

    /// Lets go of processes that the machine has no more use for.
    pub(super) fn forget_processes(&mut self, unit: &str) {
        let Some(service) = self.services.get_mut(unit) else { return };
        let wanted = service.machine.followed();
        let gone: Vec<u32> = service.processes.keys().copied().filter(|pid| !wanted.contains(pid)).collect();
        for pid in gone {
            service.processes.remove(&pid);
            self.by_pid.remove(&pid);
            self.host.runner.remove(&format!("p.{}.{pid}", service.key));
        }
    }
}

/// The core's word for it.
pub(super) fn exit_of(status: ExitStatus) -> Exit {
    match status {
        ExitStatus::Exited(n) => Exit::Exited(n),
        ExitStatus::Killed(n) => Exit::Killed(n),
        ExitStatus::Dumped(n) => Exit::Dumped(n),
    }
}

fn parse_record(text: &str) -> Option<(u32, Exit)> {
    let mut words = text.split_ascii_whitespace();
    let pid = words.next()?.parse().ok()?;
    let code = words.next()?.parse().ok()?;
    let status = words.next()?.parse().ok()?;
    Some((pid, Exit::from_code(code, status)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records() {
        assert_eq!(parse_record("42 1 203\n"), Some((42, Exit::Exited(203))));
        assert_eq!(parse_record("42 2 9"), Some((42, Exit::Killed(9))));
        assert_eq!(parse_record("42 5 9"), None);
        assert_eq!(parse_record("x 1 0"), None);
        assert_eq!(parse_record("1 1"), None);
    }
}
