//! System calls that the daemons need, behind owned types: the only crate of the workspace with `unsafe`.
//!
//! One file per noun. Functions return [`std::io::Error`] as the kernel gave it; nothing here decides anything and nothing
//! logs. Everything is usable from a single-threaded or multi-threaded process unless its comment says otherwise.
//!
//! * [`spawn`] starts [`executor`], the small program that turns itself into a service.
//! * [`exec`] starts a program with passed descriptors and nothing else.
//! * [`pidfd`], [`reap`], [`process`], [`signals`]: processes that run and processes that ended.
//! * [`cgroup`]: cgroup2 as a container of processes (no controllers are needed).
//! * [`notify`], [`fdpass`], [`listen_fds()`], [`peer`]: the sd_notify(3) and sd_listen_fds(3) protocols and their sockets.
//! * [`description`]: descriptors that are copies of one.
//! * [`mount`], [`namespace`], [`boot`], [`memfd`], [`clock`], [`limits`], [`random`], [`heap`]: what is left.

pub mod boot;
pub mod bpf;
pub mod cgroup;
pub mod clock;
pub mod description;
pub mod exec;
pub mod executor;
pub mod exit;
pub mod fdpass;
pub mod heap;
pub mod limits;
pub mod listen_fds;
pub mod memfd;
pub mod mount;
pub mod namespace;
pub mod net;
pub mod notify;
pub mod peer;
pub mod pidfd;
pub mod process;
mod pseudo;
pub mod random;
pub mod reap;
pub mod signals;
pub mod spawn;
pub mod subreaper;

pub use exit::ExitStatus;
pub use listen_fds::listen_fds;
