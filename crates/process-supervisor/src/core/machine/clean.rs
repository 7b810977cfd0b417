//! `systemctl clean`: dead, cleaning, dead.

use super::super::action::{Action, Level};
use super::super::exit::ServiceResult;
use super::super::state::State;
use super::Machine;

impl Machine {
    /// `Clean`. In any other state than dead there is something that the directories may be needed for.
    pub(super) fn clean(&mut self, what: Vec<String>, cause: String) {
        if !self.may_clean() {
            let sub = self.state.sub();
            self.log(Level::Debug, format!("Clean in state {sub} ignored."));
            return;
        }
        self.cause = cause;
        self.clean_result = ServiceResult::Success;
        self.cleaning.clone_from(&what);
        self.deadline = self.now.after(self.definition.timeouts.clean);
        self.enter(State::Cleaning);
        self.act(Action::Clean(what));
    }

    /// It is done.
    pub(super) fn cleaned(&mut self, error: Option<String>) {
        if self.state != State::Cleaning {
            return;
        }
        match error {
            None => self.cause = "cleaned".into(),
            Some(error) => {
                self.log(Level::Warning, format!("Cleaning failed: {error}"));
                self.clean_result = ServiceResult::ExitCode;
                self.cause = error;
            }
        }
        self.cleaning.clear();
        self.enter(State::Dead);
    }

    /// It takes too long, or a stop is wanted.
    pub(super) fn stop_cleaning(&mut self, result: ServiceResult) {
        self.clean_result = result;
        self.cleaning.clear();
        self.act(Action::AbortClean);
        self.enter(State::Dead);
    }

    /// Only a service that is down, and not by a failure that somebody may want to look into.
    pub fn may_clean(&self) -> bool {
        self.state == State::Dead && self.spawning.is_none()
    }

    /// What is being removed, for a new supervisor to go on with.
    pub fn cleaning(&self) -> Option<&[String]> {
        (self.state == State::Cleaning).then_some(self.cleaning.as_slice())
    }
}
