//! The way out of instances whose place was taken, or that failed before they could take one: the signal of
//! `RestartKillSignal=` or `KillSignal=`, `TimeoutStopSec=` to finish what they have begun, `FinalKillSignal=`. Only
//! their own processes are meant, as far as `KillMode=` reaches.
//!
//! A stop of the whole service ends them too, and then its own time-outs count.

use serde::{Deserialize, Serialize};

use super::super::Pid;
use super::super::action::{Action, InstanceOrder, Level};
use super::super::definition::{KillMode, NotifyAccess};
use super::super::exit::{Exit, ServiceResult};
use super::super::instance::Instance;
use super::super::notification::Notification;
use super::super::state::State;
use super::super::view::View;
use super::Machine;

/// SIGHUP.
const HANGUP: i32 = 1;

/// An instance on its way out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Going {
    pub(super) instance: Instance,
    /// The last order, and whether it was carried out: a supervisor that dies in between gives it again, for a second
    /// signal may mean something else than the first.
    signal: i32,
    sent: bool,
    /// It is the last signal.
    last: bool,
    /// When the next one is due.
    until: Option<u64>,
}

impl Machine {
    /// An instance is asked to end.
    pub(super) fn dismiss(&mut self, instance: Instance, signal: i32, view: &dyn View) {
        let kill = &self.definition.kill;
        let group = match kill.mode {
            // As with a stop: nobody is asked, and nobody waited for.
            KillMode::None => return,
            KillMode::ControlGroup => true,
            // Without a main process it is the others' turn.
            KillMode::Mixed => instance.main.is_none(),
            KillMode::Process => false,
        };
        if instance.main.is_none() && !(group && view.instance_populated(&instance) == Some(true)) {
            return self.act(Action::ReleaseInstance(instance));
        }
        let last = signal == kill.final_signal;
        let until = self.now.after(self.definition.timeouts.stop);
        self.beside.going.push(Going { instance: instance.clone(), signal, sent: false, last, until });
        self.kill_instance(instance, signal, group);
    }

    fn kill_instance(&mut self, instance: Instance, signal: i32, group: bool) {
        let kill = &self.definition.kill;
        let hangup = kill.send_sighup && signal != HANGUP && signal != kill.final_signal;
        self.act(Action::KillInstance(InstanceOrder { instance, group, signal, hangup }));
    }

    /// The signals to this instance are sent.
    pub fn instance_signalled(&mut self, instance: &Instance) {
        if let Some(going) = self.beside.going.iter_mut().find(|going| going.instance.run == instance.run) {
            going.sent = true;
        }
    }

    /// Orders that an earlier supervisor may not have carried out.
    pub fn orders_again(&self) -> Vec<InstanceOrder> {
        let kill = &self.definition.kill;
        let pending = self.beside.going.iter().filter(|going| !going.sent);
        let order = |going: &Going| InstanceOrder {
            instance: going.instance.clone(),
            group: self.reaches_group(going),
            signal: going.signal,
            hangup: kill.send_sighup && going.signal != HANGUP && !going.last,
        };
        pending.map(order).collect()
    }

    fn reaches_group(&self, going: &Going) -> bool {
        match self.definition.kill.mode {
            KillMode::ControlGroup => true,
            KillMode::Mixed => going.last || going.instance.main.is_none(),
            KillMode::Process | KillMode::None => false,
        }
    }

    /// When an instance's time is over. A stop has time-outs of its own.
    pub(super) fn next_drained(&self) -> Option<u64> {
        if !self.active().is_up() {
            return None;
        }
        self.beside.going.iter().filter_map(|going| going.until).min()
    }

    /// Instances whose time is over are killed; those that even outlived that are given up.
    pub(super) fn drained(&mut self, view: &dyn View) {
        let now = self.now.monotonic;
        if self.next_drained().is_none_or(|at| at > now) {
            return;
        }
        let (due, rest) = std::mem::take(&mut self.beside.going)
            .into_iter()
            .partition(|going| going.until.is_some_and(|until| until <= now));
        self.beside.going = rest;
        let due: Vec<Going> = due;
        for mut going in due {
            let gone = going.instance.main.is_none() && view.instance_populated(&going.instance) != Some(true);
            if gone {
                self.act(Action::ReleaseInstance(going.instance));
                continue;
            }
            if going.last || !self.definition.kill.send_sigkill {
                self.log(Level::Warning, "Processes of another instance are still around. Ignoring.");
                self.act(Action::ReleaseInstance(going.instance));
                continue;
            }
            self.log(Level::Warning, "Another instance did not end in time (TimeoutStopSec=). Killing.");
            self.kill_going(&mut going);
            self.beside.going.push(going);
        }
        self.tell();
    }

    fn kill_going(&mut self, going: &mut Going) {
        going.signal = self.definition.kill.final_signal;
        (going.last, going.sent) = (true, false);
        going.until = self.now.after(self.definition.timeouts.stop);
        let group = self.reaches_group(going);
        self.kill_instance(going.instance.clone(), going.signal, group);
    }

    /// The end of a process of an instance on its way out; whether it was one.
    pub(super) fn gone_exited(&mut self, pid: Pid, exit: Exit, view: &dyn View) -> bool {
        let Some(at) = self.beside.going.iter().position(|going| going.instance.main == Some(pid)) else {
            return false;
        };
        let mut going = self.beside.going.remove(at);
        going.instance.main = None;
        self.log(Level::Debug, format!("Main process {pid} of another instance exited, {}", exit.describe()));
        let left = view.instance_populated(&going.instance) == Some(true);
        match self.definition.kill.mode {
            // The rest has been asked as well, and has the same time.
            KillMode::ControlGroup if left => self.beside.going.push(going),
            KillMode::Mixed if left && !going.last && self.definition.kill.send_sigkill => {
                self.kill_going(&mut going);
                self.beside.going.push(going);
            }
            KillMode::ControlGroup | KillMode::Mixed | KillMode::Process | KillMode::None => {
                self.act(Action::ReleaseInstance(going.instance));
            }
        }
        self.left_beside(view);
        true
    }

    /// A process of another instance is gone: the way down may have waited for it.
    pub(super) fn left_beside(&mut self, view: &dyn View) {
        let alone = self.control.is_none() && self.spawning.is_none() && self.main_gone_or_unknown(view);
        match self.state {
            State::StopWatchdog
            | State::StopSigterm
            | State::StopSigkill
            | State::StopPost
            | State::FinalWatchdog
            | State::FinalSigterm
            | State::FinalSigkill
                if alone =>
            {
                self.without_control(ServiceResult::Success, view);
            }
            _ => {}
        }
    }

    /// A notification of an instance on its way out; whether it was one. Nobody waits for anything that it could say but
    /// that it needs more time.
    pub(super) fn notify_going(&mut self, sender: Pid, message: &Notification, view: &dyn View) -> bool {
        let (now, everybody) = (self.now, self.definition.notify_access == NotifyAccess::All);
        let mut instances = self.beside.going.iter_mut();
        let sent = instances.find(|going| {
            going.instance.main == Some(sender) || everybody && view.is_of_instance(sender, &going.instance)
        });
        let Some(going) = sent else { return false };
        if let Some(at) = message.extend_timeout.and_then(|usec| now.after(usec)) {
            going.until = going.until.map(|until| until.max(at));
        }
        true
    }
}
