//! Sending signals.

use std::collections::BTreeSet;

use thiserror::Error;

use super::Supervisor;
use crate::core::action::{KillOrder, Level};
use crate::core::state::State;

/// SIGCONT follows the signals of a stop, so that stopped processes hear them; those of `systemctl kill` come alone, as in
/// systemd.
const SIGCONT: i32 = 18;
/// The one that needs no SIGCONT.
const SIGKILL: i32 = 9;
/// Processes that are named when they are killed.
const NAMED: usize = 5;
/// SIGHUP.
const SIGHUP: i32 = 1;

/// Why `systemctl kill` fails.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KillError {
    /// Not running.
    #[error("Unit {0} is not known to the supervisor.")]
    Unknown(String),
    /// `--kill-whom=` is none of its words.
    #[error("Invalid who argument {0}")]
    Whom(String),
    /// No such signal.
    #[error("Signal number out of range.")]
    Signal,
    /// `--kill-whom=main` without one.
    #[error("No main process to kill")]
    NoMain,
    /// `--kill-whom=control` without one.
    #[error("No control process to kill")]
    NoControl,
    /// `-fail`, and there was nobody.
    #[error("No matching processes to kill")]
    Nobody,
}

impl Supervisor {
    /// `systemctl kill`: `whom` is `main`, `control` or `all`, with `-fail` when it is an error that there is nobody.
    ///
    /// # Errors
    /// [`KillError`].
    pub fn kill(&mut self, unit: &str, whom: &str, signal: i32) -> Result<(), KillError> {
        let (kind, must) = match whom.strip_suffix("-fail") {
            Some(kind) => (kind, true),
            None => (whom, false),
        };
        if !(1..=64).contains(&signal) {
            return Err(KillError::Signal);
        }
        let service = self.services.get_mut(unit).ok_or_else(|| KillError::Unknown(unit.to_owned()))?;
        let (main, control) = (service.machine.main_pid(), service.machine.control_pid());
        let targets: BTreeSet<i32> = match kind {
            "main" => main.into_iter().filter_map(|pid| i32::try_from(pid).ok()).collect(),
            "control" => control.into_iter().filter_map(|pid| i32::try_from(pid).ok()).collect(),
            "all" => {
                let mut all = service.with_view(&self.host).1.members().clone();
                all.extend(main.into_iter().chain(control).filter_map(|pid| i32::try_from(pid).ok()));
                all
            }
            _ => return Err(KillError::Whom(whom.to_owned())),
        };
        if targets.is_empty() {
            return match kind {
                "main" => Err(KillError::NoMain),
                "control" => Err(KillError::NoControl),
                _ if must => Err(KillError::Nobody),
                _ => Ok(()),
            };
        }
        for pid in targets {
            send(pid, signal);
        }
        Ok(())
    }

    /// The signals of a stop. That they are sent, and why, is on disk before: a supervisor that dies in between leaves
    /// neither a service that seems to have ended by itself (a watchdog that expired, `Restart=` that counts) nor one that is
    /// on its way down and has not been told.
    pub(super) fn kill_announced(&mut self, unit: &str, order: &KillOrder) {
        let Some(service) = self.services.get_mut(unit) else { return };
        // Nobody is left to be signalled then, and what else is to be done is not done yet.
        let over = service.machine.state().is_down() || matches!(service.machine.state(), State::AutoRestart { .. });
        if !over {
            service.signalling = Some(order.clone());
            self.save(unit);
        }
        self.kill_order(unit, order);
        if let Some(service) = self.services.get_mut(unit) {
            service.signalling = None;
        }
    }

    /// Signals that an earlier supervisor may not have sent: as often as it takes, rather than not at all.
    pub(super) fn signal_again(&mut self, unit: &str) {
        let Some(service) = self.services.get_mut(unit) else { return };
        let Some(mut order) = service.signalling.take() else { return };
        // A number that nothing follows any more may be somebody else's by now.
        let known = |pid: &u32| service.processes.contains_key(pid);
        order.main = order.main.filter(known);
        order.control = order.control.filter(known);
        self.kill_order(unit, &order);
        self.save(unit);
    }

    /// Sends them.
    pub(super) fn kill_order(&mut self, unit: &str, order: &KillOrder) {
        if order.signal == SIGKILL {
            self.tell_killed(unit, order);
        }
        let Some(service) = self.services.get_mut(unit) else { return };
        let mut done = BTreeSet::new();
        for pid in order.main.into_iter().chain(order.control) {
            let Ok(number) = i32::try_from(pid) else { continue };
            match service.processes.get(&pid) {
                // By descriptor where there is one: a number could be somebody else's by now.
                Some(followed) => {
                    let sent = followed.pidfd.send_signal(order.signal);
                    if sent.is_ok() && order.signal != SIGKILL {
                        let _ = followed.pidfd.send_signal(SIGCONT);
                    }
                    if sent.is_ok() && order.hangup {
                        let _ = followed.pidfd.send_signal(SIGHUP);
                    }
                }
                None => signal_one(number, order),
            }
            done.insert(number);
        }
        if !order.group {
            return;
        }
        if order.signal == SIGKILL
            && let Some(cgroup) = service.cgroup.as_ref()
            && cgroup.kill().inspect_err(|error| tracing::warn!(unit, "cannot kill all at once: {error}")).is_ok()
        {
            return;
        }
        // Processes may fork while we look: look until there are no new ones.
        loop {
            let members = service.with_view(&self.host).1.members().clone();
            let fresh: Vec<i32> = members.into_iter().filter(|pid| !done.contains(pid)).collect();
            if fresh.is_empty() {
                return;
            }
            for pid in fresh {
                signal_one(pid, order);
                done.insert(pid);
            }
        }
    }
}

impl Supervisor {
    /// Nothing is killed in silence: which processes did not end otherwise.
    fn tell_killed(&mut self, unit: &str, order: &KillOrder) {
        let Some(service) = self.services.get_mut(unit) else { return };
        let mut pids: BTreeSet<i32> =
            if order.group { service.with_view(&self.host).1.members().clone() } else { BTreeSet::new() };
        pids.extend(order.main.into_iter().chain(order.control).filter_map(|pid| i32::try_from(pid).ok()));
        let named = pids.iter().take(NAMED).map(|pid| match sys::process::Stat::read(*pid) {
            Ok(stat) => format!("{pid} ({})", stat.comm),
            Err(_) => pid.to_string(),
        });
        let named: Vec<String> = named.collect();
        if named.is_empty() {
            return;
        }
        let more = match pids.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        self.log(unit, Level::Info, format!("Killing with SIGKILL: {}{more}", named.join(", ")));
    }
}

pub(super) fn signal_one(pid: i32, order: &KillOrder) {
    send(pid, order.signal);
    if order.signal != SIGKILL {
        let _ = sys::signals::kill(pid, SIGCONT);
    }
    if order.hangup {
        send(pid, SIGHUP);
    }
}

/// A process that is gone needs no signal; anything else is worth a line.
fn send(pid: i32, signal: i32) {
    if let Err(error) = sys::signals::kill(pid, signal)
        && error.kind() != std::io::ErrorKind::NotFound
        && error.raw_os_error() != Some(nix::errno::Errno::ESRCH as i32)
    {
        tracing::warn!(pid, signal, "cannot send the signal: {error}");
    }
}
