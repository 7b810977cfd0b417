//! The state machine of one socket unit (systemd.socket(5); the states are drawn in [`super::state`]).
//!
//! Who decides: the start and stop jobs of a broker (or of the command line) move it between dead and listening; traffic
//! and the service move it between listening and running ([`super::activation`]); anything that goes wrong leads to
//! `stop-pre`, so that commands of `ExecStopPre=` and `ExecStopPost=` see every socket that was opened.
//!
//! A start that arrives while the unit still stops is remembered and done afterwards; systemd keeps the job waiting.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::connections::Connections;
use super::event::{Action, Event, Exit, Trigger};
use super::pause::Pause;
use super::policy::Policy;
use super::rate_limit::RateLimit;
use super::state::{Control, Phase, SocketResult, State};

/// The machine. Serializable: it goes on from exactly here after a restart of the daemon, with the settings, which whoever
/// restores it gives it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The settings in force.
    #[serde(skip)]
    pub policy: Arc<Policy>,
    pub(super) state: State,
    pub(super) result: SocketResult,
    /// Connections of `Accept=yes`, and the counters.
    pub connections: Connections,
    /// Triggers that no broker has acknowledged.
    pub triggers: Vec<Trigger>,
    pub(super) trigger_limit: RateLimit,
    /// The rest at the trigger limit.
    #[serde(default)]
    pub pause: Pause,
    start_when_dead: bool,
    /// The stop is the first half of a restart.
    #[serde(default)]
    restarts: bool,
    #[serde(skip)]
    pub(super) actions: Vec<Action>,
}

impl Machine {
    /// A unit that was never started.
    pub fn new(policy: Arc<Policy>) -> Self {
        Machine {
            policy,
            state: State::Dead,
            result: SocketResult::Success,
            connections: Connections::default(),
            triggers: Vec::new(),
            trigger_limit: RateLimit::default(),
            pause: Pause::default(),
            start_when_dead: false,
            restarts: false,
            actions: Vec::new(),
        }
    }

    /// The state.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// `Result`.
    pub fn result(&self) -> SocketResult {
        self.result
    }

    /// What to do about an event at `now` (µs of a clock that survives restarts).
    pub fn handle(&mut self, now: u64, event: Event) -> Vec<Action> {
        match event {
            Event::Start => self.start(now),
            Event::Stop { restart } => self.stop(now, restart),
            Event::ResetFailed => self.reset_failed(),
            Event::Opened => self.opened(now),
            Event::OpenFailed { text } => self.open_failed(now, text),
            Event::Spawned { pid } => self.spawned(pid),
            Event::SpawnFailed { text } => self.spawn_failed(now, text),
            Event::Exited(exit) => self.exited(now, exit),
            Event::Timeout => {
                self.rested(now);
                self.timed_out(now);
            }
            Event::Traffic { id } => self.traffic(now, id),
            Event::Connection { id, cookie, local, peer } => self.connection(now, id, cookie, &local, &peer),
            Event::Broken { text } => self.broken(now, text),
            Event::Service { name, sub, start_limit_hit } => self.service_changed(now, &name, &sub, start_limit_hit),
            Event::Holders(services) => self.holders(services),
            Event::Fail(result) => self.fail(now, result),
            Event::Ack { id } => self.acknowledged(id),
        }
        std::mem::take(&mut self.actions)
    }

    /// What to do to go on after a restart of the daemon: the descriptors are back, nothing else is.
    pub fn resume(&mut self, now: u64) -> Vec<Action> {
        match self.state {
            State::Dead | State::Failed | State::Running => {}
            State::Opening => self.actions.push(Action::Open),
            State::Listening => match self.pause.until() {
                Some(until) => self.actions.push(Action::Timer(Some(until))),
                None => self.actions.push(Action::Poll(true)),
            },
            State::StartPre(c)
            | State::StartChown(c)
            | State::StartPost(c)
            | State::StopPre(c)
            | State::StopPreSigterm(c)
            | State::StopPreSigkill(c)
            | State::StopPost(c)
            | State::FinalSigterm(c)
            | State::FinalSigkill(c) => match (c.pid, self.phase()) {
                // Its end is reported by the driver, which holds its pidfd.
                (Some(_), _) | (None, None) => self.actions.push(Action::Timer(deadline(&c))),
                // Killed between the decision and the spawn: nothing runs yet.
                (None, Some(phase)) => self.spawn(now, phase, c.index),
            },
        }
        for trigger in self.triggers.clone() {
            self.actions.push(Action::Trigger(trigger));
        }
        std::mem::take(&mut self.actions)
    }

