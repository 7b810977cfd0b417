//! The program that becomes a service: it reads a [`Job`], sets the process up as systemd.exec(5) says, and execs.
//!
//! It is a program of its own because nothing of this may happen between vfork and exec of a big multi-threaded daemon, and
//! because a small one starts faster. The order of its steps is systemd's where it can be observed: what fails first decides
//! the exit status ([`Failure::status`], systemd.exec(5) "Process Exit Codes").

mod job;
mod report;

pub use job::*;
pub use report::{ExecReport, Step};
