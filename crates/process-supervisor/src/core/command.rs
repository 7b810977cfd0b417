//! The command lines of a service by what they are for.

use serde::{Deserialize, Serialize};

use super::Pid;
use super::exit::Exit;
use super::time::Stamp;
use unit_parser::RowId;
use unit_parser::rows::service;

/// Which `Exec…=` directive a command is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CommandKind {
    /// `ExecCondition=`
    Condition,
    /// `ExecStartPre=`
    StartPre,
    /// `ExecStart=`
    Start,
    /// `ExecStartPost=`
    StartPost,
    /// `ExecReload=`
    Reload,
    /// `ExecStop=`
    Stop,
    /// `ExecStopPost=`
    StopPost,
}

impl CommandKind {
    /// All, in the order in which they run.
    pub const ALL: [CommandKind; 7] = [
        CommandKind::Condition,
        CommandKind::StartPre,
        CommandKind::Start,
        CommandKind::StartPost,
        CommandKind::Reload,
        CommandKind::Stop,
        CommandKind::StopPost,
    ];

    /// The directive's row.
    pub fn row(self) -> RowId {
        match self {
            CommandKind::Condition => service::EXEC_CONDITION,
            CommandKind::StartPre => service::EXEC_START_PRE,
            CommandKind::Start => service::EXEC_START,
            CommandKind::StartPost => service::EXEC_START_POST,
            CommandKind::Reload => service::EXEC_RELOAD,
            CommandKind::Stop => service::EXEC_STOP,
            CommandKind::StopPost => service::EXEC_STOP_POST,
        }
    }

    /// The directive and D-Bus property (`ExecStart`, ...).
    pub fn property(self) -> &'static str {
        match self {
            CommandKind::Condition => "ExecCondition",
            CommandKind::StartPre => "ExecStartPre",
            CommandKind::Start => "ExecStart",
            CommandKind::StartPost => "ExecStartPost",
            CommandKind::Reload => "ExecReload",
            CommandKind::Stop => "ExecStop",
            CommandKind::StopPost => "ExecStopPost",
        }
    }

    /// As log lines call it.
    pub fn phase(self) -> &'static str {
        match self {
            CommandKind::Condition => "exec-condition",
            CommandKind::StartPre => "start-pre",
            CommandKind::Start => "start",
            CommandKind::StartPost => "start-post",
            CommandKind::Reload => "reload",
            CommandKind::Stop => "stop",
            CommandKind::StopPost => "stop-post",
        }
    }
}

/// What became of one run of a command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExecStatus {
    /// The process; 0 when it never ran.
    pub pid: Pid,
    /// When it was started.
    pub start: Option<Stamp>,
    /// When it ended.
    pub exit_time: Option<Stamp>,
    /// How it ended.
    pub exit: Option<Exit>,
}

impl ExecStatus {
    /// A process that just started.
    pub fn started(pid: Pid, now: Stamp) -> ExecStatus {
        ExecStatus { pid, start: Some(now), exit_time: None, exit: None }
    }

    /// The same, ended. A process that we did not start ourselves (`MAINPID=`) has no start.
    pub fn ended(self, pid: Pid, exit: Exit, now: Stamp) -> ExecStatus {
        let start = if self.pid == pid { self.start } else { None };
        ExecStatus { pid, start, exit_time: Some(now), exit: Some(exit) }
    }
}