    fn start(&mut self, now: u64) {
        match self.state {
            State::Dead | State::Failed => {
                self.result = SocketResult::Success;
                self.enter_start_pre(now);
            }
            // Already there: the job is done with the state as it is.
            State::StartPre(_)
            | State::Opening
            | State::StartChown(_)
            | State::StartPost(_)
            | State::Listening
            | State::Running => self.actions.push(Action::Updated),
            State::StopPre(_)
            | State::StopPreSigterm(_)
            | State::StopPreSigkill(_)
            | State::StopPost(_)
            | State::FinalSigterm(_)
            | State::FinalSigkill(_) => self.start_when_dead = true,
        }
    }

    fn stop(&mut self, now: u64, restart: bool) {
        self.start_when_dead = false;
        self.restarts = restart;
        match self.state {
            State::Dead | State::Failed => self.actions.push(Action::Updated),
            State::StartPre(_) | State::Opening | State::StartChown(_) | State::StartPost(_) => {
                self.enter_stop_pre_signal(now, SocketResult::Success, "stop requested during the start");
            }
            State::Listening | State::Running => self.enter_stop_pre(now, SocketResult::Success, "stop requested"),
            State::StopPre(_)
            | State::StopPreSigterm(_)
            | State::StopPreSigkill(_)
            | State::StopPost(_)
            | State::FinalSigterm(_)
            | State::FinalSigkill(_) => {}
        }
    }

    fn reset_failed(&mut self) {
        if self.state == State::Failed {
            self.result = SocketResult::Success;
            self.set_state(State::Dead, "reset-failed");
        }
    }

    fn enter_start_pre(&mut self, now: u64) {
        if self.policy.start_pre.is_empty() {
            self.enter_opening();
        } else {
            self.set_state(State::StartPre(self.control(now)), "start requested");
            self.spawn(now, Phase::StartPre, 0);
        }
    }

    fn enter_opening(&mut self) {
        self.state = State::Opening;
        self.actions.push(Action::Timer(None));
        self.actions.push(Action::Open);
    }

    fn opened(&mut self, now: u64) {
        if self.state != State::Opening {
            return;
        }
        if self.policy.chown {
            self.set_state(State::StartChown(self.control(now)), "sockets are open");
            self.spawn(now, Phase::StartChown, 0);
        } else {
            self.enter_start_post(now);
        }
    }

    fn open_failed(&mut self, now: u64, text: String) {
        self.log("err", format!("Failed to listen on sockets: {text}"));
        match self.state {
            State::Opening => {
                // All or none: ExecStopPre= finds none.
                self.actions.push(Action::Close);
                self.enter_stop_pre(now, SocketResult::Resources, &text);
            }
            // Sockets that were lost while the daemon was away.
            State::Listening | State::Running => self.enter_stop_pre(now, SocketResult::Resources, &text),
            State::Dead
            | State::StartPre(_)
            | State::StartChown(_)
            | State::StartPost(_)
            | State::StopPre(_)
            | State::StopPreSigterm(_)
            | State::StopPreSigkill(_)
            | State::StopPost(_)
            | State::FinalSigterm(_)
            | State::FinalSigkill(_)
            | State::Failed => {}
        }
    }

    fn enter_start_post(&mut self, now: u64) {
        if self.policy.start_post.is_empty() {
            self.enter_listening(now, "start done");
        } else {
            self.set_state(State::StartPost(self.control(now)), "sockets are open");
            self.spawn(now, Phase::StartPost, 0);
        }
    }

    pub(super) fn enter_listening(&mut self, now: u64, cause: &str) {
        if !self.policy.accept && self.policy.flush_pending {
            self.actions.push(Action::Flush);
        }
        self.set_state(State::Listening, cause);
        self.rest_at_limit(now);
    }

    /// The end begins, with the sockets still open.
    pub(super) fn enter_stop_pre(&mut self, now: u64, result: SocketResult, cause: &str) {
        self.note(result);
        if self.policy.stop_pre.is_empty() {
            self.enter_stop_post(now, SocketResult::Success, cause);
        } else {
            self.set_state(State::StopPre(self.control(now)), cause);
            self.spawn(now, Phase::StopPre, 0);
        }
    }

    /// A control command is in the way: it is told to end first. Without one, what comes after.
    fn enter_stop_pre_signal(&mut self, now: u64, result: SocketResult, cause: &str) {
        self.note(result);
        match self.running_control(now) {
            Some(control) => {
                self.set_state(State::StopPreSigterm(control), cause);
                // systemd's sockets are stopped in mid-command like this, unlike its manual, which speaks of KillSignal=.
                let (signal, last) = match self.restarts {
                    true => (self.policy.restart_kill_signal, false),
                    false => (self.policy.final_kill_signal, true),
                };
                self.actions.push(Action::Kill { signal, last });
            }
            None => self.enter_stop_post(now, SocketResult::Success, cause),
        }
    }

