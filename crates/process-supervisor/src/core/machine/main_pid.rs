//! How the main process of a service is found that did not stay the one we started: PID file, guess, `MAINPID=`.

use super::super::Pid;
use super::super::action::{Action, Level};
use super::super::command::ExecStatus;
use super::super::exit::ServiceResult;
use super::super::state::State;
use super::super::view::{Owner, View};
use super::{Machine, Main};

impl Machine {
    /// `Type=forking`: the first process went well, and left a daemon.
    pub(super) fn daemon_forked(&mut self, view: &dyn View) {
        if self.definition.pid_file.is_some() {
            let post = !self.definition.commands(super::super::command::CommandKind::StartPost).is_empty();
            // ExecStartPost= may be what writes it: then it is read later.
            let loaded = self.load_pid_file(!post, view);
            if !post && !loaded {
                if self.demand_pid_file(view) && view.populated() == Some(false) {
                    self.cause.push_str(", without a usable PID file");
                    self.enter_signal(State::StopSigterm, ServiceResult::Protocol, view);
                }
                return;
            }
        } else {
            self.guess_main_pid(view);
        }
        self.enter_start_post(view);
    }

    /// Takes the main process from the PID file, if what that says is believable.
    pub(super) fn load_pid_file(&mut self, warn: bool, view: &dyn View) -> bool {
        if self.definition.pid_file.is_none() {
            return false;
        }
        let level = if warn { Level::Warning } else { Level::Debug };
        let file = match view.pid_file() {
            Ok(file) => file,
            Err(error) => {
                self.log(level, format!("Can't read the PID file: {error}"));
                return false;
            }
        };
        match self.judge_main(file.pid, view) {
            Err(why) => {
                self.log(level, why);
                return false;
            }
            Ok(true) => {}
            Ok(false) if file.questionable => {
                self.log(
                    level,
                    format!(
                        "The PID file was reached over an unsafe link, and process {} is not this unit's: refused.",
                        file.pid
                    ),
                );
                return false;
            }
            Ok(false) if !file.root_owned => {
                self.log(
                    level,
                    format!("Process {} is not this unit's, and the PID file is not owned by root: refused.", file.pid),
                );
                return false;
            }
            Ok(false) => {
                self.log(
                    Level::Debug,
                    format!(
                        "Process {} is not this unit's; taken as main process, as root's PID file says so.",
                        file.pid
                    ),
                );
            }
        }
        self.adopt(file.pid, view);
        true
    }

    /// Waits for the PID file. Tells whether it still has to wait (the file may have come meanwhile).
    pub(super) fn demand_pid_file(&mut self, view: &dyn View) -> bool {
        if !self.watching_pid_file {
            self.watching_pid_file = true;
            self.act(Action::WatchPidFile);
        }
        if self.load_pid_file(false, view) {
            self.enter_running(ServiceResult::Success, view);
            return false;
        }
        self.tell();
        true
    }

    pub(super) fn pid_file_changed(&mut self, view: &dyn View) {
        if self.watching_pid_file && self.load_pid_file(false, view) {
            self.cause = "the PID file was written".into();
            self.enter_running(ServiceResult::Success, view);
        }
    }

    /// `GuessMainPID=`: the only process of the unit whose parent is a manager.
    pub(super) fn guess_main_pid(&mut self, view: &dyn View) {
        if self.main != Main::Unknown || !self.definition.guess_main_pid {
            return;
        }
        let mut found = view.orphans().into_iter();
        if let (Some(pid), None) = (found.next(), found.next()) {
            self.log(Level::Debug, format!("Main PID guessed: {pid}"));
            self.adopt(pid, view);
        }
    }

    /// Whether a process may be the main one: `Ok(false)` when it is somebody else's.
    pub(super) fn judge_main(&self, pid: Pid, view: &dyn View) -> Result<bool, String> {
        if self.control_pid() == Some(pid) {
            return Err(format!("New main PID {pid} is the control process, refusing."));
        }
        match view.owner(pid) {
            Owner::Manager => Err(format!("New main PID {pid} is the service manager, refusing.")),
            Owner::Nobody => Err(format!("New main PID {pid} does not exist or is a zombie.")),
            Owner::Unit => Ok(true),
            Owner::Other => Ok(false),
        }
    }

    /// Follows another main process.
    pub(super) fn adopt(&mut self, pid: Pid, view: &dyn View) {
        if self.main_pid() == Some(pid) {
            return;
        }
        // A process of the unit whose parent is gone is reaped by a manager; one of another unit is not ours to wait for.
        let alien = view.owner(pid) != Owner::Unit;
        if alien {
            self.log(Level::Warning, format!("Supervising process {pid} which is not our child."));
        }
        self.main = Main::Alive { pid, alien };
        self.main_status = ExecStatus::started(pid, self.now);
        self.main_command = None;
        self.act(Action::Follow(pid));
    }
}
