//! The program that becomes a service: it reads a [`Job`], sets the process up as systemd.exec(5) says, and execs.
//!
//! It is a program of its own because nothing of this may happen between vfork and exec of a big multi-threaded daemon, and
//! because a small one starts faster. The order of its steps is systemd's where it can be observed: what fails first decides
//! the exit status ([`Step::status`], systemd.exec(5) "Process Exit Codes").
//!
//! Root's rights are needed by most steps, so the user changes late; the working directory is entered after that, because
//! the user must be able to.

pub(crate) mod attributes;
mod capabilities;
mod credentials;
pub(crate) mod descriptors;
mod directories;
pub(crate) mod identity;
mod job;
mod namespace;
pub(crate) mod program;
pub(crate) mod report;
pub(crate) mod run;
mod seccomp;
mod stdio;
mod users;

pub use credentials::remove as remove_credentials;
pub use job::*;
pub use report::{ExecReport, Failure, Step};
pub use run::main;