    fn enter_stop_post(&mut self, now: u64, result: SocketResult, cause: &str) {
        self.note(result);
        if self.policy.stop_post.is_empty() {
            self.enter_final_signal(now, SocketResult::Success, cause);
        } else {
            self.set_state(State::StopPost(self.control(now)), cause);
            self.spawn(now, Phase::StopPost, 0);
        }
    }

    fn enter_final_signal(&mut self, now: u64, result: SocketResult, cause: &str) {
        self.note(result);
        match self.running_control(now) {
            Some(control) => {
                self.set_state(State::FinalSigterm(control), cause);
                self.actions.push(Action::Kill { signal: self.policy.kill_signal, last: false });
            }
            None => self.enter_dead(now, SocketResult::Success, cause),
        }
    }

    fn enter_dead(&mut self, now: u64, result: SocketResult, cause: &str) {
        self.note(result);
        let state = if self.result == SocketResult::Success { State::Dead } else { State::Failed };
        if state == State::Failed {
            self.log("warning", format!("Failed with result '{}'.", self.result.as_str()));
        }
        self.set_state(state, cause);
        self.restarts = false;
        if std::mem::take(&mut self.start_when_dead) {
            self.start(now);
        }
    }

    fn spawned(&mut self, pid: u32) {
        if let Some(control) = self.state.control_mut() {
            control.pid = Some(pid);
            self.actions.push(Action::Updated);
        }
    }

    fn spawn_failed(&mut self, now: u64, text: String) {
        let Some(phase) = self.phase() else { return };
        self.log("warning", format!("Failed to run '{}' task: {text}", phase.as_str()));
        match phase {
            Phase::StartPre => self.enter_final_signal(now, SocketResult::Resources, &text),
            Phase::StartChown | Phase::StartPost => self.enter_stop_pre(now, SocketResult::Resources, &text),
            Phase::StopPre => self.enter_stop_post(now, SocketResult::Resources, &text),
            Phase::StopPost => self.enter_dead(now, SocketResult::Resources, &text),
        }
    }

    fn exited(&mut self, now: u64, exit: Exit) {
        let ignored = self.control_ignored();
        let Some(control) = self.state.control_mut() else { return };
        let index = control.index;
        control.pid = None;
        let phase = self.phase();
        let (failed, cause) = judge(exit);
        let result = if ignored { SocketResult::Success } else { failed };
        let what = phase.map_or("control", Phase::as_str);
        let cause = format!("{what} process {cause}");
        if result != SocketResult::Success {
            self.log("notice", cause.clone());
        }
        self.note(result);
        let success = result == SocketResult::Success;
        if let Some(phase) = phase
            && success
            && index + 1 < self.commands(phase).len()
        {
            let next = Control { index: index + 1, ..self.control(now) };
            if let Some(control) = self.state.control_mut() {
                *control = next;
            }
            self.spawn(now, phase, index + 1);
            return;
        }
        match self.state {
            State::StartPre(_) if success => self.enter_opening(),
            State::StartPre(_) => self.enter_final_signal(now, result, &cause),
            State::StartChown(_) if success => self.enter_start_post(now),
            State::StartChown(_) => self.enter_stop_pre(now, result, &cause),
            State::StartPost(_) if success => self.enter_listening(now, &cause),
            State::StartPost(_) => self.enter_stop_pre(now, result, &cause),
            State::StopPre(_) | State::StopPreSigterm(_) | State::StopPreSigkill(_) => {
                self.enter_stop_post(now, result, &cause);
            }
            State::StopPost(_) | State::FinalSigterm(_) | State::FinalSigkill(_) => {
                self.enter_dead(now, result, &cause);
            }
            State::Dead | State::Opening | State::Listening | State::Running | State::Failed => {}
        }
    }

    fn timed_out(&mut self, now: u64) {
        let due = self.state.control().is_some_and(|c| c.deadline <= now);
        if !due {
            return;
        }
        self.log("warning", format!("State '{}' timed out.", self.state.sub()));
        let timeout = SocketResult::Timeout;
        let cause = "timeout";
        match self.state {
            State::StartPre(_) => self.enter_final_signal(now, timeout, cause),
            // The sockets are open: ExecStopPre= is due.
            State::StartChown(_) | State::StartPost(_) => {
                self.actions.push(Action::Kill { signal: self.policy.kill_signal, last: false });
                self.enter_stop_pre(now, timeout, cause);
            }
            State::StopPre(_) => self.enter_stop_pre_signal(now, timeout, cause),
            State::StopPreSigterm(_) if self.policy.send_sigkill => {
                self.note(timeout);
                let control = self.late_control(now);
                self.set_state(State::StopPreSigkill(control), cause);
                self.actions.push(Action::Kill { signal: self.policy.final_kill_signal, last: true });
            }
            State::StopPreSigterm(_) | State::StopPreSigkill(_) => self.enter_stop_post(now, timeout, cause),
            State::StopPost(_) => self.enter_final_signal(now, timeout, cause),
            State::FinalSigterm(_) if self.policy.send_sigkill => {
                self.note(timeout);
                let control = self.late_control(now);
                self.set_state(State::FinalSigkill(control), cause);
                self.actions.push(Action::Kill { signal: self.policy.final_kill_signal, last: true });
            }
            State::FinalSigterm(_) | State::FinalSigkill(_) => self.enter_dead(now, timeout, cause),
            State::Dead | State::Opening | State::Listening | State::Running | State::Failed => {}
        }
    }

