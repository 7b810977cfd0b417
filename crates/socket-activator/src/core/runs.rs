//! What became of the control commands: the times, processes and exits in `ExecStartPre` and the like
//! (org.freedesktop.systemd1(5)).

use serde::{Deserialize, Serialize};

use super::event::Exit;
use super::state::Phase;
use super::timestamps::Moment;

/// One run of a command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its process.
    pub pid: u32,
    /// When it began.
    pub start: Moment,
    /// When it ended.
    pub end: Moment,
    /// `CLD_*`, 0 while it runs.
    pub code: i32,
    /// Exit status or signal.
    pub status: i32,
}

/// The last run of every command since the unit's last start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runs(Vec<(Phase, usize, Run)>);

impl Runs {
    /// The unit starts: nothing has run.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// A command runs.
    pub fn began(&mut self, phase: Phase, index: usize, pid: u32, now: Moment) {
        self.0.retain(|(p, i, _)| (*p, *i) != (phase, index));
        self.0.push((phase, index, Run { pid, start: now, ..Run::default() }));
    }

    /// The process of a command ended.
    pub fn ended(&mut self, pid: u32, exit: Exit, now: Moment) {
        let (code, status) = match exit {
            Exit::Code(n) => (1, n),
            Exit::Signal(n) => (2, n),
            Exit::CoreDump(n) => (3, n),
        };
        for (_, _, run) in self.0.iter_mut().filter(|(_, _, run)| run.pid == pid && run.code == 0) {
            (run.end, run.code, run.status) = (now, code, status);
        }
    }

    /// That of a command; zeroes if there was none.
    pub fn of(&self, phase: Phase, index: usize) -> Run {
        self.0.iter().find(|(p, i, _)| (*p, *i) == (phase, index)).map(|(_, _, run)| *run).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_run_of_each() {
        let at = |n| Moment { realtime: n, monotonic: n };
        let mut runs = Runs::default();
        runs.began(Phase::StartPre, 0, 7, at(1));
        runs.ended(7, Exit::Code(0), at(2));
        runs.began(Phase::StopPost, 1, 8, at(3));
        runs.ended(8, Exit::Signal(9), at(4));
        runs.ended(7, Exit::Code(3), at(5));
        let first = runs.of(Phase::StartPre, 0);
        assert_eq!((first.pid, first.start, first.end, first.code, first.status), (7, at(1), at(2), 1, 0));
        assert_eq!(runs.of(Phase::StopPost, 1).code, 2);
        assert_eq!(runs.of(Phase::StopPost, 0), Run::default());
        runs.clear();
        assert_eq!(runs, Runs::default());
    }
}