    /// The list whose command the state runs.
    fn phase(&self) -> Option<Phase> {
        match self.state {
            State::StartPre(_) => Some(Phase::StartPre),
            State::StartChown(_) => Some(Phase::StartChown),
            State::StartPost(_) => Some(Phase::StartPost),
            State::StopPre(_) => Some(Phase::StopPre),
            State::StopPost(_) => Some(Phase::StopPost),
            State::Dead
            | State::Opening
            | State::Listening
            | State::Running
            | State::StopPreSigterm(_)
            | State::StopPreSigkill(_)
            | State::FinalSigterm(_)
            | State::FinalSigkill(_)
            | State::Failed => None,
        }
    }

    fn commands(&self, phase: Phase) -> &[bool] {
        match phase {
            Phase::StartPre => &self.policy.start_pre,
            Phase::StartChown => &[],
            Phase::StartPost => &self.policy.start_post,
            Phase::StopPre => &self.policy.stop_pre,
            Phase::StopPost => &self.policy.stop_post,
        }
    }

    fn spawn(&mut self, now: u64, phase: Phase, index: usize) {
        let deadline = deadline(&self.control(now));
        self.actions.push(Action::Spawn { phase, index });
        self.actions.push(Action::Timer(deadline));
    }

    /// The first command of a phase that begins now.
    fn control(&self, now: u64) -> Control {
        Control { index: 0, pid: None, ignored: false, deadline: now.saturating_add(self.policy.timeout) }
    }

    /// Whether the command that runs, or was told to end, may fail (`-`).
    fn control_ignored(&self) -> bool {
        let Some(control) = self.state.control() else { return false };
        match self.phase() {
            Some(phase) => self.commands(phase).get(control.index).copied().unwrap_or(false),
            None => control.ignored,
        }
    }

    /// The control process that still runs, with a new deadline.
    fn running_control(&mut self, now: u64) -> Option<Control> {
        self.state.control().and_then(|c| c.pid)?;
        Some(self.late_control(now))
    }

    fn late_control(&mut self, now: u64) -> Control {
        let pid = self.state.control().and_then(|c| c.pid);
        let control = Control { pid, ignored: self.control_ignored(), ..self.control(now) };
        self.actions.push(Action::Timer(deadline(&control)));
        control
    }

    /// The first result that is not success stays.
    fn note(&mut self, result: SocketResult) {
        if self.result == SocketResult::Success {
            self.result = result;
        }
    }

    pub(super) fn log(&mut self, level: &'static str, text: String) {
        self.actions.push(Action::Log { level, text });
    }

    /// Enters a state: polling, timer and descriptors follow from old and new.
    pub(super) fn set_state(&mut self, state: State, cause: &str) {
        let old = std::mem::replace(&mut self.state, state);
        if old.control().is_some() && state.control().is_none() {
            self.actions.push(Action::Timer(None));
        }
        match (old == State::Listening, state == State::Listening) {
            (false, true) => self.actions.push(Action::Poll(true)),
            (true, false) => {
                self.end_rest();
                self.actions.push(Action::Poll(false));
            }
            (true, true) | (false, false) => {}
        }
        if old.holds_sockets() && !state.holds_sockets() {
            // Nobody waits for a service any more that would find no socket; accepted connections are still served.
            self.triggers.retain(|t| t.connection.is_some());
            self.actions.push(Action::Close);
        }
        self.actions.push(Action::Changed { state, result: self.result, cause: cause.to_owned() });
    }
}

fn deadline(control: &Control) -> Option<u64> {
    (control.deadline != u64::MAX).then_some(control.deadline)
}

/// What an exit means, and in words.
fn judge(exit: Exit) -> (SocketResult, String) {
    match exit {
        Exit::Code(0) => (SocketResult::Success, "exited, code=exited, status=0".into()),
        Exit::Code(n) => (SocketResult::ExitCode, format!("exited, code=exited, status={n}")),
        // SIGHUP, SIGINT, SIGTERM, SIGPIPE are clean ends of daemons, not of commands (systemd.service(5)).
        Exit::Signal(n) => (SocketResult::Signal, format!("exited, code=killed, status={n}")),
        Exit::CoreDump(n) => (SocketResult::CoreDump, format!("exited, code=dumped, status={n}")),
    }
}
